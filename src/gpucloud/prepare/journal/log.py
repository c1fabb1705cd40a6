"""What happened to a plan, one line per event, only ever added to; and what it comes to.

An event is on the disk before the step it tells of. ``doing 3`` says at once that step 2 is done and that
step 3 may have happened or not: whoever comes later looks at the host. A last line that is torn was not on
the disk when its step would have begun, so it says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gpucloud.model.failure import Failure
from gpucloud.model.plain import to_plain

LOG_LIMIT = 4 * 1024 * 1024
"""Bytes: a thousand times what the longest plan writes."""


class Kind(Enum):
    """What an event tells."""

    DOING = "doing"
    """A step is about to be done; all before it are."""
    FAILED = "failed"
    """A step could not be done; undo follows."""
    RESUMED = "resumed"
    """What was cut off is gone on with, maybe in another boot: what is done from here on is of that one."""
    DONE = "done"
    """All steps are done and were read back."""
    CONFIRMED = "confirmed"
    """The host started as planned, or somebody says that it did: nothing is taken back by itself any more."""
    WRONG = "wrong"
    """A start was not as planned; undo follows, and the next start goes on with it where it was cut off."""
    UNDOING = "undoing"
    """A step is about to be taken back."""
    LEFT = "left"
    """A step could not be taken back."""
    KEPT = "kept"
    """A step was left on purpose: something else uses what it made."""
    UNDONE = "undone"
    """All has been taken back but for what was left or kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log. ``step`` counts from 0."""

    at_s: float
    kind: Kind
    step: int | None = None
    why: str | None = None
    waiting: str | None = None
    """A process that the kernel keeps in the step: its number and start time, as in ``/proc/PID/stat``."""
    boot: str | None = None
    """The kernel's boot id, where what was cut off is gone on with, and where all has been taken back."""


class Status(Enum):
    """Where a plan stands."""

    BEGUN = "begun"
    """In the journal, and no step of it was begun."""
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    LEFT = "partly undone"
    """Undo went through and some steps could not be taken back."""
    UNDONE = "undone"

    @property
    def is_unfinished(self) -> bool:
        """Claims that the host may be neither as before nor as planned."""
        return self not in (Status.APPLIED, Status.UNDONE)

    @property
    def can_go_on(self) -> bool:
        """Claims that it was cut off on the way to what was planned."""
        return self in (Status.BEGUN, Status.APPLYING)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a log comes to."""

    status: Status
    present: tuple[int, ...]
    """Steps that are done or may be, first to last: what undo has to look at."""
    kept: tuple[int, ...] = ()
    """Of those, steps that an undo left on purpose."""
    is_confirmed: bool = False
    """The host has started as planned since."""
    is_wrong: bool = False
    """A start was found wrong, and the way back was begun by itself."""
    waiting: tuple[str, ...] = ()
    """Processes that the kernel kept when the log was written."""

    @property
    def next_step(self) -> int:
        """The step from which ``apply --resume`` goes on: the last one begun, which may not have happened."""
        return self.present[-1] if self.present else 0


def render_event(event: Event) -> bytes:
    """An event as a line."""
    return json.dumps(to_plain(event), ensure_ascii=False).encode() + b"\n"


def whole_length(log: bytes) -> int:
    """Length of the log without a torn last line."""
    return log.rfind(b"\n") + 1


def parse_log(log: bytes) -> tuple[Event, ...]:
    """Read a log; a torn last line is left out.

    Raises:
        Failure: a whole line is no event.
    """
    lines = log[: whole_length(log)].splitlines()
    return tuple(_parse(line, number) for number, line in enumerate(lines, 1))


def _parse(line: bytes, number: int) -> Event:
    try:
        fields: dict[str, Any] = json.loads(line)
        event = Event(**{**fields, "kind": Kind(fields["kind"])})
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Failure(f"line {number} of the journal's log is damaged: {error}") from error
    if not _is_sound(fields):
        raise Failure(f"line {number} of the journal's log is damaged: a value of the wrong kind")
    return event


def _is_sound(fields: dict[str, Any]) -> bool:
    step = fields.get("step")
    needs_step = Kind(fields["kind"]) not in (
        *(Kind.RESUMED, Kind.DONE, Kind.CONFIRMED, Kind.WRONG, Kind.UNDONE),
    )
    is_step = type(step) is int and step >= 0
    return (
        (is_step if needs_step else step is None)
        and isinstance(fields["at_s"], float | int)
        and all(isinstance(fields.get(name), str | None) for name in ("why", "waiting", "boot"))
    )


def fold(events: Sequence[Event]) -> Progress:
    """What the events come to."""
    tale = _Tale()
    for event in events:
        tale.hear(event)
    return Progress(
        tale.status,
        tuple(sorted(tale.present)),
        tuple(sorted(tale.kept)),
        any(event.kind is Kind.CONFIRMED for event in events),
        any(event.kind is Kind.WRONG for event in events),
        tuple(event.waiting for event in events if event.waiting is not None),
    )


class _Tale:
    """The log while it is read, line by line."""

    def __init__(self) -> None:
        self.status = Status.BEGUN
        self.present: set[int] = set()
        self.kept: set[int] = set()
        self._left: set[int] = set()
        self._undoing: int | None = None

    def hear(self, event: Event) -> None:
        step = event.step
        match event.kind:
            case Kind.DOING if step is not None:
                self.status = Status.APPLYING
                self.present.add(step)
            case Kind.FAILED:
                self.status = Status.UNDOING
            case Kind.DONE:
                self.status = Status.APPLIED
            case Kind.UNDOING:
                self._taken_back()
                self.status, self._undoing = Status.UNDOING, step
                self._left.discard(-1 if step is None else step)
                self.kept.discard(-1 if step is None else step)
            case Kind.LEFT if step is not None:
                self._stays(step)
                self._left.add(step)
            case Kind.KEPT if step is not None:
                self._stays(step)
                self.kept.add(step)
            case Kind.UNDONE:
                self._taken_back()
                self.status = Status.LEFT if self._left else Status.UNDONE

    def _stays(self, step: int) -> None:
        """This step is not taken back; another one that was being taken back is."""
        if self._undoing == step:
            self._undoing = None
        self._taken_back()

    def _taken_back(self) -> None:
        """The next event tells that the step that was being taken back is."""
        if self._undoing is not None:
            self.present.discard(self._undoing)
        self._undoing = None
