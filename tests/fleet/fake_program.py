"""Answers orders as the program on a host does, on a fake host: the rest of the way is the real one.

Run as ``fake_program.py FOLDER [restart]``, where FOLDER has ``root``, ``state`` and what the cards are.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.prepare.boot_hosts import Tools
from tests.prepare.fake_host import DirectSystem, host_of
from tests.prepare.fake_kernel import FakeKernel

from gpucloud.fleet.entry import serve
from gpucloud.prepare.desk import Desk
from gpucloud.prepare.journal import Journal
from gpucloud.prepare.system import System

SETTINGS = "kernel.json"


def save(kernel: FakeKernel, folder: Path) -> None:
    """Keep what stands for hardware, so that other processes have the same."""
    matches = {driver: sorted(ids) for driver, ids in kernel.matches.items()}
    (folder / SETTINGS).write_text(json.dumps(matches))


def load(folder: Path) -> FakeKernel:
    """The kernel of the fake host in this folder."""
    matches = {driver: frozenset(ids) for driver, ids in json.loads((folder / SETTINGS).read_text()).items()}
    kernel = FakeKernel(folder / "root", matches=matches)
    kernel.tools = SlowTools(folder / "root", [], folder / "comes")
    return kernel


@dataclass
class SlowTools(Tools):
    """While they run somebody starts a guest, if one is to come."""

    guest: Path

    def make(self, program: str) -> None:
        super().make(program)
        if self.guest.exists():
            self.guest.rename(self.root / "proc/4711")


def desk_of(folder: Path) -> Desk:
    """The desk of the fake host in this folder."""
    kernel = load(folder)
    system = anybody(DirectSystem(kernel))
    return Desk(lambda: host_of(kernel), system, Journal(folder / "state", time.time))


def anybody(system: System) -> System:
    """A system on which this user, who may not be root, may give files to root: nobody gets them."""
    put, look = system.put, system.look
    owner = {"uid": os.getuid(), "gid": os.getgid()}
    system.put = lambda path, state: put(path, replace(state, **owner))  # type: ignore[method-assign,arg-type]
    system.look = lambda path: _as_root(look(path))  # type: ignore[method-assign]
    return system


def _as_root(state: Any) -> Any:
    return replace(state, uid=0, gid=0) if hasattr(state, "uid") else state


def restart(folder: Path) -> None:
    """What a start makes of it: another boot id, the early script's bindings, and gpucloud-boot's look."""
    kernel = load(folder)
    with (folder / "restarts").open("a") as log:
        log.write("restarted\n")
    starts = len((folder / "restarts").read_text().splitlines())
    (kernel.root / "proc/sys/kernel/random/boot_id").write_text(f"start {starts}\n")
    kernel.load("vfio_pci")
    for address in ("0000:3b:00.0", "0000:3b:00.1") if not (folder / "broken").exists() else ():
        driver = kernel.root / f"sys/bus/pci/devices/{address}/driver"
        kernel.unbind_store("pci", driver.readlink().name, address)
        (kernel.root / f"sys/bus/pci/devices/{address}/driver_override").write_text("vfio-pci\n")
        kernel.bind_store("pci", "vfio-pci", address)
    desk_of(folder).look_at_start()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if sys.argv[2:] == ["restart"]:
        restart(place)
    else:
        sys.exit(serve(sys.stdin.buffer, sys.stdout.buffer, lambda _: desk_of(place)))
