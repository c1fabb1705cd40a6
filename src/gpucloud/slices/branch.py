"""Branches of NVIDIA's vGPU software: which drivers of guests a manager of a host knows."""

from __future__ import annotations

_BRANCHES = (384, 390, 410, 418, 430, 440, 450, 460, 470, 510, 525, 535, 550, 570, 580, 590)
"""Where the branches of vGPU software 5 to 20 begin. Source: NVIDIA vGPU documentation, table of releases."""


def branch_of(version: int) -> int:
    """The branch of a driver: Windows has numbers of its own in it, 528 is of the branch 525."""
    return max((start for start in _BRANCHES if start <= version), default=version)
