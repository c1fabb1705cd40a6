"""A plan for the next start as text: a unified diff of every file, each tool once, risks and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from gpucloud.model.change import EnableUnit, RunTool
from gpucloud.model.line import Copied
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.plan.wording import join
from gpucloud.prepare.steps import preview

_NO_NEWLINE = "\\ No newline at end of file"


def start_lines(plan: Plan) -> Iterator[str]:
    """The whole plan for a reader; without its refusals, of which the caller tells."""
    if plan.is_empty:
        adopted = plan.wanted.adopted if plan.wanted is not None else None
        head = f"nothing to do: {plan.host} starts as its spec wants it"
        if adopted is not None and adopted.settings:
            head = f"nothing to do on {plan.host}: what was set up by hand stays"
        yield from (head, *_pools(plan), *_notes(plan), *_at_start(plan))
        return
    if not plan.steps:
        head = f"plan for every start of {plan.host}: no file changes, cards are cut otherwise"
        yield f"{head}; now: gpucloud boot"
        yield from (*_pools(plan), *_notes(plan), *_at_start(plan))
        return
    shown = [step for step in plan.steps if not _is_for_undo(step)]
    count = f"{len(shown)} change" + ("s" if len(shown) > 1 else "")
    yield f"plan for the next start of {plan.host}: {count}; they act after a restart"
    yield from (*_pools(plan), *_notes(plan))
    for number, step in enumerate(shown, 1):
        yield from ("", f"{number}. {call_change(step.change)}", *grounds(step), *map(Copied, _diff(step)))
    yield from (*_at_start(plan), "", *_ways(plan))


def grounds(step: Step) -> Iterator[str]:
    """Why a step is done, and what could go wrong with it."""
    yield f"   because {step.because}"
    if step.risk:
        yield f"   risk: {step.risk}"


def _at_start(plan: Plan) -> Iterator[str]:
    """What the unit then does of itself; each start has to, since none of it outlives the one before."""
    if plan.at_start:
        yield ""
        yield "at every start gpucloud-boot.service then does, as far as the host shows it now:"
    for number, step in enumerate(plan.at_start, 1):
        change = preview(step.change)
        yield f"{number}. {call_change(step.change)}"
        yield from grounds(step)
        yield Copied(f"   {change.path}: {change.before or '(none)'} -> {change.after or '(none)'}")
    if plan.at_start:
        yield "undo: gpucloud undo takes back what a start has made, before it takes back how the host starts"


def _pools(plan: Plan) -> Iterator[str]:
    for taken in plan.wanted.taken if plan.wanted is not None else ():
        units = join([address.short for address in taken.units])
        yield f"pool {taken.pool} ({taken.use}): {units or 'no GPU of this host'}"


def _notes(plan: Plan) -> Iterator[str]:
    return (f"note: {note}" for note in plan.notes)


def _is_for_undo(step: Step) -> bool:
    return isinstance(step.change, RunTool) and step.change.when == "undo"


def _diff(step: Step) -> Iterator[str]:
    if isinstance(step.change, RunTool):
        return
    if isinstance(step.change, EnableUnit):
        yield f"   {'+' if step.change.is_on else '-'} {step.change.path} -> {step.change.unit}"
        return
    change = preview(step.change)
    old = "/dev/null" if change.before is None else change.path
    new = "/dev/null" if change.after is None else change.path
    before, after = ((text or "").splitlines(keepends=True) for text in (change.before, change.after))
    for line in unified_diff(before, after, old, new, lineterm="\n"):
        yield f"   {line.rstrip(chr(10))}"
        if not line.endswith("\n"):
            yield f"   {_NO_NEWLINE}"


def _ways(plan: Plan) -> Iterator[str]:
    changes = (step.change for step in reversed(plan.steps) if _is_for_undo(step))
    tools = [" ".join(change.argv) for change in changes if isinstance(change, RunTool)]
    makes = f", then runs {join(tools)}" if tools else ""
    yield f"undo: gpucloud undo brings every file back with its bytes, mode and owner{makes}"
    yield "the cards themselves come back with the restart after that"
