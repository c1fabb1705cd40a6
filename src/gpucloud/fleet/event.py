"""What a run of Ansible tells, one line of JSON each: the callback ``events`` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gpucloud.fleet.order import Answer
from gpucloud.prepare.structure import StructureError, structure


@dataclass(frozen=True, slots=True)
class Hosts:
    """A play begins; these are its hosts, in order."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Begins:
    """A host begins with a task."""

    host: str
    task: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A host answered an order."""

    host: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Noted:
    """A playbook noted something: ``batch``, ``service``, ``restart`` or ``back``."""

    host: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A task failed on a host."""

    host: str
    task: str
    why: str
    is_unreachable: bool


Event = Hosts | Begins | Answered | Noted | Failed


def parse_event(line: str) -> Event | None:
    """Read a line; None for one that is none of the callback's, as what a plugin of the inventory prints.

    An answer that has another shape is a failure of its host.
    """
    if not line.startswith('{"event": '):
        return None
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _event(fields)


def _event(fields: dict[str, Any]) -> Event | None:
    host, task = str(fields.get("host", "")), str(fields.get("task", ""))
    match fields.get("event"):
        case "hosts" if isinstance(fields.get("hosts"), list):
            return Hosts(tuple(map(str, fields["hosts"])))
        case "begins":
            return Begins(host, task)
        case "answer":
            return _answered(host, fields.get("answer"))
        case "note":
            return Noted(host, str(fields.get("name")), str(fields.get("value")))
        case "failed" | "unreachable" as kind:
            return Failed(host, task, str(fields.get("why", "")), kind == "unreachable")
    return None


def _answered(host: str, answer: object) -> Answered | Failed:
    try:
        return Answered(host, structure(Answer, answer))
    except StructureError as error:
        return Failed(host, "ask", f"it runs another gpucloud: {error}", is_unreachable=False)
