"""What a host is asked, and what it answers: the two values that travel, as JSON.

Text that comes from a host is `Content`: it may be anything, so whoever prints it makes it safe.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeVar

from gpucloud.model.change import SMI, Content
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plain import to_plain
from gpucloud.prepare.stored import PLAN_LIMIT
from gpucloud.prepare.structure import StructureError, structure

LIMIT = 2 * PLAN_LIMIT
"""Bytes of an order or an answer: each holds one plan at most."""

Verb = Literal["plan", "apply", "verify", "standing", "undo", "idle"]
"""``standing`` asks what ``undo`` would take back; ``idle`` whether a guest runs, which a restart ends."""

NONE = "none"
"""An order's entry where nothing is to be taken back, and the host only still runs with what was."""

_NOTHING = Content("")

_T = TypeVar("_T", bound="Order | Answer")


@dataclass(frozen=True, slots=True)
class Order:
    """What a host is asked."""

    verb: Verb
    units: tuple[str, ...]
    """Addresses; empty where a spec says which."""
    spec: Content | None
    """The text of a ``gpucloud.yaml``."""
    host_name: str
    """What the spec calls the host."""
    plan: Content | None
    """A stored plan that was shown: this one is applied, or ``NONE``."""
    is_forced: bool
    state: str
    """The folder of the host's journal."""
    entry: str = "last"
    """Of that journal, what ``standing`` and ``undo`` are about: a number, the last that stands, or none."""
    layout: tuple[str, ...] = ()
    """Lines of a layout by which the host's cards are cut, instead of units or a spec."""
    smi: str = SMI
    """NVIDIA's program on the host, for a layout."""
    create: str = ""
    """A type of which one more slice is cut, instead of a layout, of ``card``."""
    card: str = ""
    delete: str = ""
    """A slice that goes, instead of a layout: its UUID, its address, or a MIG instance's number."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One change as a diff shows it."""

    called: Content
    because: Content
    path: Content
    before: Content | None
    after: Content | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One GPU unit of the host, for the facts that Ansible keeps."""

    address: str
    name: Content
    functions: tuple[str, ...]
    drivers: tuple[Content, ...]
    """Of each function; empty text where it has none or that is not known."""
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is not as planned."""

    path: Content
    expected: Content
    seen: Content


@dataclass(frozen=True, slots=True)
class Answer:
    """How an order ended on one host."""

    verb: Verb
    code: int = 0
    """An `Exit`."""
    what: Content = _NOTHING
    """Why it failed; empty: it did not."""
    then: Content = _NOTHING
    """What to do about it."""
    plan: Content | None = None
    """The stored plan, to ``plan``."""
    changes: tuple[Shown, ...] = ()
    """What is to be changed, or was."""
    has_changed: bool = False
    """Claims that the host is not as it was before the order."""
    waits_for_restart: bool = False
    """Claims that what is applied, or would be by the plan, acts from the next start on."""
    entry: str | None = None
    """The journal entry of what was applied."""
    left: tuple[Content, ...] = ()
    kept: tuple[Content, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    guests: tuple[Content, ...] = ()
    """Guests that run, to ``idle``."""
    units: tuple[Seen, ...] = ()


def render(value: Order | Answer) -> bytes:
    """One line of JSON."""
    return json.dumps(to_plain(value)).encode() + b"\n"


def parse(kind: type[_T], data: bytes | str, whence: str) -> _T:
    """Read what ``render`` wrote, strictly.

    Raises:
        Failure: it is anything else.
    """
    try:
        if len(data) > LIMIT:
            raise StructureError(f"longer than {LIMIT} bytes")
        return structure(kind, json.loads(data))
    except (ValueError, RecursionError) as error:
        raise Failure(
            f"{whence} does not speak as this gpucloud does: {error}", "use the same gpucloud everywhere"
        ) from error


def failed(verb: Verb, failure: Failure) -> Answer:
    """The answer that says why an order was not done."""
    return Answer(verb, int(failure.code or Exit.ERROR), Content(failure.what), Content(failure.then))
