"""Plans in files: what ``gpucloud plan --output`` writes and ``gpucloud apply`` reads."""

from __future__ import annotations

import os
import stat
from errno import ENXIO
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cli.writing import replace_whole
from gpucloud.model.failure import Exit, Failure, code_of

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan

_MAKE = "make a plan: gpucloud plan --unit ADDRESS --output FILE"
_ELSEWHERE = "choose another place with --output"


def read_plan(path: Path) -> Plan:
    """Read a stored plan.

    Raises:
        Failure: it is not there, cannot be read, or is no plan that gpucloud wrote.
    """
    from gpucloud.prepare.stored import PLAN_LIMIT, parse_stored

    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Failure(f"cannot read {path}: it is no file", _MAKE, code=Exit.USAGE)
            data = file.read(PLAN_LIMIT + 1)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", _MAKE, code=code_of(error)) from error
    if len(data) > PLAN_LIMIT:
        raise Failure(f"{path} is longer than any plan", "make the plan anew: gpucloud plan --output FILE")
    return parse_stored(data, str(path)).plan


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe must not make us wait for a writer


def write_plan(path: Path, data: bytes) -> bool:
    """Write a stored plan: a new file, or in place of an older plan, whole or not at all.

    Returns:
        Whether there was a plan, which is gone.

    Raises:
        Failure: another file is there, or it cannot be written.
    """
    try:
        return _write(path, data)
    except OSError as error:
        raise Failure(
            f"cannot write {path}: {error.strerror}",
            _ELSEWHERE,
            code=code_of(error),
        ) from error


def _write(path: Path, data: bytes) -> bool:
    if not path.exists():
        with path.open("xb") as file:
            file.write(data)
        return False
    if _holds_nothing(path):
        _pour(path, data)
        return False
    if not _is_plan(path):
        what = f"{path} is already there, and is no plan as gpucloud wrote it"
        raise Failure(what, "remove it, or name another with --output", code=Exit.USAGE)
    replace_whole(path, data)
    return True


_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd")
"""Names of what is open already, a redirected file too: the shell has judged it."""

_SINKS = tuple(os.makedev(*numbers) for numbers in ((1, 3), (1, 7), (5, 0)))
"""``/dev/null``, ``/dev/full``, ``/dev/tty`` (admin-guide/devices.txt of Linux)."""


def _holds_nothing(path: Path) -> bool:
    """Claims a pipe, standard output under one of its names, or an empty file, as mktemp makes it.

    Raises:
        Failure: it is a device that a plan would harm, or a socket.
    """
    status = path.stat()
    is_stream = any(map(path.is_relative_to, _STREAMS))
    if stat.S_ISREG(status.st_mode):
        return is_stream or not status.st_size
    if takes_text(status.st_mode, status.st_rdev, is_stream=is_stream):
        return True
    raise Failure(f"{path} is no file, and no plan is written into it", _ELSEWHERE, code=Exit.USAGE)


def takes_text(mode: int, device: int, *, is_stream: bool) -> bool:
    """Claims what may be written into though it is no file: never a disk, nor a device that acts on it.

    Args:
        mode: what stat(2) says; of a folder the system itself says that it is one.
        device: which device it is, if it is one.
        is_stream: it is open already: a terminal.
    """
    is_sink = stat.S_ISCHR(mode) and (is_stream or device in _SINKS)
    return is_sink or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)


def _pour(path: Path, data: bytes) -> None:
    """Write into what is there; a pipe must have its reader, or its writer would wait for ever (fifo(7))."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == ENXIO and path.is_fifo():
            raise Failure(
                f"nobody reads the pipe {path}", "begin to read it first", code=Exit.USAGE
            ) from error
        raise
    os.set_blocking(opened, True)
    with os.fdopen(opened, "wb") as file:
        file.write(data)


def _is_plan(path: Path) -> bool:
    try:
        read_plan(path)
    except Failure:
        return False
    return True
