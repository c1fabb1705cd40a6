"""A QEMU that runs on its own: started, recognised by what it was started with, and ended by its id."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from gpucloud.lab.machine.render import QMP_SOCKET
from gpucloud.lab.machine.wire import Monitor
from gpucloud.lab.process import environment
from gpucloud.model.failure import Failure

PID_FILE = "qemu.pid"
QEMU_LOG = "qemu.log"


def pid_file(folder: Path) -> Path:
    """The file that names QEMU's process, and that QEMU's command line names: by it QEMU is recognised."""
    return folder / PID_FILE


def start_qemu(
    folder: Path, argv: Sequence[str], sockets: Sequence[str], *, outlives: bool, timeout_s: float = 20
) -> None:
    """Start QEMU in a server's folder and wait until its sockets are there.

    Args:
        folder: where its sockets, logs and pid file go.
        argv: the whole command line.
        sockets: names of the sockets that it makes in the folder.
        outlives: it goes on when this process ends; otherwise the kernel ends it then, however this ends.
        timeout_s: how long QEMU may take to be there.

    Raises:
        Failure: with QEMU's own words when it ends at once.
    """
    for socket in sockets:
        (folder / socket).unlink(missing_ok=True)
    tied = [] if outlives else ["setpriv", "--pdeathsig", "KILL", "--"]
    with (folder / QEMU_LOG).open("ab") as log:
        process = subprocess.Popen(
            [*tied, *argv],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment(),
        )
    deadline = time.monotonic() + timeout_s
    while process.poll() is None and not _is_there(folder, process.pid, sockets):
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise Failure(f"QEMU did not start within {timeout_s:.0f} s", f"see {folder / QEMU_LOG}")
        select.select([], [], [], 0.02)
    if process.returncode is not None:
        raise Failure(f"QEMU did not start: {_last_line(folder / QEMU_LOG)}", f"see {folder / QEMU_LOG}")


def _is_there(folder: Path, pid: int, sockets: Sequence[str]) -> bool:
    try:
        is_named = pid_file(folder).read_text().strip() == str(pid)
    except FileNotFoundError:
        return False
    return is_named and all((folder / socket).exists() for socket in sockets)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


_PROC = Path("/proc")
_FLOCK = "hhqqi"
"""``struct flock`` of fcntl(2): type, whence, start, length, process."""


def is_running(folder: Path, proc: Path = _PROC) -> bool:
    """Claims that the QEMU of this folder runs, here or in another pid namespace.

    QEMU keeps its pid file locked while it lives (qemu_write_pidfile, util/oslib-posix.c), and a lock is seen
    where its process is not: in a container that shares the folder.
    """
    return running_pid(folder, proc) is not None or _is_locked(pid_file(folder))


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            answer = fcntl.fcntl(file, fcntl.F_GETLK, asked)
    except FileNotFoundError:
        return False
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)


def running_pid(folder: Path, proc: Path = _PROC) -> int | None:
    """The process id of the QEMU of this folder, or None when it does not run in this pid namespace.

    A process counts only if its command line names the folder's pid file: ids are used again after a while.
    """
    try:
        pid = int(pid_file(folder).read_text())
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if os.fsencode(pid_file(folder)) in words else None


def end_qemu(folder: Path, timeout_s: float = 10, proc: Path = _PROC) -> bool:
    """End the QEMU of this folder at once, as a power cut does; tells whether one ran.

    The process is held by a descriptor before it is recognised, so no other one can be hit. One of another
    pid namespace is ended through its monitor.

    Raises:
        Failure: it does not go away.
    """
    pid = running_pid(folder, proc)
    if pid is None:
        is_elsewhere = _is_locked(pid_file(folder))
        if is_elsewhere:
            with Monitor(folder / QMP_SOCKET) as monitor:
                monitor.quit(timeout_s)
        return is_elsewhere
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if running_pid(folder) == pid:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            if not select.select([handle], [], [], timeout_s)[0]:
                raise Failure(f"QEMU, process {pid}, does not end", f"end it by hand: kill -KILL {pid}")
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    _reap(pid)
    pid_file(folder).unlink(missing_ok=True)
    return True


def wait_for_end(folder: Path, timeout_s: float, proc: Path = _PROC) -> None:
    """Wait until the QEMU of this folder, which this process started, has ended by itself.

    Raises:
        Failure: it still runs after that time.
    """
    pid = running_pid(folder, proc)
    if pid is None:
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([handle], [], [], timeout_s)[0]:
            raise Failure(f"the server is not switched off after {timeout_s:.0f} s")
    finally:
        os.close(handle)
    _reap(pid)


def _reap(pid: int) -> None:
    """Take the exit code of the process if it is this one's child, so that no zombie keeps its id."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
