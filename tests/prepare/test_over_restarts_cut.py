"""The power is cut while a host is made ready for its next start: it starts, and is finished or undone."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.prepare.disk_host import (
    PLACE,
    REBUILT_S,
    SPEC,
    apply_spec,
    differences,
    disk_host,
    first_tree,
    gpucloud,
    sh,
    statuses,
    tree_of,
)
from tests.prepare.site import folder_in_memory

from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.disk.tree import Node
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab

_LOG = logging.getLogger(__name__)
TOOLS = Makes.INITRAMFS_TOOLS

_HALT = """
import signal, sys, time
sys.path.insert(0, "/opt/gpucloud/lib")
from pathlib import Path
from gpucloud.inventory import open_host
from gpucloud.prepare.desk import Desk
from gpucloud.prepare.journal import STATE, Journal
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.system import LiveSystem
from gpucloud.spec import load_spec

class Halting(RealDisk):
    left = int(sys.argv[2])

    def append(self, path, data):
        Halting.left -= 1
        if Halting.left == 0 and sys.argv[3] == "before":
            halt()
        super().append(path, data)
        if Halting.left == 0:
            halt()

def halt():
    print("now", flush=True)
    signal.pause()

desk = Desk(open_host, LiveSystem(), Journal(STATE, time.time, Halting()))
desk.apply(desk.plan_start(load_spec(Path(sys.argv[1])), "lab", force=False))
"""
"""Applies as the program does, and stops for ever before or after the n-th event is on the disk."""


@dataclass(frozen=True)
class Cut:
    """When the power goes: what runs, and the claim (shell) that is true at that moment."""

    name: str
    runs: tuple[str, ...]
    claim: str


def at_event(number: int, when: str) -> Cut:
    runs = ("python3", "-c", _HALT, PLACE, str(number), when)
    return Cut(f"{when}-event-{number}", runs, "grep -q now /run/cut.log")


def once(name: str, claim: str) -> Cut:
    return Cut(name, ("gpucloud", "apply", "--spec", PLACE, "--yes"), claim)


def once_after(moment_s: float) -> Cut:
    return once(f"{moment_s:.2f}-s-after-its-start", f"sleep {moment_s:.2f}")


IN_REBUILD = once("initramfs-is-written", "ls /boot/initrd.img-*.new")
ALL_DONE = at_event(14, "after")
CUTS = (
    pytest.param(IN_REBUILD, id=IN_REBUILD.name),
    pytest.param(ALL_DONE, id=ALL_DONE.name, marks=pytest.mark.long),
)
UNDO, RESUME = ("undo",), ("apply", "--resume")
UNFINISHED = ("begun", "applying")

SEED = os.environ.get("GPUCLOUD_CUTS") or str(random.randrange(10**6))  # noqa: S311 - moments, no secrets
"""The moments are drawn by it: those of a failure come again with it in the environment."""

Tree = Mapping[str, Node]


@pytest.fixture(scope="module")
def first(lab: Lab) -> Tree:
    with folder_in_memory() as folder:
        return first_tree(lab, TOOLS, folder)


@dataclass(frozen=True)
class Whole:
    """An apply that nothing cuts off: the tree after it, its events in the journal, and how long it takes."""

    tree: Tree
    events: int
    took_s: float

    def draw(self, chance: random.Random) -> Cut:
        """A moment: around an event, since many of them stand in a few milliseconds, or on the clock."""
        if chance.random() < 0.5:
            return at_event(chance.randint(1, self.events), chance.choice(["before", "after"]))
        return once_after(chance.uniform(0, self.took_s))


@pytest.fixture(scope="module")
def whole(lab: Lab) -> Callable[[], Whole]:
    """Made when it is first asked for."""
    made: list[Whole] = []

    def run() -> Whole:
        if not made:
            with disk_host(lab, "card-audio", TOOLS, "planned") as host, folder_in_memory() as folder:
                began = time.monotonic()
                apply_spec(host)
                took_s = time.monotonic() - began
                events = int(sh(host, "cat /var/lib/gpucloud/journal/*/log | wc -l"))
                host.power_off()
                made.append(Whole(tree_of(host, folder), events, took_s))
        return made[0]

    return run


def cut_off(host: LabHost, cut: Cut) -> None:
    """Cut the power at that moment, and start the server again."""
    host.put(SPEC.encode(), PLACE)
    host.run(["sh", "-c", 'setsid "$@" >/run/cut.log 2>&1 </dev/null &', "sh", *cut.runs], ok=(0,))
    until = f"until {cut.claim}; do sleep 0.2; done >/dev/null 2>&1"
    host.run(["sh", "-c", until], ok=(0,), timeout_s=REBUILT_S)
    host.kill()
    host.restart(timeout_s=REBUILT_S)


def switched_off(host: LabHost, folder: Path) -> Tree:
    sh(host, "sync")
    host.power_off()
    return tree_of(host, folder)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("cut", CUTS)
def test_power_that_fails_at_the_worst_moments_leaves_a_host_that_starts_and_is_undone(
    lab: Lab, first: Tree, cut: Cut, tmp_path: Path
) -> None:
    with disk_host(lab, "card-audio", TOOLS, "cut") as host:
        cut_off(host, cut)
        gpucloud(host, *UNDO)
        assert differences(first, switched_off(host, tmp_path)) == {}


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.long
@pytest.mark.parametrize("number", range(10))
def test_power_that_fails_at_any_moment_leaves_a_host_that_starts_and_is_the_old_or_the_new(
    lab: Lab, first: Tree, whole: Callable[[], Whole], number: int, tmp_path: Path
) -> None:
    chance = random.Random(f"{SEED}-{number}")  # noqa: S311 - moments, no secrets
    cut = IN_REBUILD if number == 0 else whole().draw(chance)
    drawn = chance.choice([UNDO, RESUME])
    with disk_host(lab, "card-audio", TOOLS, "cut") as host:
        cut_off(host, cut)
        stood = statuses(host)[-1:]
        way_out = drawn if stood and stood[0] in UNFINISHED else UNDO
        if stood:
            gpucloud(host, *way_out)
        told = f"cut {cut.name}, stood {stood}, way out {way_out}; again: GPUCLOUD_CUTS={SEED}"
        _LOG.info(told)
        wanted = whole().tree if way_out == RESUME else first
        assert differences(wanted, switched_off(host, tmp_path)) == {}, told
