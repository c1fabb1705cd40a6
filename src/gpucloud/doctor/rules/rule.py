"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gpucloud.doctor.case import Blind, Case
from gpucloud.model.finding import Finding

Answers = Iterator[Finding | Blind]
Look = Callable[[Case], Answers]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its stable name. One cause may have several rules, from different facts."""

    name: str
    look: Look

    @property
    def promise(self) -> str:
        """The first line of its docstring: what it finds."""
        return (self.look.__doc__ or "").strip().splitlines()[0]


def rule(look: Look) -> Rule:
    """Make a rule of a function: its name is the rule's id, its docstring the rule's promise."""
    return Rule(look.__name__.replace("_", "-"), look)
