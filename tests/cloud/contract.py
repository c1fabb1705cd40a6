"""What every cloud promises, as tests: the in-memory fake, libvirt here, libvirt in a lab host.

A class that runs the contract names the test class ``Test...``, derives from `CloudContract`, and brings
a fixture ``ground`` with a cloud on which no guest of gpucloud is, and at least one GPU is free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from gpucloud.cloud.protocol import Cloud, Patience
from gpucloud.model.failure import Failure
from gpucloud.model.guest import Guest, GuestSpec, GuestState

PATIENCE = Patience(timeout_s=600)


@dataclass(frozen=True, slots=True)
class Ground:
    """A cloud, what is known of it, and how to ask for a guest on it."""

    cloud: Cloud
    gpus: int
    """How many GPUs it can give."""
    spec: GuestSpec
    """A guest with one GPU that the cloud can make."""
    said: list[str]

    def launch(self, **changed: object) -> Guest:
        return self.cloud.launch(replace(self.spec, **changed), PATIENCE, self.said.append)  # type: ignore[arg-type]

    def names(self) -> list[str]:
        return [guest.name for guest in self.cloud.list()]


class CloudContract:
    """Tests that pass on every cloud."""

    @pytest.fixture
    def ground(self) -> Ground:
        raise NotImplementedError

    def test_a_launched_guest_has_seen_all_it_was_given(self, ground: Ground) -> None:
        guest = ground.launch()
        assert guest.state is GuestState.RUNNING
        assert guest.gpus == 1
        assert set(guest.units) <= set(guest.functions)
        assert guest.seen is not None
        assert len(guest.seen) >= len(guest.functions)
        assert ground.said

        assert ground.cloud.list() == (guest,)
        assert ground.cloud.show(guest.name) == guest
        assert "gpucloud-report" in "".join(ground.cloud.console(guest.name, follows=False))
        self._is_alone_under_its_name(ground, guest)

        ground.cloud.destroy(guest.name, lambda _: None)
        assert ground.names() == []

    def _is_alone_under_its_name(self, ground: Ground, guest: Guest) -> None:
        with pytest.raises(Failure, match=guest.name):
            ground.launch()
        assert ground.cloud.show(guest.name) == guest

    def test_a_guest_says_when_it_ends_and_its_gpus_can_be_given_again(self, ground: Ground) -> None:
        first = ground.launch(lifetime_s=3600)
        assert first.ends_at_s == first.started_at_s + 3600
        ground.cloud.destroy(first.name, lambda _: None)
        second = ground.launch()
        assert second.ends_at_s is None
        assert second.id != first.id
        ground.cloud.destroy(second.name, lambda _: None)

    def test_more_gpus_than_there_are_is_refused_and_leaves_nothing(self, ground: Ground) -> None:
        with pytest.raises(Failure, match=f"{ground.gpus + 1} wanted"):
            ground.launch(gpus=ground.gpus + 1)
        assert ground.names() == []

    def test_a_model_that_is_not_there_is_refused(self, ground: Ground) -> None:
        with pytest.raises(Failure, match="no such card"):
            ground.launch(model="no such card")

    @pytest.mark.parametrize(
        "act",
        [
            lambda cloud: cloud.show("nobody"),
            lambda cloud: cloud.destroy("nobody", lambda _: None),
            lambda cloud: list(cloud.console("nobody", follows=False)),
        ],
        ids=["show", "destroy", "console"],
    )
    def test_a_name_that_is_not_there_is_said(self, ground: Ground, act: Callable[[Cloud], object]) -> None:
        with pytest.raises(Failure, match="there is no guest nobody"):
            act(ground.cloud)
