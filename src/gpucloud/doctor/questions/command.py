"""A command that can be asked for, and what tells that the evidence holds its output already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gpucloud.doctor.case import Case


class Where(StrEnum):
    """Where a command is run."""

    HOST = "host"
    GUEST = "guest"
    CONTROLLER = "controller"
    """Where nova's API, scheduler and database are reached."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command that only reads.

    ``{card}`` in ``run`` is a card's address as lspci takes it, ``{path}`` the same with its domain; words in
    capitals are for the reader to fill in.
    """

    run: str
    where: Where = Where.HOST
    general: str = ""
    """The form that needs no address, where the report shows none or several."""
    instead: tuple[tuple[tuple[str, ...], str], ...] = ()
    """Other forms, each with the words of a report (as in ``marks``) for which it is the right one."""
    keys: tuple[str, ...] = ()
    """Keys of evidence under which its output is pasted."""
    marks: tuple[str, ...] = ()
    """What its output says: letters and digits in lower case with one space between words."""
    is_shown: Callable[[Case], bool] | None = None
    """Whether a parser read its output."""
    log: str = ""
    """The log that it picks lines of: one question about a log is enough."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that a report can speak about, with what to ask then, most deciding first."""

    name: str
    asks: tuple[tuple[Command, str], ...]
    """Commands, and what the output of each decides."""
    words: tuple[str, ...] = ()
    """What people and programs call it, as in ``Command.marks``."""
    causes: tuple[str, ...] = ()
    """Causes that are of this topic: findings too weak to be believed tell it."""
    phrases: tuple[str, ...] = ()
    """Phrases that tell it and name no cause."""
    is_shown: Callable[[Case], bool] | None = None
    """Whether a listing or configuration tells it."""
    is_general: bool = False
    """Asked about only after all that is more particular."""
