"""What stops a request, as text and as an object for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpucloud.cloud.openstack.explain.judge import Explained
from gpucloud.cloud.openstack.explain.rules.answer import Step
from gpucloud.doctor.case import Diagnosis
from gpucloud.doctor.report import render_object, report_lines
from gpucloud.model.line import Copied


def plain_of(found: Explained) -> dict[str, Any]:
    """The answer for JSON; the keys never change their meaning.

    ``findings`` has the one cause, or nothing; ``steps`` says of each step of nova how it went;
    ``project`` names the one whose quota was looked at, null where it is not known.
    """
    shown: dict[str, Any] = dict(render_object(_diagnosis(found)))
    shown["said"] = {where: _last_line(words) for where, words in found.words.items()}
    shown["project"] = found.project
    return {**shown, "steps": [{"step": step.value, "state": state.value} for step, state in found.steps]}


def lines_of(found: Explained) -> Iterator[str]:
    """The answer for a person: the cause with evidence and fix, the steps, and what was not seen."""
    lines = report_lines(_diagnosis(found))
    first = next(lines)
    yield first if found.root is not None else f"{found.name}: {_nothing(found)}"
    for where, words in found.words.items():
        yield Copied(f"  | nova, {where}: {_last_line(words)}")
    has_said_steps = False
    for line in lines:
        if line == "Could not look at:":
            has_said_steps = True
            yield from (*_steps(found), "")
        yield line
    if not has_said_steps:
        yield ""
        yield from _steps(found)


def _diagnosis(found: Explained) -> Diagnosis:
    return Diagnosis(found.name, () if found.root is None else (found.root,), found.blind)


def _nothing(found: Explained) -> str:
    if found.refused is not None:
        return f"nova refused its last {found.refused}, and nothing that was seen says why"
    if found.has_failed:
        return "nova gave it up, and nothing that was seen says why"
    return "nothing stops it, as far as it can be seen"


def _last_line(words: str) -> str:
    """The words themselves; of a traceback its end, which names the error."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1] if lines else words


def _steps(found: Explained) -> Iterator[str]:
    yield "Its way through nova:"
    for step, state in found.steps:
        whose = f" (project {found.project})" if step is Step.QUOTA and found.project else ""
        yield f"  {step.value}{whose}: {state.value}"
