"""Plans in files: what ``gpucloud plan --output`` writes and ``gpucloud apply`` reads."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

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


def write_plan(path: Path, data: bytes) -> None:
    """Write a stored plan.

    Raises:
        Failure: it cannot be written there.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Failure(
            f"cannot write {path}: {error.strerror}",
            "choose another place with --output",
            code=code_of(error),
        ) from error
