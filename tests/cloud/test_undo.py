"""A guest that does not end at once keeps what it has until it is gone; the launch's own failure is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.builders import card, host
from tests.cloud.fake_hypervisor import Behaviour, FakeHypervisor, Running, reports, stays_silent
from tests.cloud.here import Machine, machine

from gpucloud.cloud.libvirt.connection import Libvirt, Lingers
from gpucloud.cloud.protocol import Patience
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestSpec

SPEC = GuestSpec("one", 1, lifetime_s=600)
BUSY = (
    "libvirt could not end the guest: Failed to terminate process 812 with SIGKILL: Device or resource busy"
)


@dataclass(slots=True)
class Unwilling(FakeHypervisor):
    """A hypervisor whose guests do not end the first times."""

    refusals: int = 0
    refuse: Callable[[str], Failure] = Lingers

    def end(self, uuid: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.refuse(BUSY)
        # Explicit, since a dataclass with slots is made anew, and plain super() means the old one.
        FakeHypervisor.end(self, uuid)


@dataclass(slots=True)
class Seen:
    here: Machine
    failure: Failure
    said: list[str]

    @property
    def left(self) -> tuple[int, list[str], int]:
        """Guests that run, time limits, and files."""
        here = self.here
        return len(here.hypervisor.running), list(here.deadline.armed), len(here.leftovers())


def _here(folder: Path, refusals: int, behaviour: Behaviour = stays_silent) -> Machine:
    return machine(Unwilling(host(card("3b:00", group=1)), behaviour, refusals=refusals), folder)


def _launch(here: Machine) -> Seen:
    said: list[str] = []
    with pytest.raises(Failure) as caught:
        here.cloud.launch(SPEC, Patience(60), said.append)
    return Seen(here, caught.value, said)


def test_a_guest_that_ends_late_is_waited_for_and_nothing_is_left(tmp_path: Path) -> None:
    seen = _launch(_here(tmp_path, refusals=2))
    assert seen.failure.what.startswith("guest one did not say in 60 s what it sees")
    assert "runs" not in str(seen.failure)
    assert sum("guest one does not end yet" in line for line in seen.said) == 2
    assert seen.left == (0, [], 0)


def test_a_guest_that_never_ends_keeps_its_time_and_its_folder_and_the_launch_says_both(
    tmp_path: Path,
) -> None:
    seen = _launch(_here(tmp_path, refusals=10_000))
    assert seen.failure.what.startswith("guest one did not say in 60 s what it sees")
    assert f"guest one still runs, and keeps all it has: {BUSY}" in seen.failure.what
    assert seen.failure.then.endswith("gpucloud destroy one")
    assert seen.failure.code is Exit.UNDO_FAILED
    running, armed, files = seen.left
    assert (running, armed) == (1, ["one"])
    assert files
    assert 300 <= seen.here.time.seconds < 400, "the wait has an end"


def test_what_libvirt_refuses_for_another_reason_is_not_tried_for_minutes(tmp_path: Path) -> None:
    hypervisor = Unwilling(host(card("3b:00", group=1)), stays_silent, refusals=10_000, refuse=Failure)
    seen = _launch(machine(hypervisor, tmp_path))
    assert "guest one may still run, and keeps all it has" in seen.failure.what
    assert seen.left[:2] == (1, ["one"])
    assert seen.here.time.seconds < 100


def test_an_interrupted_launch_whose_guest_stays_says_so(tmp_path: Path) -> None:
    def interrupt(hypervisor: FakeHypervisor, running: Running) -> None:
        raise KeyboardInterrupt

    seen = _launch(_here(tmp_path, 10_000, interrupt))
    assert seen.failure.what.startswith("the launch of guest one was interrupted; guest one still runs")


def test_destroy_waits_too_and_takes_nothing_from_a_guest_that_stays(tmp_path: Path) -> None:
    here = _here(tmp_path, 10_000, reports)
    here.cloud.launch(SPEC, Patience(60), lambda _: None)
    with pytest.raises(Failure, match=r"guest one still runs.*gpucloud destroy one"):
        here.cloud.destroy("one", lambda _: None)
    assert list(here.deadline.armed) == ["one"]
    assert here.leftovers()
    here.hypervisor.refusals = 1  # type: ignore[attr-defined]
    here.cloud.destroy("one", lambda _: None)
    assert (here.hypervisor.running, here.deadline.armed, list(here.leftovers())) == ({}, {}, [])


class LibvirtError(Exception):
    """libvirt's own, with its code (libvirt/virterror.h)."""

    def __init__(self, code: int) -> None:
        super().__init__("Failed to terminate process 812 with SIGKILL: Device or resource busy")
        self.code = code

    def get_error_code(self) -> int:
        return self.code


class OneDomain:
    """libvirt's binding with one domain, which cannot be ended for a reason."""

    libvirtError = LibvirtError  # noqa: N815 - its name

    def __init__(self, code: int) -> None:
        self.code = code

    def lookupByUUIDString(self, uuid: str) -> Any:  # noqa: N802 - its name
        return self

    def destroy(self) -> None:
        raise LibvirtError(self.code)


@pytest.mark.parametrize(("code", "kind"), [(38, Lingers), (9, Lingers), (68, Lingers), (1, Failure)])
def test_libvirts_reasons_tell_a_guest_that_lingers(code: int, kind: type[Failure]) -> None:
    libvirt = OneDomain(code)
    with pytest.raises(Failure, match="libvirt could not end the guest: Failed to terminate") as caught:
        Libvirt(libvirt, libvirt).end("u")
    assert type(caught.value) is kind


def test_a_guest_that_went_away_meanwhile_is_ended() -> None:
    libvirt = OneDomain(42)
    Libvirt(libvirt, libvirt).end("u")
