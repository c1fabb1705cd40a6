"""What the doctor says: a cause, what shows it, why it matters, what to do; and what is known of causes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

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


class Reason(Protocol):
    """What is known of a cause, a refusal or a kind of finding, whoever finds it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def how_it_shows(self) -> tuple[str, ...]: ...
    @property
    def fix(self) -> tuple[str, ...]: ...
    @property
    def costs(self) -> str: ...
    @property
    def sources(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Section:
    """A part of what is known: a list under its heading, and a sentence after it or none."""

    heading: str
    items: tuple[str, ...]
    after: str = ""


def sections(reason: Reason) -> tuple[Section, ...]:
    """All that is known of a reason after its title and what it is, as its page and a terminal show it."""
    return (
        Section("How it shows", reason.how_it_shows),
        Section("What to do", reason.fix, f"Costs: {reason.costs}."),
        Section("Where this is written", reason.sources),
    )


def render_reason(reason: Reason, level: str = "", *, depth: int = 1) -> str:
    """A reason as Markdown.

    Args:
        reason: what is known.
        level: what it weighs, to stand after its title; empty where that depends on the case.
        depth: of its own heading; those of its sections are one deeper.
    """
    mark = "#" * depth
    title = f"**{reason.title}** ({level})." if level else f"**{reason.title}.**"
    parts = [f"{mark} {reason.id}", f"{title} {reason.what}"]
    for section in sections(reason):
        items = "\n".join(f"- {item}" for item in section.items)
        parts += [f"{mark}# {section.heading}", items, *filter(None, [section.after])]
    return "\n\n".join(parts) + "\n"
