"""A fact that could not be read is a value of its own: it is not the same as a fact that is absent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be read, with the reason in words a user can act on.

    ``None`` in the model always means "read, and not there"; ``Unknown`` means "not read".
    """

    why: str

    def __bool__(self) -> bool:
        """Refuse truth tests: an unknown fact is neither true nor false.

        Raises:
            TypeError: always, so that ``if fact:`` cannot silently treat unknown as known.
        """
        raise TypeError(f"an unknown fact is neither true nor false: {self.why}")
