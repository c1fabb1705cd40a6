"""What a step sees when it looks at the host, and how it says that it cannot go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from gpucloud.model.unknown import Unknown

_T = TypeVar("_T")


class StepError(Exception):
    """A step cannot be done or taken back; the text says what is, in words for the user."""


class NotAsPlannedError(StepError):
    """A step was not begun: what it would change is not as the plan says, so nothing was written."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that a change changes, as a diff shows it. None: not there, or empty."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Foreign:
    """What somebody else made of what a change writes: neither as before nor as planned."""

    path: str
    text: str | None
    """None: it is not there any more."""


def known(answer: _T | None | Unknown) -> _T | None:
    """Take an answer that has to be known before anything is changed.

    Raises:
        StepError: it is not.
    """
    if isinstance(answer, Unknown):
        raise StepError(f"cannot look at the host: {answer.why}")
    return answer
