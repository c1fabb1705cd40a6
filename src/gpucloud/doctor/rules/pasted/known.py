"""Findings whose why, fix and costs are those of the registry."""

from __future__ import annotations

from collections.abc import Iterable

from gpucloud.doctor.causes import CAUSES
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.pci import PciAddress

_MOST_LINES = 8


def known(
    cause: str,
    title: str,
    evidence: Iterable[Evidence],
    confidence: float,
    *,
    level: Level = Level.BLOCKER,
    why: str = "",
    units: tuple[PciAddress, ...] = (),
) -> Finding:
    """A finding of a cause of the registry; ``why`` replaces what the registry says of the cause."""
    entry = CAUSES[cause]
    lines = tuple(dict.fromkeys(evidence))[:_MOST_LINES]
    return Finding(
        cause=cause,
        level=level,
        title=title,
        evidence=lines,
        why=why or entry.what,
        fix=Fix(". ".join(entry.fix) + ".", (), entry.costs),
        confidence=confidence,
        units=units,
    )
