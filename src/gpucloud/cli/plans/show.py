"""Plans, and how it ended to do one or to take it back, as they are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.cli.output import Shape, clean, print_document, print_json, print_lines, print_text, say
from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.takeback import Outcome


def show_plan(plan: Plan, stored: bytes, shape: Shape) -> None:
    """Print a plan; its JSON is what is stored of it."""
    from gpucloud.prepare.plan import plan_lines

    if shape is Shape.JSON:
        print_document(clean(stored.decode()).rstrip("\n"))
    else:
        print_lines(plan_lines(plan))


def refuse(made: Plan) -> None:
    """End where a plan is refused.

    Raises:
        Failure: it is; the first reason, and what to do about it.
    """
    if made.refusals:
        more = f" (and {len(made.refusals) - 1} more)" if made.refusals[1:] else ""
        raise Failure(f"refused: {made.refusals[0].why}{more}", made.refusals[0].instead)


def report(outcome: Outcome | None, shape: Shape, done: str | None = None) -> None:
    """Say how it ended; None: nothing had to be done.

    Raises:
        Failure: it failed, and was taken back or not.
    """
    from gpucloud.prepare.desk import conclude

    if shape is Shape.JSON:
        print_json(outcome or {"entry": None, "failure": None, "left": (), "kept": ()})
    if outcome is not None:
        for line in outcome.kept:
            say(line)
        conclude(outcome)
        back = f"back with: gpucloud undo {outcome.entry}"
        done = done or f"done and read back: journal entry {outcome.entry}; {back}"
    if shape is Shape.TEXT and done is not None:
        print_text(done)
