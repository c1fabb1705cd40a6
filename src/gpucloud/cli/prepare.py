"""``gpucloud plan``, ``apply``, ``verify`` and ``undo``: a host made ready for guests, and given back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption, UnitOption, host_from
from gpucloud.cli.output import Shape, clean, print_json, print_text, say, table
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.plans.file import read_plan, write_plan
from gpucloud.cli.plans.start import NameOption, SpecOption, plan_elsewhere, plan_here, refuse_both
from gpucloud.cli.plans.watch import watching
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.desk import Desk
    from gpucloud.prepare.takeback import Outcome
    from gpucloud.prepare.verify import Mismatch


Force = Annotated[bool, typer.Option("--force", help="Accept to lose the host's last console.")]
Shaped = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]


def plan(
    context: typer.Context,
    unit: UnitOption = None,
    spec: SpecOption = None,
    name: NameOption = None,
    capture: FromOption = None,
    remote: HostOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write the plan, for apply.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 where something would change.")] = False,
    shape: Shaped = Shape.TEXT,
    force: Force = False,
    state: StateOption = STATE,
) -> None:
    """Show every change that would make GPUs ready for guests, and change nothing.

    With --unit for now: a card goes with all its functions and its whole IOMMU group, or not at all, and
    nothing outlives a restart. With --spec for every start from the next on: each file that changes is shown
    as a diff.

    Examples:
      gpucloud plan --unit 3b:00.0
      gpucloud plan --spec gpucloud.yaml
      gpucloud plan --unit 27:00.0 --unit 28:00.0 --output plan.json
      gpucloud plan --unit 3b:00.0 --from gpu01.tar.gz --check
    """
    from gpucloud.prepare.stored import render_stored

    refuse_both(unit, spec)
    if capture is None and remote is None:
        desk = desk_of(context, state)
        made = _plan_here(desk, unit, spec, name, force=force)
        _tell_unfinished(desk, made)
    elif spec is not None:
        made = plan_elsewhere(capture, remote, spec, name, force=force)
    else:
        made = _plan_elsewhere(capture, remote, unit or [], force=force)
    stored = render_stored(made)
    if output is not None and not made.refusals:
        write_plan(output, stored)
    _show(made, stored, shape)
    _refuse(made)
    if output is not None and not made.is_empty:
        say(f"{output} is written; now: gpucloud apply {output}")
    if check and not made.is_empty:
        raise typer.Exit(Exit.PENDING)


def apply(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="PLAN", help="A plan that `gpucloud plan --output` wrote.")
    ] = None,
    unit: UnitOption = None,
    spec: SpecOption = None,
    name: NameOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Carry on with a plan that was cut off.")] = False,
    shape: Shaped = Shape.TEXT,
    force: Force = False,
    state: StateOption = STATE,
) -> None:
    """Make GPUs ready for guests: each change is in the journal before it is made, and read back after.

    The host is read again first: if it is not as it was when the plan was made, nothing is done. If a change
    fails, or on Ctrl-C, everything is taken back (exit code 5; 6 where that failed too). The JSON is
    {"entry", "failure", "left", "kept"}: the journal entry (null where nothing had to be done), why it
    failed, what could not be taken back, what stays on purpose.

    Examples:
      gpucloud apply plan.json
      gpucloud apply --unit 3b:00.0 --yes
      gpucloud apply --spec gpucloud.yaml
      gpucloud apply --resume
    """
    desk = desk_of(context, state)
    if [file is not None, bool(unit), spec is not None, resume].count(True) != 1:
        raise Failure(
            "apply takes one of: a plan file, --unit, --spec, --resume",
            "see gpucloud apply --help",
            code=Exit.USAGE,
        )
    if resume:
        with watching() as watch:
            outcome: Outcome | None = desk.resume(watch)
        return _report(outcome, shape)
    made = read_plan(file) if file is not None else _plan_here(desk, unit, spec, name, force=force)
    if made.refusals or (file is None and not made.is_empty):
        _show_first(made, shape)
    _refuse(made)
    if file is None and not made.is_empty:
        _ask(yes=yes)
    with watching() as watch:
        outcome = desk.apply(made, watch)
    _report(outcome, shape, _nothing(made) if outcome is None else None)
    if outcome is not None and made.needs_reboot:
        tell = print_text if shape is Shape.TEXT else say
        tell("restart the host when its guests allow it: what was changed acts from the next start on")
    return None


def verify(
    context: typer.Context,
    entry: Annotated[
        str | None, typer.Argument(metavar="ID", help="A journal entry; all that are applied without.")
    ] = None,
    unit: UnitOption = None,
    shape: Shaped = Shape.TEXT,
    state: StateOption = STATE,
) -> None:
    """Look whether the host is as planned. Exit code 3 says that it is not.

    Examples:
      gpucloud verify
      gpucloud verify 3
      gpucloud verify --unit 3b:00.0
    """
    desk = desk_of(context, state)
    mismatches = desk.verify_units(unit) if unit else desk.verify(entry)
    if shape is Shape.JSON:
        print_json(mismatches)
    else:
        _show_mismatches(mismatches)
    if mismatches:
        raise typer.Exit(Exit.FINDINGS)


def undo(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(metavar="ID", help="A journal entry, or `last`: the last not undone.")
    ] = "last",
    listed: Annotated[bool, typer.Option("--list", help="List the journal; take nothing back.")] = False,
    shape: Shaped = Shape.TEXT,
    force: Annotated[
        bool, typer.Option("--force", help="Also take back what somebody else has changed since.")
    ] = False,
    state: StateOption = STATE,
) -> None:
    """Take an applied plan back: the previous drivers and overrides, and nothing of anybody else.

    May be repeated after a crash. An entry that is undone already is refused, and so is a card that a guest
    or process uses. After a restart of the host there is nothing to take back; the entry is only closed.
    The JSON is that of apply, or the list.

    Examples:
      gpucloud undo
      gpucloud undo 3
      gpucloud undo --list
    """
    desk = desk_of(context, state)
    if listed:
        _list(desk, shape)
    else:
        with watching() as watch:
            outcome = desk.undo(entry, force=force, watch=watch)
        but = " but for what is named above" if outcome.kept else ""
        _report(outcome, shape, f"journal entry {outcome.entry} is taken back: the host is as before{but}")


def _plan_here(
    desk: Desk, unit: list[str] | None, spec: Path | None, name: str | None, *, force: bool
) -> Plan:
    if spec is not None:
        return plan_here(desk, spec, name, force=force)
    return desk.plan(unit or (), force=force)


def _plan_elsewhere(capture: Path | None, remote: str | None, names: list[str], *, force: bool) -> Plan:
    from gpucloud.prepare.plan import choose_units, plan_passthrough

    host = host_from(capture, remote)
    return plan_passthrough(host, choose_units(host, names), force=force)


def _tell_unfinished(desk: Desk, made: Plan) -> None:
    """Say what was cut off, or that this cannot be seen; to whom nothing can be given it does not matter."""
    try:
        for entry in desk.journal.unfinished():
            say(f"journal entry {entry.id} is unfinished: gpucloud apply --resume, or gpucloud undo")
    except Failure as failure:  # planning only looks: it goes on where the journal cannot be read
        if not made.refusals:
            say(str(failure))


def _show(plan: Plan, stored: bytes, shape: Shape) -> None:
    from gpucloud.prepare.plan import render_plan

    if shape is Shape.JSON:
        print(clean(stored.decode()), end="")
    else:
        print_text(render_plan(plan))


def _show_mismatches(mismatches: tuple[Mismatch, ...]) -> None:
    for mismatch in mismatches:
        print_text(f"{mismatch.path}\n  planned  {mismatch.expected}\n  is       {mismatch.seen}")
    if not mismatches:
        print_text("the host is as planned")


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(
            "nothing was changed: there is no terminal to ask on", "look at the plan, then add --yes"
        )
    if not typer.confirm("Make these changes?", err=True):
        raise Failure("nothing was changed")


def _show_first(made: Plan, shape: Shape) -> None:
    """Show what apply is about to do; beside the JSON of what it did."""
    from gpucloud.prepare.plan import render_plan

    (print_text if shape is Shape.TEXT else say)(render_plan(made))


def _refuse(made: Plan) -> None:
    if made.refusals:
        more = f" (and {len(made.refusals) - 1} more)" if made.refusals[1:] else ""
        raise Failure(f"refused: {made.refusals[0].why}{more}", made.refusals[0].instead)


def _nothing(made: Plan) -> str:
    what = "every GPU of the plan is ready for guests" if made.wanted is None else "the host is as planned"
    return f"nothing to do: {what}"


def _report(outcome: Outcome | None, shape: Shape, done: str | None = None) -> None:
    """Say how it ended; None: nothing had to be done."""
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


def _list(desk: Desk, shape: Shape) -> None:
    from gpucloud.prepare.listing import list_entries

    rows = list_entries(desk.journal)
    if shape is Shape.JSON:
        print_json(rows)
    elif not rows:
        print_text("the journal is empty")
    else:
        cells = [(row.id, row.status, row.at, ", ".join(row.units), str(row.steps)) for row in rows]
        table(("entry", "status", "since", "GPUs", "changes"), cells)
