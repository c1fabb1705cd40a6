"""Where in a capture the host's root is: at its top, or in one folder of any name there."""

from __future__ import annotations

from gpucloud.model.failure import Failure

TOPS = frozenset(("sys", "proc", "etc"))
"""Folders of which a host's root in a capture has at least one."""


def no_host(source: str) -> Failure:
    """The error for a directory or archive without a host in it."""
    return Failure(
        f"{source} is no capture: it has no sys, proc or etc at its top",
        "give the folder or archive that holds them, or make one with: gpucloud capture",
    )
