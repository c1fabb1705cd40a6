"""A driver that does not let go: said, not waited for, and put right once it has let go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.prepare.fake_host import BMC, card, drivers_of, live_system
from tests.prepare.site import Site, site_in

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.prepare.desk import Desk
from gpucloud.prepare.journal import Status

pytestmark = pytest.mark.proof

STARTED = "123456"


@dataclass
class Stuck:
    """A host whose nvidia driver waits for a user that does not end."""

    site: Site
    gate: Path

    @property
    def desk(self) -> Desk:
        return Desk(self.site.host, live_system(self.site.kernel, timeout_s=0.5), self.site.journal)

    def waiting(self) -> int:
        """The process that the kernel keeps, as the journal has it."""
        (waiting,) = {e.waiting for e in self.site.journal.entry("1").read_events() if e.waiting}
        pid, started = waiting.split()
        assert started == STARTED
        return int(pid)

    def release(self) -> None:
        """The user ends; the kernel goes on, and its writer ends."""
        pid = self.waiting()
        with self.gate.open("rb") as reader:
            reader.read()
        os.waitpid(pid, 0)
        shutil.rmtree(self.site.root / "proc" / str(pid))
        self.site.kernel.blocked.clear()


@pytest.fixture
def stuck(tmp_path: Path) -> Stuck:
    site = site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, 12), BMC])
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    site.kernel.blocked["nvidia", "0000:3b:00.0"] = wait_at(gate, site.root)
    return Stuck(site, gate)


def wait_at(gate: Path, root: Path) -> Callable[[], None]:
    """Appear in the host's list of processes, as the writer in the kernel does, and wait."""

    def wait() -> None:
        say_that_it_lives(root, os.getpid(), STARTED)
        gate.open("wb").close()

    return wait


def say_that_it_lives(root: Path, pid: int, started: str) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} (gpucloud (1)) D {'0 ' * 18}{started} 0\n")


def test_a_driver_that_does_not_let_go_is_named_and_the_rest_is_taken_back(stuck: Stuck) -> None:
    outcome = stuck.desk.apply(stuck.site.plan("3b:00.0", "3c:00.0"))
    assert outcome is not None
    assert "unbind 0000:3b:00.0 from nvidia: no answer from the kernel for 0.5 s" in str(outcome.failure)
    assert all("0000:3b:00.0" in line for line in outcome.left)
    drivers = drivers_of(stuck.site.root)
    assert drivers["0000:3b:00.1"] == drivers["0000:3c:00.1"] == "snd_hda_intel"
    assert drivers["0000:3c:00.0"] == "nvidia"
    assert stuck.site.journal.entry("1").read_progress().status == Status.LEFT
    stuck.release()


def test_while_it_is_stuck_nothing_is_touched_and_then_undo_puts_it_right(stuck: Stuck) -> None:
    site = stuck.site
    before = site.picture()
    stuck.desk.apply(site.plan("3b:00.0"))
    seen = site.picture()
    desk = replace(stuck.desk, read_host=hang)
    acts: tuple[Callable[[], object], ...] = (
        lambda: desk.undo("last", force=True),
        lambda: desk.plan(["3c:00.0"], force=False),
        lambda: desk.verify_units(["3c:00.0"]),
    )
    for act in acts:
        with pytest.raises(Failure, match=f"process {stuck.waiting()} .*still waits"):
            act()
    assert site.picture() == seen

    stuck.release()
    assert not stuck.desk.undo("last", force=False).left
    assert site.picture() == before


def hang() -> Host:
    raise AssertionError("what a stuck driver keeps locked must not be read")


def test_another_process_with_the_same_number_is_no_hindrance(stuck: Stuck) -> None:
    stuck.desk.apply(stuck.site.plan("3b:00.0"))
    pid = stuck.waiting()
    stuck.release()
    say_that_it_lives(stuck.site.root, pid, "987654")
    assert not stuck.desk.undo("last", force=False).left
