"""A plan as text: every file that changes as a diff, in order, with its reason and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from gpucloud.model.change import MakeMdev, RemoveMdev
from gpucloud.model.line import Copied
from gpucloud.model.pci import ParentName
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.plan.render_adopted import adopted_lines
from gpucloud.prepare.plan.render_start import grounds, start_lines
from gpucloud.prepare.plan.wording import join
from gpucloud.prepare.software.render import software_lines
from gpucloud.prepare.steps import preview


def render_plan(plan: Plan) -> str:
    """The whole plan for a reader: what changes and why, or why nothing can."""
    return "\n".join(plan_lines(plan))


def plan_lines(plan: Plan) -> Iterator[str]:
    """The same, line by line: diffs and what files hold are ``Copied``, all else is prose."""
    if plan.layout is not None:
        yield from _cut(plan)
        return
    if plan.software is not None or plan.licence is not None:
        yield from software_lines(plan)
        return
    if plan.wanted is None:
        yield from _now(plan)
        return
    yield from adopted_lines(plan.wanted.adopted, is_refused=bool(plan.refusals))
    if plan.refusals:
        yield f"plan for the next start of {plan.host}: refused"
        yield from _refusals(plan)
    else:
        yield from start_lines(plan)
        yield from _unseen(plan)


def _now(plan: Plan) -> Iterator[str]:
    units = join([address.short for address in plan.units])
    if plan.refusals:
        yield f"plan for {plan.host}: GPU {units} cannot be given to guests now"
        yield from _refusals(plan)
        return
    if plan.is_empty:
        yield f"nothing to do: GPU {units} is ready for guests on {plan.host}"
        return
    count = f"{len(plan.steps)} change" + ("s" if len(plan.steps) > 1 else "")
    yield f"plan for {plan.host}: give GPU {units} to guests; {count}, without a restart"
    for number, step in enumerate(plan.steps, 1):
        yield from _step(number, step)
    yield from ("", *_ways(plan), *_unseen(plan))


def _cut(plan: Plan) -> Iterator[str]:
    places = join(list(_cut_places(plan))) or "all"
    if plan.is_empty:
        yield f"nothing to do: {places} is cut as wanted on {plan.host}"
    else:
        count = f"{len(plan.steps)} change" + ("s" if len(plan.steps) > 1 else "")
        yield f"plan for {plan.host}: cut {places}; {count}, without a restart"
    for number, step in enumerate(plan.steps, 1):
        yield from _step(number, step)
    yield from ("", *(f"note: {note}" for note in plan.notes)) if plan.notes else ()
    if plan.steps:
        yield from ("", f"undo: gpucloud vgpu undo takes back steps {len(plan.steps)} to 1 and checks each")


def _cut_places(plan: Plan) -> Iterator[str]:
    """Cards, and parents that are no PCI functions, which no unit of the plan is."""
    if plan.units:
        yield f"GPU {join([address.short for address in plan.units])}"
    changes = (step.change for step in plan.steps)
    places = (each.address for each in changes if isinstance(each, MakeMdev | RemoveMdev))
    yield from dict.fromkeys(place.short for place in places if isinstance(place, ParentName))


def _refusals(plan: Plan) -> Iterator[str]:
    """Reasons in a row that one thing mends are told with that thing once, after the last of them."""
    for instead, reasons in groupby(plan.refusals, lambda refusal: refusal.instead):
        yield ""
        for refusal in reasons:
            yield f"refused ({refusal.cause})"
            yield f"  {refusal.why}"
        yield f"  do: {instead}"
    causes = dict.fromkeys(refusal.cause for refusal in plan.refusals)
    yield from ("", *(f"more: gpucloud explain {cause}" for cause in causes))


def _unseen(plan: Plan) -> Iterator[str]:
    if plan.unseen:
        yield ""
        yield "not in the capture, so the host itself is asked before anything is done there:"
    for refusal in plan.unseen:
        yield f"  {refusal.why} ({refusal.cause})"


def _step(number: int, step: Step) -> Iterator[str]:
    change = preview(step.change)
    yield ""
    yield f"{number}. {call_change(step.change)}"
    yield from grounds(step)
    yield Copied(f"   {change.path}")
    yield Copied(f"   - {change.before or '(none)'}")
    yield Copied(f"   + {change.after or '(none)'}")


def _ways(plan: Plan) -> Iterator[str]:
    yield f"undo: gpucloud undo takes back steps {len(plan.steps)} to 1 and checks each"
    yield "a restart undoes it too: bindings live in the running kernel alone"
