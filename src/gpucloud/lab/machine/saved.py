"""A server that is booted once, saved, and started from there: seconds in place of a boot.

Facts this rests on (QEMU 7.2, seen under software emulation): the emulated cards and AMD's IOMMU have no
saved form. Cards are therefore taken out of the *kernel's* view before saving (``remove`` in sysfs) and found
again after (``rescan``): the kernel then sets them up as after a boot, with their groups and stock drivers.
A server with AMD's IOMMU, or whose console sits on a card, is always booted, and one with an NVMe controller:
QEMU then saves nothing (hw/nvme/ctrl.c, ``nvme_vmstate``: ``unmigratable``).
"""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cache import ensure, keep_newest
from gpucloud.lab.evidence import did_not_come_up, keep_logs
from gpucloud.lab.machine.boot import (
    SavedState,
    Start,
    keep_memory_in_file,
    line_of,
    make_first_disk,
    power_on,
)
from gpucloud.lab.machine.qemu import end_qemu
from gpucloud.lab.machine.render import QMP_SOCKET, TCG, Direct, Parts, hidden_devices, render_machine
from gpucloud.lab.machine.wire import Monitor
from gpucloud.lab.process import run
from gpucloud.lab.topology.devices import FUNCTIONS
from gpucloud.lab.topology.parse import Iommu
from gpucloud.model.failure import Failure

SAVE_TIMEOUT_S = 60
KEPT = 8
"""Saved states that are kept; each takes about 450 MB."""


def can_be_saved(start: Start) -> bool:
    """Whether a server of this kind can be started from a saved state.

    With hardware virtualization a boot takes seconds anyway, and saving it has not been tried.
    """
    topology = start.topology
    is_blocked = any(FUNCTIONS[name].blocks_saving for card in topology.cards for name in card.functions)
    is_whole = topology.iommu is not Iommu.AMD and not topology.boot_console
    return start.accelerator == TCG and is_whole and not is_blocked


def saved_place(cache: Path, start: Start) -> Path:
    """Where the saved state of this start is or would be; another QEMU or image has another place."""
    version = run(["qemu-system-x86_64", "--version"], timeout_s=20).stdout
    direct = None if start.image.direct(start.topology) is None else Direct("", "")
    parts = Parts(direct, disk="", payload=None, memory="memory")
    described = repr((version, render_machine(start.topology, start.accelerator, parts, "")))
    digest = hashlib.sha256(described.encode()).hexdigest()[:16]
    return cache / "saved" / f"{start.image.key}-{digest}"


@dataclass(frozen=True, slots=True)
class Making:
    """Where saved states and the logs of failed ones go, who is told, and how long a boot may take."""

    cache: Path
    failed: Path
    progress: Callable[[str], None]
    boot_timeout_s: float


def ensure_saved(start: Start, making: Making) -> SavedState:
    """The saved state of this start; without one, the server is booted and saved first."""
    made = ensure(saved_place(making.cache, start), lambda part: _make(part, start, making))
    keep_newest(made.parent, KEPT)
    return SavedState(made)


def _make(part: Path, start: Start, making: Making) -> None:
    began = time.monotonic()
    making.progress(f"booting a server once, to save it: {start.topology.title}")
    saved = SavedState(part)
    make_first_disk(part, start.image)
    try:
        _boot_and_save(part, start, saved, making)
    except Failure as failure:
        name = start.topology.name
        raise did_not_come_up(part, name, failure, keep_logs(part, making.failed, name)) from failure
    finally:
        end_qemu(part)
    for left in part.iterdir():
        if left not in (saved.memory, saved.devices, saved.disk):
            left.unlink()
    making.progress(f"booted and saved in {time.monotonic() - began:.0f} s; from now on it starts from there")


def _boot_and_save(part: Path, start: Start, saved: SavedState, making: Making) -> None:
    power_on(part, start, outlives=False, memory=saved.memory, memory_is_shared=True)
    with line_of(part) as line:
        line.wait_ready(making.boot_timeout_s, making.progress)
        making.progress("  saving what it has in memory")
        line.do("! mountpoint -q /opt/gpucloud || umount /opt/gpucloud")
        patterns = " ".join(shlex.quote(pattern) for pattern in hidden_devices(start.topology))
        line.do(f"/usr/lib/gpucloud-lab/sleep {patterns}", making.boot_timeout_s)
    _save(part, saved)


def _save(part: Path, saved: SavedState) -> None:
    with Monitor(part / QMP_SOCKET) as monitor:
        monitor.do("stop")
        keep_memory_in_file(monitor)
        monitor.do("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        monitor.do("migrate", uri=f"exec:cat >{shlex.quote(str(saved.devices))}")
        monitor.wait_for("MIGRATION", "completed", SAVE_TIMEOUT_S)
        monitor.do("quit")
