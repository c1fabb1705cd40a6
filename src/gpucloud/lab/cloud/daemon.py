"""Processes that outlive the program that started them, recognised again and ended by their ids."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.process import environment
from gpucloud.model.failure import Failure

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that leads a session of its own, which all that it starts belongs to.

    Attributes:
        name: of the service.
        pid: its process id, which is the session's id too.
        started_ticks: when it began, in clock ticks since boot: ids are used again, this is not.
    """

    name: str
    pid: int
    started_ticks: int


@dataclass(frozen=True, slots=True)
class _Stat:
    pid: int
    state: str
    session: int
    started_ticks: int


def start(name: str, argv: Sequence[str], *, cwd: Path, log: Path, variables: Mapping[str, str]) -> Daemon:
    """Start a program in a session of its own; what it says is added to the log.

    Args:
        name: of the service.
        argv: program and arguments.
        cwd: the folder it starts in.
        log: file for its standard output and error.
        variables: added to its environment.

    Raises:
        Failure: it is not there.
    """
    with log.open("ab") as said:
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                env={**environment(), **variables},
            )
        except OSError as error:
            raise Failure(f"{argv[0]} cannot be run: {error.strerror}") from error
    stat = _read(_PROC / str(process.pid))
    # Until it is waited for, even one that has ended already is there, as a zombie.
    return Daemon(name, process.pid, stat.started_ticks if stat else 0)


def is_running(daemon: Daemon, proc: Path = _PROC) -> bool:
    """Claims that the process itself runs, and not another one that got its id."""
    stat = _read(proc / str(daemon.pid))
    return stat is not None and stat.started_ticks == daemon.started_ticks and stat.state != "Z"


def end(daemons: Sequence[Daemon], timeout_s: float = 20) -> None:
    """End processes at once, with all that they started: nothing of the cloud is to be kept.

    Raises:
        Failure: one does not go away.
    """
    for daemon in daemons:
        for pid in list(_members(daemon)):
            _kill(pid, daemon, timeout_s)
        _reap(daemon.pid)


def _members(daemon: Daemon, proc: Path = _PROC) -> Iterator[int]:
    """The processes of a daemon's session, itself first.

    While one of them lives, the id is not given to another process, even if the daemon itself has ended: a
    number is free when no process, group or session has it (``free_pid`` in the kernel's kernel/pid.c).
    """
    leader = _read(proc / str(daemon.pid))
    if leader is not None and leader.started_ticks != daemon.started_ticks:
        return
    stats = (_read(entry) for entry in proc.iterdir() if entry.name.isdigit())
    found = [stat for stat in stats if stat and stat.session == daemon.pid and stat.state != "Z"]
    yield from (stat.pid for stat in sorted(found, key=lambda stat: stat.pid != daemon.pid))


def _kill(pid: int, daemon: Daemon, timeout_s: float) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # Looked at again now that the handle holds it: no other process can be hit.
        stat = _read(_PROC / str(pid))
        if stat is None or stat.session != daemon.pid:
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        if not select.select([handle], [], [], timeout_s)[0]:
            raise Failure(f"{daemon.name}, process {pid}, does not end", f"end it by hand: kill -KILL {pid}")
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _reap(pid: int) -> None:
    """Take the exit code of the process if it is this one's child, so that no zombie keeps its id."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _read(folder: Path) -> _Stat | None:
    """What /proc/PID/stat says (proc(5)): the name in brackets may hold spaces and brackets itself."""
    try:
        text = (folder / "stat").read_text(errors="replace")
        fields = text[text.rindex(")") + 2 :].split()
        return _Stat(int(folder.name), fields[0], int(fields[3]), int(fields[19]))
    except (OSError, ValueError, IndexError):
        return None
