"""Where in a capture the host's root is: at its top, or in one folder of any name there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gpucloud.inventory.capture.allowlist import PACKED
from gpucloud.model.failure import Exit, Failure

TOPS = frozenset(("sys", "proc", "etc"))
"""Folders of which a host's root in a capture has at least one, if it is not packed into one file."""
ARCHIVES = (".tar", ".tar.gz", ".tgz")
"""How the names of archives end."""
_NAMED = 3
_PACKED = tuple(PACKED[1:].split("/"))


def is_of_host(parts: Sequence[str]) -> bool:
    """Claims a path, from a capture's top on, that only a host's root has."""
    return bool(parts) and (parts[0] in TOPS or tuple(parts) == _PACKED)


def is_top(path: Path) -> bool:
    """Claims a folder in which a host's root is."""
    return any((path / top).is_dir() for top in TOPS) or (path / PACKED[1:]).is_file()


def captures_in(path: Path) -> tuple[Path, ...]:
    """The captures that a path names: itself, or those in a folder that is no capture itself.

    A folder around one directory is that capture: archives often have one at their top.
    """
    if not path.is_dir() or is_top(path):
        return (path,)
    found = sorted(one for one in path.iterdir() if _is_capture(one))
    is_around_one = len(found) == 1 and found[0].is_dir()
    return (path,) if is_around_one or not found else tuple(found)


def _is_capture(path: Path) -> bool:
    if path.is_dir():
        return not path.is_symlink() and is_top(path)
    return path.name.endswith(ARCHIVES)


def several_hosts(path: Path, captures: Sequence[Path]) -> Failure:
    """The error for a folder of captures where one host is asked for."""
    names = ", ".join(one.name for one in captures[:_NAMED])
    more = f" and {len(captures) - _NAMED} more" if len(captures) > _NAMED else ""
    return Failure(
        f"{path} is a folder of {len(captures)} captures: {names}{more}",
        f"name one: --from {captures[0]}; all of them at once are for: gpucloud doctor --from {path}",
        code=Exit.USAGE,
    )


def no_host(source: str) -> Failure:
    """The error for a directory or archive without a host in it."""
    return Failure(
        f"{source} is no capture: it has no sys, proc or etc at its top",
        "give the folder or archive that holds them, or make one with: gpucloud capture",
    )
