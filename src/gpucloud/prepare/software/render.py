"""Plans that install software or say where a licence comes from, as text. A token is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import unified_diff

from gpucloud.model.change import Change, Content, RunTool, WriteFile
from gpucloud.model.line import Copied
from gpucloud.model.plan import Licence, Plan, Step
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.steps import preview

_ENDING = ".tok"
_NOT_SHOWN = Content("(not shown)")


def software_lines(plan: Plan) -> Iterator[str]:
    """The whole plan."""
    what = (
        "install NVIDIA's vGPU manager" if plan.software is not None else "say where the licence comes from"
    )
    if plan.is_empty:
        yield f"nothing to do: {plan.host} is as wanted"
        return
    yield f"plan for {plan.host}: {what}; {len(plan.steps)} changes"
    for number, step in enumerate(plan.steps, 1):
        yield from ("", f"{number}. {call_change(step.change)}", f"   because {step.because}")
        yield from _difference(step)
    yield from ("", *(f"note: {note}" for note in plan.notes)) if plan.notes else ()
    yield from ("", f"undo: gpucloud undo takes back steps {len(plan.steps)} to 1 and checks each")


def without_token(plan: Plan) -> Plan:
    """The plan to be printed as data: a token is left out of it."""
    steps = tuple(replace(step, change=_hidden(step.change)) for step in plan.steps)
    asked = plan.licence
    if asked is None:
        return plan
    files = tuple(
        replace(file, text=_NOT_SHOWN) if file.path.endswith(_ENDING) else file for file in asked.files
    )
    return replace(plan, steps=steps, licence=Licence(files))


def _hidden(change: Change) -> Change:
    if not isinstance(change, WriteFile) or not change.path.endswith(_ENDING):
        return change
    before = None if change.before is None else replace(change.before, text=_NOT_SHOWN)
    return replace(change, before=before, after=replace(change.after, text=_NOT_SHOWN))


def _difference(step: Step) -> Iterator[str]:
    change = step.change
    if isinstance(change, RunTool):
        return
    shown = preview(change)
    if not isinstance(change, WriteFile):
        yield from (Copied(f"   - {shown.before or '(none)'}"), Copied(f"   + {shown.after or '(none)'}"))
    elif change.path.endswith(_ENDING):
        yield f"   the token, {len(change.after.text)} characters, mode 0{change.after.mode:o}: not shown"
    else:
        before, after = ((text or "").splitlines() for text in (shown.before, shown.after))
        yield from (Copied(f"   {line}") for line in unified_diff(before, after, lineterm="", n=1))
