"""Where in a capture the host's root is: at its top, or in one folder of any name there."""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.inventory.capture.allowlist import PACKED
from gpucloud.model.failure import Failure

TOPS = frozenset(("sys", "proc", "etc"))
"""Folders of which a host's root in a capture has at least one, if it is not packed into one file."""
_PACKED = tuple(PACKED[1:].split("/"))


def is_of_host(parts: Sequence[str]) -> bool:
    """Claims a path, from a capture's top on, that only a host's root has."""
    return bool(parts) and (parts[0] in TOPS or tuple(parts) == _PACKED)


def no_host(source: str) -> Failure:
    """The error for a directory or archive without a host in it."""
    return Failure(
        f"{source} is no capture: it has no sys, proc or etc at its top",
        "give the folder or archive that holds them, or make one with: gpucloud capture",
    )
