"""A plan as text: every file that changes as a diff, in order, with its reason and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from gpucloud.model.plan import (
    BindDriver,
    Change,
    DetachConsole,
    LoadModule,
    OnDisk,
    Plan,
    Refusal,
    ReleaseFramebuffer,
    RemoveFile,
    RunTool,
    SetDriverOverride,
    Step,
    UnbindDriver,
    WriteFile,
)
from gpucloud.prepare.plan.wording import join
from gpucloud.prepare.steps import preview


def render_plan(plan: Plan) -> str:
    """The whole plan for a reader: what changes and why, or why nothing can."""
    units = join([address.short for address in plan.units])
    if plan.refusals:
        return "\n".join(
            [f"plan for {plan.host}: GPU {units} cannot be given to guests now", *_refusals(plan)]
        )
    if plan.is_empty:
        return f"nothing to do: GPU {units} is ready for guests on {plan.host}"
    count = f"{len(plan.steps)} change" + ("s" if len(plan.steps) > 1 else "")
    lines = [f"plan for {plan.host}: give GPU {units} to guests; {count}, without a restart"]
    for number, step in enumerate(plan.steps, 1):
        lines += _step(number, step)
    return "\n".join([*lines, "", *_ways(plan)])


def _refusals(plan: Plan) -> Iterator[str]:
    for refusal in plan.refusals:
        yield from ("", f"refused ({refusal.cause})", *_refusal(refusal))


def _refusal(refusal: Refusal) -> Iterator[str]:
    yield f"  {refusal.why}"
    yield f"  do: {refusal.instead}"
    yield f"  more: gpucloud explain {refusal.cause}"


def _step(number: int, step: Step) -> Iterator[str]:
    change = preview(step.change)
    yield ""
    yield f"{number}. {call_change(step.change)}"
    yield f"   because {step.because}"
    yield f"   {change.path}"
    yield f"   - {change.before or '(none)'}"
    yield f"   + {change.after or '(none)'}"


def _ways(plan: Plan) -> Iterator[str]:
    yield f"undo: gpucloud undo takes back steps {len(plan.steps)} to 1 and checks each"
    yield "a restart undoes it too: bindings live in the running kernel alone"


def call_change(change: Change) -> str:
    """A change in a few words: ``unbind 0000:3b:00.0 from nvidia``."""
    match change:
        case LoadModule():
            return f"load the module {change.module}"
        case DetachConsole():
            return f"take the text console off the {change.driver}"
        case ReleaseFramebuffer():
            return f"take the boot framebuffer {change.device} from {change.driver}"
        case SetDriverOverride(after=None):
            return f"clear the driver override of {change.address}"
        case SetDriverOverride():
            return f"let only {change.after} take {change.address}"
        case UnbindDriver():
            return f"unbind {change.address} from {change.driver}"
        case BindDriver():
            return f"bind {change.address} to {change.driver}"
        case WriteFile() | RemoveFile() | RunTool():
            return _call_on_disk(change)
        case _:
            assert_never(change)


def _call_on_disk(change: OnDisk) -> str:
    match change:
        case WriteFile():
            return f"{'write' if change.before is None else 'change'} {change.path}"
        case RemoveFile():
            return f"remove {change.path}"
        case RunTool():
            once = "" if change.when == "apply" else "on undo, when the files are back: "
            return f"{once}run {' '.join(change.argv)}"
        case _:
            assert_never(change)
