"""How fast slices are told and planned: ``python bench/slices.py [--runs N]``.

Measures ``gpucloud vgpu types --from TREE`` as a whole process, from start to exit, on the tree of a server
with eight cards of 16 virtual functions each, over NVIDIA's own VFIO interface and over mediated devices; and
the plan of a layout for a fleet of a thousand cards, in this process: four kinds of card, cut half or not at
all, on 125 hosts. The aims: at most 0.2 s, and at most 1 s. Python's own bytecode is compiled before, as it
is after any installation. Where others use the machine, processor time tells more than the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.host_tree import HostTree  # noqa: E402 - found by the line above
from tests.hosts.builders.system import add_system  # noqa: E402
from tests.slices.cards import InstanceCard, SharedCard  # noqa: E402

from gpucloud.model.pci import PciAddress, PciId  # noqa: E402
from gpucloud.slices import Interface, Offer  # noqa: E402
from gpucloud.slices.layout import parse_layout, plan_layout  # noqa: E402
from gpucloud.slices.mig.models import profiles_of  # noqa: E402

CARDS, VFS, HOSTS = 8, 16, 125
TYPES_S, PLAN_S = 0.2, 1.0
PROGRAM = ("-c", "from gpucloud.cli import main; main()")
NAMES = tuple(f"NVIDIA A40-{gib}{series}" for gib in (1, 2, 4, 8, 16, 48) for series in "BQ")
LAYOUT = ("every X: 4 x 4Q", "every Y: 4g.20gb, 3 x 1g.5gb")


def main() -> int:
    """Print the figures beside the aims; the exit code says whether the work was done, not how fast."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15, help="how often each is done; the median counts")
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="gpucloud-bench-") as folder:
        for name, offer in (("vendor VFIO", vendor_vfio), ("mediated devices", mediated)):
            tree = build(Path(folder) / name.replace(" ", "-"), offer)
            if run("vgpu", "types", "--from", str(tree))[1].count("A40-8Q") != CARDS:
                print(f"not done: types over {name}")
                return 1
            timed = [run("vgpu", "types", "--from", str(tree))[0] for _ in range(runs)]
            say(f"types of {CARDS} cards with {VFS} VFs each over {name}", timed, TYPES_S)
    return plan_fleet(runs)


def plan_fleet(runs: int) -> int:
    """Time the plan for a thousand cards."""
    hosts = fleet()
    wishes, timed = parse_layout(LAYOUT), []
    for _ in range(runs):
        began, before = time.perf_counter(), time.process_time()
        plans, unused = plan_layout(wishes, hosts)
        timed.append((time.perf_counter() - began, time.process_time() - before))
        if len(plans) != 1000 or unused or any(plan.refusals for plan in plans):
            print("not done: the plan of a fleet")
            return 1
    say(f"plan of {sum(map(len, hosts.values()))} cards on {HOSTS} hosts", timed, PLAN_S)
    return 0


def fleet() -> dict[str | None, list[Offer]]:
    """Hosts with two cards of each kind."""
    hosts: dict[str | None, list[Offer]] = {}
    for number in range(HOSTS):
        hosts[f"gpu{number:03}"] = [offer for half in (False, True) for offer in kinds(is_half=half)]
    return hosts


def kinds(*, is_half: bool) -> list[Offer]:
    """One card of each interface, cut half or not."""
    vfs = tuple(PciAddress(0, 0x3B, at // 8, at % 8) for at in range(4, 4 + VFS))
    cards = [
        SharedCard(Interface.MDEV, ()),
        SharedCard(Interface.MDEV_OF_VFS, vfs),
        SharedCard(Interface.VENDOR_VFIO, vfs),
    ]
    sliced = InstanceCard(profiles_of(PciId(0x10DE, 0x20F1)) or ())
    if is_half:
        for card in cards:
            for place in (card.vfs or (PciAddress.parse("0000:3b:00.0"),))[:2]:
                card.make(f"{place}", place, 4)
        sliced.make(sliced.profiles[0], 0)
    shared = [card.offer() for card in cards]
    return [*shared, replace(sliced.offer(), name="Y")]


def build(root: Path, offer: Callable[[HostTree, str], None]) -> Path:
    """A server with cards whose virtual functions are on."""
    tree = HostTree(root)
    for number in range(CARDS):
        bus = 0x40 + number
        card = f"0000:{bus:02x}:00.0"
        tree.function(
            card,
            "10de:2235",
            "0302",
            driver="nvidia",
            group=70 + number,
            sriov_totalvfs=VFS,
            sriov_numvfs=VFS,
            reset_method="flr bus",
        )
        tree.write(f"proc/driver/nvidia/gpus/{card}/information", f"Device Minor: \t {number}")
        for at in range(VFS):
            vf = f"0000:{bus:02x}:{(at + 4) // 8:02x}.{(at + 4) % 8}"
            group = 200 + number * VFS + at
            tree.function(vf, "10de:2235", "0302", driver="nvidia", group=group, reset_method="flr")
            tree.vf(card, at, vf)
            offer(tree, tree.place(vf))
    add_system(tree)
    return root


def vendor_vfio(tree: HostTree, place: str) -> None:
    """Types in one file."""
    lines = "\n".join(f"{558 + number}   : {name}" for number, name in enumerate(NAMES))
    tree.write(f"{place}/nvidia/creatable_vgpu_types", f"ID    : vGPU Name\n{lines}")
    tree.write(f"{place}/nvidia/current_vgpu_type", 0)


def mediated(tree: HostTree, place: str) -> None:
    """Types in a folder each."""
    for number, name in enumerate(NAMES):
        folder = f"{place}/mdev_supported_types/nvidia-{558 + number}"
        tree.write(f"{folder}/name", name)
        tree.write(f"{folder}/available_instances", 1)


def say(what: str, timed: list[tuple[float, float]], aim_s: float) -> None:
    """One figure beside its aim."""
    wall, cpu = (statistics.median(each[at] for each in timed) for at in (0, 1))
    print(f"{what}, {len(timed)} times, median: {wall:.3f} s ({cpu:.3f} s processor), aim {aim_s} s")


def run(*words: str) -> tuple[tuple[float, float], str]:
    """Wall and processor seconds of one process, and what it printed."""
    before, began = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, *PROGRAM, *words], capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (wall, cpu), done.stdout


if __name__ == "__main__":
    sys.exit(main())
