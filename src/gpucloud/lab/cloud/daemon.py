"""Processes that outlive the program that started them, recognised again and ended by their ids."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cloud.site import HOST
from gpucloud.lab.process import bare_environment
from gpucloud.model.failure import Failure

_PROC = Path("/proc")
_BOOT_ID = Path("sys/kernel/random/boot_id")

Waits = Callable[[int, float], bool]
"""Waits so many seconds for the process of a pidfd; gives whether it has ended."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that leads a session of its own, which all that it starts belongs to.

    Attributes:
        name: of the service.
        pid: its process id, which is the session's id too.
        started_ticks: when it began, in clock ticks since boot: ids are used again, this is not.
        boot: the kernel's id of the boot that both count in: after the next one they are a stranger's.
    """

    name: str
    pid: int
    started_ticks: int
    boot: str


@dataclass(frozen=True, slots=True)
class _Stat:
    pid: int
    state: str
    session: int
    started_ticks: int


def boot_id(proc: Path = _PROC) -> str:
    """What the kernel calls this boot (random(4))."""
    return (proc / _BOOT_ID).read_text().strip()


def surroundings(tmp: Path) -> dict[str, str]:
    """The environment of all that the cloud runs: its folder of temporary files is the mark that tells it.

    Of the caller's it has little: a proxy would be sent the passwords that go to loopback, and oslo.config
    takes ``OS_GROUP__OPTION`` rather than what our files say.
    gunicorn's and nova's processes write their titles over their environment, and so over the mark, unless
    ``SPT_NOENV`` is set (setproctitle's README).
    """
    return {**bare_environment(), "no_proxy": HOST, "TMPDIR": str(tmp), "SPT_NOENV": "1"}


def start(
    name: str, argv: Sequence[str], *, cwd: Path, log: Path, tmp: Path, variables: Mapping[str, str]
) -> Daemon:
    """Start a program in a session of its own; what it says is added to the log.

    Args:
        name: of the service.
        argv: program and arguments.
        cwd: the folder it starts in.
        log: file for its standard output and error.
        tmp: folder of temporary files; no process of another cloud has the same.
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
                env={**surroundings(tmp), **variables},
            )
        except OSError as error:
            raise Failure(f"{argv[0]} cannot be run: {error.strerror}") from error
    stat = _read(_PROC / str(process.pid))
    # Until it is waited for, even one that has ended already is there, as a zombie.
    return Daemon(name, process.pid, stat.started_ticks if stat else 0, boot_id())


def is_running(daemon: Daemon, proc: Path = _PROC) -> bool:
    """Claims that the process itself runs, and not another one that got its id."""
    stat = _read(proc / str(daemon.pid))
    return (
        stat is not None and _is_itself(stat, daemon) and stat.state != "Z" and daemon.boot == boot_id(proc)
    )


def end(daemons: Sequence[Daemon], tmp: Path, waits: Waits | None = None) -> None:
    """End processes at once, with all that they started: nothing of the cloud is to be kept.

    Args:
        daemons: what was started, in the order in which it is to be ended.
        tmp: the folder that they were started with.
        waits: how the end of one is waited for; by default for 20 s.

    Raises:
        Failure: some do not go away; all others are ended by then.
    """
    left = []
    for daemon in daemons:
        left += [(daemon.name, pid) for pid in _ended(daemon, tmp, waits)]
        _reap(daemon)
    if left:
        named = ", ".join(f"{name} (process {pid})" for name, pid in left)
        by_hand = f"end by hand: kill -KILL {' '.join(str(pid) for _, pid in left)}"
        raise Failure(f"what was killed does not end: {named}", by_hand)


def _ended(daemon: Daemon, tmp: Path, waits: Waits | None) -> Iterator[int]:
    """Kill all that is of a daemon's session, and what it starts meanwhile; gives what does not go away."""
    seen: set[int] = set()
    while new := [pid for pid in _members(daemon) if pid not in seen]:
        seen.update(new)
        yield from (pid for pid in new if not _kill(pid, daemon, tmp, waits))


def _members(daemon: Daemon, proc: Path = _PROC) -> Iterator[int]:
    """What may be the processes of a daemon's session, itself first.

    While one of them lives, the id is not given to another process, even if the daemon itself has ended: a
    number is free when no process, group or session has it (``free_pid`` in the kernel's kernel/pid.c). Once
    none does, a stranger may lead a session of that id, so each is looked at again before it is ended.
    """
    leader = _read(proc / str(daemon.pid))
    if daemon.boot != boot_id(proc) or (leader is not None and not _is_itself(leader, daemon)):
        return
    stats = (_read(entry) for entry in proc.iterdir() if entry.name.isdigit())
    found = [stat for stat in stats if stat and stat.session == daemon.pid and stat.state != "Z"]
    yield from (stat.pid for stat in sorted(found, key=lambda stat: stat.pid != daemon.pid))


def _kill(pid: int, daemon: Daemon, tmp: Path, waits: Waits | None) -> bool:
    """Kill a process of a daemon's session, and no other; gives whether none is left of it."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        # Looked at now that the handle holds it: no other process can be hit.
        if not _is_of(_PROC / str(pid), daemon, tmp):
            return True
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return (waits or _has_ended)(handle, _END_S)
    except ProcessLookupError:
        return True
    finally:
        os.close(handle)


_END_S = 20.0


def _has_ended(handle: int, timeout_s: float) -> bool:
    return bool(select.select([handle], [], [], timeout_s)[0])


def _is_of(process: Path, daemon: Daemon, tmp: Path) -> bool:
    """Claims that a process is the daemon, or that the daemon started it: it has inherited the mark."""
    stat = _read(process)
    if stat is None or stat.session != daemon.pid:
        return False
    if _is_itself(stat, daemon):
        return True
    return stat.started_ticks >= daemon.started_ticks and _has_mark(process, tmp)


def _is_itself(stat: _Stat, daemon: Daemon) -> bool:
    return (stat.pid, stat.started_ticks) == (daemon.pid, daemon.started_ticks)


def _has_mark(process: Path, tmp: Path) -> bool:
    try:
        return b"TMPDIR=" + os.fsencode(tmp) in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


def _reap(daemon: Daemon) -> None:
    """Take the exit code of the process if it is this one's child, so that no zombie keeps its id."""
    try:
        os.waitpid(daemon.pid, os.WNOHANG)
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
