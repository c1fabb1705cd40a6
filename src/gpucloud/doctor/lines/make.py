"""How the lines of a fix are made: the same everywhere, or for the distribution at hand."""

from __future__ import annotations

from collections.abc import Callable

from gpucloud.doctor.case import Case
from gpucloud.model.finding import Finding
from gpucloud.model.host import Distribution

Lines = tuple[str, ...]
Make = Callable[[Case, Finding], Lines]


def fixed(*lines: str) -> Make:
    """The same lines everywhere."""
    return lambda _case, _finding: lines


def here(make: Callable[[Distribution], Lines]) -> Make:
    """The lines for the distribution of the case."""
    return lambda case, _finding: make(case.host.distribution)
