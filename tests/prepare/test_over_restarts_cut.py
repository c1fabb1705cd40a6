"""The power is cut while a host is made ready for its next start: it starts, and is finished or undone."""

from __future__ import annotations

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
    tree_of,
)
from tests.prepare.site import folder_in_memory

from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.disk.tree import Node
from gpucloud.lab.lab import Lab

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


IN_REBUILD = once("initramfs-is-written", "ls /boot/initrd.img-*.new")
UNDO, RESUME = ("undo",), ("apply", "--resume")
CUTS = [
    (at_event(1, "before"), UNDO),
    (at_event(2, "after"), RESUME),
    (at_event(5, "before"), UNDO),
    (at_event(8, "after"), UNDO),
    (at_event(10, "before"), RESUME),
    (once("initramfs-is-gathered", "ls -d /var/tmp/mkinitramfs*/usr"), UNDO),
    (IN_REBUILD, RESUME),
    (once("boot-menu-is-written", "ls /boot/grub/grub.cfg.new"), UNDO),
    (at_event(13, "after"), UNDO),
]
ALL_DONE = at_event(14, "after")

Tree = Mapping[str, Node]


@pytest.fixture(scope="module")
def first(lab: Lab) -> Tree:
    with folder_in_memory() as folder:
        return first_tree(lab, TOOLS, folder)


@pytest.fixture(scope="module")
def planned(lab: Lab) -> Callable[[], Tree]:
    """The tree after a plan that nothing has cut off; made when it is first asked for."""
    made: list[Tree] = []

    def tree() -> Tree:
        if not made:
            with disk_host(lab, "card-audio", TOOLS, "planned") as host, folder_in_memory() as folder:
                apply_spec(host)
                host.power_off()
                made.append(tree_of(host, folder))
        return made[0]

    return tree


def cut_and_recover(lab: Lab, cut: Cut, way_out: tuple[str, ...], folder: Path) -> Tree:
    """Cut the power at that moment; the tree after the next start and the way out."""
    with disk_host(lab, "card-audio", TOOLS, "cut") as host:
        host.put(SPEC.encode(), PLACE)
        host.run(["sh", "-c", 'setsid "$@" >/run/cut.log 2>&1 </dev/null &', "sh", *cut.runs], ok=(0,))
        until = f"until {cut.claim}; do sleep 0.2; done >/dev/null 2>&1"
        host.run(["sh", "-c", until], ok=(0,), timeout_s=REBUILT_S)
        host.kill()
        host.restart(timeout_s=REBUILT_S)
        gpucloud(host, *way_out)
        sh(host, "sync")
        host.power_off()
        return tree_of(host, folder)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("cut", [pytest.param(each, id=each.name) for each in (IN_REBUILD, ALL_DONE)])
def test_power_that_fails_at_the_worst_moments_leaves_a_host_that_starts_and_is_undone(
    lab: Lab, first: Tree, cut: Cut, tmp_path: Path
) -> None:
    assert differences(first, cut_and_recover(lab, cut, UNDO, tmp_path)) == {}


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.long
@pytest.mark.parametrize(
    ("cut", "way_out"), [pytest.param(*each, id=f"{each[0].name}-{each[1][-1]}") for each in CUTS]
)
def test_power_that_fails_at_any_moment_leaves_a_host_that_starts_and_is_the_old_or_the_new(
    lab: Lab,
    first: Tree,
    planned: Callable[[], Tree],
    cut: Cut,
    way_out: tuple[str, ...],
    tmp_path: Path,
) -> None:
    wanted = first if way_out == UNDO else planned()
    assert differences(wanted, cut_and_recover(lab, cut, way_out, tmp_path)) == {}
