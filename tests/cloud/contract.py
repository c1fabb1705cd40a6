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


def _does_not_pass(seconds: float) -> None:
    raise AssertionError(f"this cloud's clock goes by itself, not {seconds} s at once")


@dataclass(frozen=True, slots=True)
class Ground:
    """A cloud, what is known of it, and how to ask for a guest on it."""

    cloud: Cloud
    gpus: int
    """How many GPUs it can give."""
    spec: GuestSpec
    """A guest with one GPU that the cloud can make."""
    said: list[str]
    passes: Callable[[float], None] = _does_not_pass
    """Lets so many seconds pass at once, for `ClockContract`."""

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

    def test_what_is_done_meanwhile_is_done_once_and_where_it_fails_nothing_is_left(
        self, ground: Ground
    ) -> None:
        done: list[str] = []

        def fail() -> None:
            done.append("tried")
            raise Failure("the other could not be made")

        with pytest.raises(Failure, match="the other could not be made"):
            ground.cloud.launch(ground.spec, PATIENCE, ground.said.append, meanwhile=fail)
        assert (done, ground.names()) == (["tried"], [])

    def test_more_gpus_than_there_are_is_refused_and_leaves_nothing(self, ground: Ground) -> None:
        with pytest.raises(Failure, match=f"{ground.gpus + 1} wanted"):
            ground.launch(gpus=ground.gpus + 1)
        assert ground.names() == []

    def test_a_model_that_is_not_there_is_refused(self, ground: Ground) -> None:
        with pytest.raises(Failure, match="no such card"):
            ground.launch(model="no such card")

    def test_a_guest_is_given_time_and_one_that_has_time_is_not_reaped(self, ground: Ground) -> None:
        first = ground.launch(lifetime_s=600)
        extended = ground.cloud.extend(first.name, 7200, ground.said.append)
        assert first.ends_at_s is not None
        assert extended.ends_at_s is not None
        assert 6000 < extended.ends_at_s - first.ends_at_s < 8400
        assert ground.cloud.show(first.name) == extended
        assert ground.cloud.reap(ground.said.append) == ()
        assert ground.names() == [first.name]
        ground.cloud.destroy(first.name, lambda _: None)

    @pytest.mark.parametrize(
        "act",
        [
            lambda cloud: cloud.extend("nobody", 60, lambda _: None),
            lambda cloud: cloud.show("nobody"),
            lambda cloud: cloud.destroy("nobody", lambda _: None),
            lambda cloud: list(cloud.console("nobody", follows=False)),
        ],
        ids=["extend", "show", "destroy", "console"],
    )
    def test_a_name_that_is_not_there_is_said(self, ground: Ground, act: Callable[[Cloud], object]) -> None:
        with pytest.raises(Failure, match="there is no guest nobody"):
            act(ground.cloud)


class ClockContract(CloudContract):
    """The same, and what needs a clock that tests can set: the ground has `Ground.passes`."""

    def test_a_guest_whose_time_is_over_is_reaped_and_its_gpus_are_free(self, ground: Ground) -> None:
        for name, lifetime_s in (("short", 600), ("long", 7200)):
            ground.launch(name=name, lifetime_s=lifetime_s)
        ground.passes(3600)
        assert [guest.name for guest in ground.cloud.reap(ground.said.append)] == ["short"]
        assert ground.names() == ["long"]
        assert ground.cloud.reap(ground.said.append) == ()
        ground.launch(name="next")
        for name in ground.names():
            ground.cloud.destroy(name, lambda _: None)

    def test_a_guest_without_a_time_limit_and_one_that_was_extended_stay(self, ground: Ground) -> None:
        ground.launch(name="free")
        ground.launch(name="more", lifetime_s=600)
        ground.cloud.extend("more", 7200, ground.said.append)
        ground.passes(3600)
        assert ground.cloud.reap(ground.said.append) == ()
        for name in ground.names():
            ground.cloud.destroy(name, lambda _: None)
