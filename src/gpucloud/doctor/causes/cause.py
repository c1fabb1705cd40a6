"""What is known of one cause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of the taxonomy. Its id never changes its meaning."""

    id: str
    title: str
    what: str
    how_it_shows: tuple[str, ...]
    """What a person sees, most telling first; messages are quoted with backticks."""
    fix: tuple[str, ...]
    """Steps, the cheapest first."""
    costs: str
    sources: tuple[str, ...]
    """Where it is written how this works: kernel, QEMU, libvirt or nova source, manuals."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Causes that belong together, as the reference lists them."""

    title: str
    causes: tuple[Cause, ...]
