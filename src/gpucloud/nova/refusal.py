"""How nova says no: the exception that it raises, with its text."""

from __future__ import annotations

import builtins
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What nova raises, and over which value.

    Args:
        exception: the class: nova's own (``PciInvalidAlias``) or Python's (``AttributeError``).
        message: its text, as nova logs it.
        value: which of the option's values was being read, from 0; None where it was no single one.
    """

    exception: str
    message: str
    value: int | None = None

    @property
    def is_crash(self) -> bool:
        """Nova did not foresee it: Python's own exception, with no word about the option at fault."""
        return hasattr(builtins, self.exception)


class NovaRaises(Exception):  # noqa: N818 - it carries what nova raises
    """Nova would raise here. Never leaves this room: parsers turn it into a ``Refusal``."""

    def __init__(self, exception: str, message: str) -> None:
        self.exception = exception
        self.message = message
        super().__init__(f"{exception}: {message}")

    def over(self, value: int | None) -> Refusal:
        """The same as a value, with the place where it happened."""
        return Refusal(self.exception, self.message, value)
