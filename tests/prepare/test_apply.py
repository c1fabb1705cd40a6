"""A plan carried out: all of it, or nothing of it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.prepare.doom import Doom, DoomedSystem
from tests.prepare.fake_host import LAB_CARD, card, drivers_of
from tests.prepare.site import Site, site_in

from gpucloud.model.change import UnbindDriver
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Step
from gpucloud.prepare.desk import conclude
from gpucloud.prepare.journal import Status
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.system import System
from gpucloud.prepare.takeback import Watch


class Liar(DoomedSystem):
    """Does what it is told, and says once that it could not."""

    def __init__(self, system: System, at: int) -> None:
        super().__init__(system, Doom(-1))
        self._left = at

    def _around(self, effect: Callable[[], None]) -> None:
        effect()
        self._left -= 1
        if self._left == -1:
            raise OSError(errno.EIO, "it never happened")


def test_the_whole_card_goes_and_the_other_one_is_not_touched(site: Site) -> None:
    before = drivers_of(site.root)
    outcome = site.apply("3b:00.0")
    assert outcome is not None
    assert outcome.failure is None
    assert drivers_of(site.root) == {
        **before,
        "0000:3b:00.0": "vfio-pci",
        "0000:3b:00.1": "vfio-pci",
    }


def test_two_equal_cards_the_override_of_the_other_stays_empty(site: Site) -> None:
    site.apply("3b:00.0")
    assert (site.root / "sys/bus/pci/devices/0000:3c:00.0/driver_override").read_text() == "(null)\n"
    assert not list(site.root.rglob("new_id"))


def test_applying_twice_is_applying_once(site: Site) -> None:
    plan = site.plan("3b:00.0")
    site.desk.apply(plan)
    after = site.picture()
    assert site.desk.apply(plan) is None
    assert site.apply("3b:00.0") is None
    assert site.picture() == after
    assert len(site.journal.entries()) == 1


def test_each_step_is_told_of(site: Site) -> None:
    told: list[str] = []
    site.apply("3b:00.0", watch=Watch(told.append))
    assert told[0] == "step 1 of 8: load the module vfio-pci ids="
    assert told[-1] == "step 8 of 8: bind 0000:3b:00.1 to vfio-pci"


@pytest.mark.parametrize("address", ["0000:3b:00.0", "0000:3b:00.1"])
def test_a_bind_that_fails_takes_everything_back(site: Site, address: str) -> None:
    before = site.picture()
    site.kernel.probe_errors["vfio-pci", address] = errno.EIO
    outcome = site.apply("3b:00.0")
    assert outcome is not None
    assert "Input/output error" in str(outcome.failure)
    assert not outcome.left
    assert site.picture() == before
    assert site.journal.entry("1").read_progress().status == Status.UNDONE


@pytest.mark.parametrize("step", range(8))
def test_a_step_that_happened_although_it_failed_is_taken_back(site: Site, step: int) -> None:
    before = site.picture()
    outcome = replace(site, wrap=lambda system: Liar(system, step)).apply("3b:00.0")
    assert outcome is not None
    assert "it never happened" in str(outcome.failure)
    assert not outcome.left
    assert site.picture() == before


def test_a_module_that_cannot_be_loaded_ends_it_before_a_driver_is_touched(site: Site) -> None:
    before = site.picture()
    site.kernel.modules.pop("vfio_iommu_type1")
    outcome = site.apply("3b:00.0")
    assert outcome is not None
    assert "vfio_iommu_type1 could not be loaded: modprobe: FATAL" in str(outcome.failure)
    assert site.picture() == before


def test_an_undo_that_fails_too_is_said_whole(site: Site) -> None:
    site.kernel.probe_errors["vfio-pci", "0000:3b:00.1"] = errno.EIO
    site.kernel.probe_errors["nvidia", "0000:3b:00.0"] = errno.ENOMEM
    outcome = site.apply("3b:00.0")
    assert outcome is not None
    assert len(outcome.left) == 2
    assert "unbind 0000:3b:00.0 from nvidia: " in outcome.left[0]
    assert "Cannot allocate memory" in outcome.left[0]
    assert drivers_of(site.root)["0000:3b:00.1"] == "snd_hda_intel"
    assert site.journal.entry("1").read_progress().status == Status.LEFT
    with pytest.raises(Failure) as raised:
        conclude(outcome)
    assert raised.value.code == Exit.UNDO_FAILED


def test_what_an_undo_left_is_taken_back_by_the_next(site: Site) -> None:
    before = site.picture()
    site.kernel.probe_errors["vfio-pci", "0000:3b:00.1"] = errno.EIO
    site.kernel.probe_errors["nvidia", "0000:3b:00.0"] = errno.ENOMEM
    site.apply("3b:00.0")
    site.kernel.probe_errors.clear()
    assert not site.desk.undo("last", force=False).left
    assert site.picture() == before


def test_a_stop_takes_everything_back(site: Site) -> None:
    before = site.picture()
    for after in range(8):
        told: list[str] = []
        outcome = site.apply("3b:00.0", watch=Watch(told.append, lambda told=told, n=after: len(told) >= n))  # type: ignore[misc]
        assert outcome is not None
        assert outcome.failure == "interrupted"
        assert site.picture() == before, after


def test_a_failure_of_our_own_takes_everything_back_too(site: Site) -> None:
    before = site.picture()
    site.kernel.blocked["nvidia", "0000:3b:00.0"] = lambda: 1 / 0  # type: ignore[assignment]
    outcome = site.apply("3b:00.0")
    assert outcome is not None
    assert "ZeroDivisionError" in str(outcome.failure)
    assert site.picture() == before


@dataclass
class FullDisk(RealDisk):
    """Takes some events and then no more."""

    room: int
    written: list[bytes] = field(default_factory=list)

    def append(self, path: Path, data: bytes) -> None:
        if len(self.written) >= self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written.append(data)
        super().append(path, data)


@pytest.mark.parametrize("room", range(9))
def test_a_journal_that_cannot_be_written_takes_everything_back(site: Site, room: int) -> None:
    before = site.picture()
    outcome = Site(site.kernel, site.state, FullDisk(room)).apply("3b:00.0")
    assert outcome is not None
    assert outcome.failure == "the journal cannot be written: No space left on device"
    assert site.picture() == before
    assert not site.desk.undo("1", force=False).left
    assert site.picture() == before


def test_a_plan_of_another_moment_is_refused_and_says_what_changed(site: Site) -> None:
    plan = site.plan("3b:00.0")
    site.kernel.unbind_store("pci", "snd_hda_intel", "0000:3b:00.1")
    with pytest.raises(Failure, match=r"0000:3b:00.1/driver was snd_hda_intel, is \(none\).*plan anew"):
        site.desk.apply(plan)
    assert not site.journal.entries()


def test_a_plan_with_a_step_that_this_host_would_not_plan_is_refused(site: Site) -> None:
    plan = site.plan("3b:00.0")
    other = UnbindDriver(address=PciAddress.parse("0000:02:00.0"), driver="ast", override=None)
    hostile = replace(plan, steps=(*plan.steps, Step(other, "trust me", plan.units[0])))
    before = site.picture()
    with pytest.raises(Failure, match="other steps than this host needs"):
        site.desk.apply(hostile)
    assert site.picture() == before


def test_a_holder_that_came_since_stops_it(lab_site: Site) -> None:
    plan = lab_site.plan("00:0a.0", force=True)
    (lab_site.root / "proc/812/fd").mkdir(parents=True)
    (lab_site.root / "proc/812/comm").write_text("Xorg\n")
    (lab_site.root / "proc/812/fd/3").symlink_to("/dev/fb0")
    with pytest.raises(Failure, match=r"held by was \(none\), is Xorg \(812\) /dev/fb0"):
        lab_site.desk.apply(plan)


def test_a_card_that_was_pulled_since_stops_it(site: Site) -> None:
    plan = site.plan("3b:00.0")
    for function in ("0000:3b:00.0", "0000:3b:00.1"):
        (site.root / "sys/bus/pci/devices" / function).unlink()
    with pytest.raises(Failure, match=r"there is nothing at 0000:3b:00\.0"):
        site.desk.apply(plan)


def test_only_one_may_change_the_host(site: Site) -> None:
    with site.journal.lock(), pytest.raises(Failure, match=r"another gpucloud .*process [0-9]+"):
        site.apply("3b:00.0")


def test_the_lock_of_a_process_that_is_gone_does_not_stand_in_the_way(site: Site) -> None:
    (site.state).mkdir()
    (site.state / "lock").write_text("999999\n")
    assert site.apply("3b:00.0") is not None


def test_the_last_console_is_taken_and_comes_back(tmp_path: Path) -> None:
    site = site_in(tmp_path, LAB_CARD)
    before = site.picture()
    site.apply("00:0a.0", force=True)
    assert (site.root / "sys/class/vtconsole/vtcon0/bind").read_text() == "1\n"
    assert not site.desk.undo("last", force=False).kept
    assert site.picture() == before


def test_the_previous_driver_comes_back_and_not_the_first_that_matches(tmp_path: Path) -> None:
    site = site_in(tmp_path, card(0x3B, 11, drivers=("nvidia", "snd_hda_intel")))
    site.kernel.register_driver("nouveau")
    site.kernel.matches["nouveau"] = site.kernel.matches["nvidia"]
    before = site.picture()
    site.apply("3b:00.0")
    site.desk.undo("last", force=False)
    assert site.picture() == before
