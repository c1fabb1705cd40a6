"""Plans in files: what ``gpucloud plan --output`` writes and ``gpucloud apply`` reads."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cli.writing import replace_whole
from gpucloud.model.failure import Exit, Failure, code_of

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan

_MAKE = "make a plan: gpucloud plan --unit ADDRESS --output FILE"


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
            "choose another place with --output",
            code=code_of(error),
        ) from error


def _write(path: Path, data: bytes) -> bool:
    if not path.exists():
        with path.open("xb") as file:
            file.write(data)
        return False
    if _holds_nothing(path):
        path.write_bytes(data)
        return False
    if not _is_plan(path):
        what = f"{path} is already there, and is no plan as gpucloud wrote it"
        raise Failure(what, "remove it, or name another with --output", code=Exit.USAGE)
    replace_whole(path, data)
    return True


_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd")
"""Names of what is open already, a redirected file too: the shell has judged it."""


def _holds_nothing(path: Path) -> bool:
    """Claims a pipe, standard output under one of its names, or an empty file, as mktemp makes it."""
    return not path.is_file() or any(map(path.is_relative_to, _STREAMS)) or not path.stat().st_size


def _is_plan(path: Path) -> bool:
    try:
        read_plan(path)
    except Failure:
        return False
    return True
