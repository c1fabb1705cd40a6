"""What the doctor says: a cause, the lines that show it, why it matters and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpucloud.model.pci import PciAddress


class Level(Enum):
    """How much a finding weighs, lightest first."""

    INFO = "info"
    WARNING = "warning"
    BLOCKER = "blocker"

    @property
    def weight(self) -> int:
        return tuple(Level).index(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that can be looked at again: a file or evidence key, a line in it, its text."""

    key: str
    text: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do: a sentence, the commands or lines, and what it costs (reboot, downtime, risk)."""

    text: str
    commands: tuple[str, ...] = ()
    costs: str = "nothing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause found. ``cause`` is an id of the taxonomy and never changes its meaning."""

    cause: str
    level: Level
    title: str
    evidence: tuple[Evidence, ...]
    why: str
    fix: Fix
    confidence: float
    """0 to 1: how surely the evidence shows the cause."""
    units: tuple[PciAddress, ...] = ()
    """The GPU units it keeps from guests; empty where it concerns the whole host."""
