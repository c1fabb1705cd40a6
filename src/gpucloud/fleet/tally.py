"""What a run told, into the state of each host. Pure: the same lines give the same, also after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from gpucloud.fleet.event import Answered, Begins, Event, Failed, Hosts, Noted
from gpucloud.fleet.order import Answer
from gpucloud.model.failure import Exit


class Stage(Enum):
    """Where a host stands."""

    UNTOUCHED = "untouched"
    """Its turn did not come."""
    BEGUN = "begun"
    """Something is going on; at the end of a run: it was cut off there."""
    AS_WANTED = "as wanted"
    """Nothing has to be done."""
    PLANNED = "changes pending"
    """Something would be done; nothing was."""
    APPLIED = "applied"
    """Done and read back; a restart may be due."""
    VERIFIED = "as planned"
    """Looked at again, after a restart if there was one."""
    UNDONE = "taken back"
    FAILED = "failed"


DISABLED = "disabled in the cloud"
"""As the playbooks note a nova-compute that a run of ours has disabled, and none has brought back."""


@dataclass(frozen=True, slots=True)
class Result:
    """One host."""

    host: str
    stage: Stage = Stage.UNTOUCHED
    task: str = ""
    """What it did last, as the playbook calls it."""
    changes: int = 0
    """Changes that are pending, or were made."""
    entry: str | None = None
    """The entry in the host's own journal."""
    waits_for_restart: bool = False
    was_restarted: bool = False
    service: str | None = None
    """What was done to its nova-compute last, in words; None: nothing."""
    code: int = 0
    """An `Exit`; 0 where nothing failed."""
    why: str = ""
    """Why it failed, and what to do."""
    plan: str | None = None
    """The stored plan."""
    answers: tuple[Answer, ...] = ()


Tally = dict[str, Result]
"""By host, in the inventory's order."""


def tally(events: Iterable[Event]) -> Tally:
    """The state of each host after these events."""
    state: Tally = {}
    for event in events:
        state = count(state, event)
    return state


def count(state: Tally, event: Event) -> Tally:
    """The state after one more event."""
    if isinstance(event, Hosts):
        return {host: state.get(host, Result(host)) for host in event.hosts}
    before = state.get(event.host, Result(event.host))
    return {**state, event.host: _after(before, event)}


def _after(result: Result, event: Begins | Answered | Noted | Failed) -> Result:
    match event:
        case Begins():
            is_waiting = result.stage in (Stage.UNTOUCHED, Stage.PLANNED)
            return replace(result, task=event.task, stage=Stage.BEGUN if is_waiting else result.stage)
        case Answered():
            return _answered(result, event.answer)
        case Noted():
            return _noted(result, event)
        case Failed():
            return _failed(result, event)


def _answered(result: Result, answer: Answer) -> Result:
    result = replace(result, answers=(*result.answers, answer))
    if answer.code:
        why = "; ".join(filter(None, (answer.what, answer.then)))
        entry, plan = answer.entry or result.entry, answer.plan or result.plan
        return replace(result, stage=Stage.FAILED, code=answer.code, why=why, entry=entry, plan=plan)
    counted = replace(
        result, changes=len(answer.changes), waits_for_restart=answer.waits_for_restart, stage=Stage.AS_WANTED
    )
    match answer.verb:
        case "standing":
            return replace(counted, stage=_standing(answer), entry=answer.entry)
        case "plan":
            return replace(
                counted, stage=Stage.PLANNED if answer.changes else counted.stage, plan=answer.plan
            )
        case "apply":
            stage = Stage.APPLIED if answer.has_changed else counted.stage
            return replace(counted, stage=stage, entry=answer.entry)
        case "undo":
            return replace(counted, stage=Stage.UNDONE if answer.has_changed else counted.stage)
        case "verify":
            waits = result.waits_for_restart and not result.was_restarted
            return replace(result, stage=Stage.VERIFIED, waits_for_restart=waits)
    return result


def _standing(answer: Answer) -> Stage:
    """What is taken back may act until the next start."""
    if answer.entry is not None:
        return Stage.PLANNED
    return Stage.UNDONE if answer.waits_for_restart else Stage.AS_WANTED


def _noted(result: Result, note: Noted) -> Result:
    is_over = result.stage in (Stage.FAILED, Stage.VERIFIED)
    if note.name == "back" and not is_over:
        return replace(result, stage=Stage.UNDONE)
    result = result if is_over else replace(result, stage=Stage.BEGUN)
    if note.name == "service":
        return replace(result, service=note.value)
    return replace(result, was_restarted=True) if note.name == "restart" else result


def _failed(result: Result, event: Failed) -> Result:
    """An answer has said it better than the task that gave it."""
    if result.stage is Stage.FAILED:
        return result
    what = "it cannot be reached" if event.is_unreachable else event.task.rpartition(" : ")[2].lower()
    return replace(result, stage=Stage.FAILED, code=int(Exit.ERROR), why=f"{what}: {event.why}")
