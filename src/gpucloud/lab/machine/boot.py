"""One server from files to "takes commands": cold, or from a saved state."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gpucloud.lab.machine.qemu import pid_file, start_qemu
from gpucloud.lab.machine.render import LINE_SOCKET, QMP_SOCKET, Accelerator, Direct, Parts, render_machine
from gpucloud.lab.machine.wire import Line, Monitor
from gpucloud.lab.process import run
from gpucloud.lab.topology.parse import Topology
from gpucloud.model.failure import Failure

DISK = "disk.qcow2"
RESTORE_TIMEOUT_S = 60

_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+22\b")


@dataclass(frozen=True, slots=True)
class SavedState:
    """A booted server in files: its memory, its devices, and the disk as it was then."""

    folder: Path

    @property
    def memory(self) -> Path:
        return self.folder / "memory"

    @property
    def devices(self) -> Path:
        return self.folder / "devices"

    @property
    def disk(self) -> Path:
        return self.folder / DISK


class Startable(Protocol):
    """What a server can be started from."""

    @property
    def key(self) -> str:
        """Equal for images of equal recipes."""

    @property
    def disk(self) -> Path:
        """The disk as every server has it at first; it is only read."""

    @property
    def disk_format(self) -> str:
        """As QEMU calls it: ``raw`` or ``qcow2``."""

    def direct(self, topology: Topology) -> Direct | None:
        """The kernel that is started; None: the boot loader on the disk."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a server is to be started: what it is, and what it runs on.

    Attributes:
        more: as for `gpucloud.lab.machine.render.Parts`.
    """

    topology: Topology
    accelerator: Accelerator
    image: Startable
    payload: Path | None
    more: Path | None = None


def make_first_disk(folder: Path, image: Startable) -> None:
    """Make a server's own disk on that of its image."""
    make_disk(folder, image.disk, image.disk_format)


def make_disk(folder: Path, below: Path, below_format: str) -> None:
    """Make a server's own disk: it keeps what differs from the one below, which is only read."""
    argv = [
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        below_format,
        "-b",
        str(below),
        str(folder / DISK),
    ]
    run(argv, timeout_s=60)


def power_on(
    folder: Path,
    start: Start,
    *,
    outlives: bool,
    memory: Path | None = None,
    memory_is_shared: bool = False,
    more: Sequence[str] = (),
) -> None:
    """Start QEMU for a server on the disk in its folder; the server then boots from the beginning."""
    parts = Parts(
        direct=start.image.direct(start.topology),
        disk=str(folder / DISK),
        payload=str(start.payload) if start.payload else None,
        memory=str(memory) if memory else None,
        memory_is_shared=memory_is_shared,
        more=str(start.more) if start.more else None,
    )
    argv = render_machine(start.topology, start.accelerator, parts, str(pid_file(folder)))
    start_qemu(folder, [*argv, *more], (QMP_SOCKET, LINE_SOCKET), outlives=outlives)


def power_on_saved(folder: Path, start: Start, saved: SavedState, *, outlives: bool) -> None:
    """Start QEMU for a server where a saved one was left off.

    The memory file is mapped privately: many servers start from it, each writes to its own copy of a page.
    """
    power_on(folder, start, outlives=outlives, memory=saved.memory, more=("-incoming", "defer"))
    with Monitor(folder / QMP_SOCKET) as monitor:
        keep_memory_in_file(monitor)
        monitor.do("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        monitor.do("migrate-incoming", uri=f"exec:cat {shlex.quote(str(saved.devices))}")
        monitor.wait_for("MIGRATION", "completed", RESTORE_TIMEOUT_S)
        monitor.do("cont")


def keep_memory_in_file(monitor: Monitor) -> None:
    """Leave the memory out of the stream: it is in the file that it was mapped from."""
    monitor.do("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])


def wake(line: Line, keys: Sequence[tuple[str, str, int]], clock: Callable[[], float] = time.time) -> None:
    """Give a started server what is its own: the time, its devices, the product, its keys.

    Args:
        line: the wire into the server.
        keys: path, content and mode of files.
        clock: gives seconds since 1970.
    """
    writes = [
        f"printf -- {shlex.quote(as_format(content))} >{path}.part && chmod {mode:o} {path}.part"
        f" && mv {path}.part {path}"
        for path, content, mode in keys
    ]
    command = " && ".join([*writes, f"/usr/lib/gpucloud-lab/wake {clock():.3f}"])
    line.do(command)


def as_format(text: str) -> str:
    """Text as a format of printf(1) that is one line: the wire takes lines."""
    return text.replace("\\", "\\\\").replace("%", "%%").replace("\n", "\\n")


def ssh_port(folder: Path) -> int:
    """The port of 127.0.0.1 that leads to the server's ssh; QEMU chose a free one.

    Raises:
        Failure: QEMU does not show it.
    """
    with Monitor(folder / QMP_SOCKET) as monitor:
        shown = monitor.human("info usernet")
    found = _FORWARD.search(shown)
    if not found or found[1] == "0":
        raise Failure("QEMU does not show the port of the server's ssh")
    return int(found[1])


def line_of(folder: Path) -> Line:
    """The laboratory's wire into the server of this folder."""
    return Line(folder / LINE_SOCKET)
