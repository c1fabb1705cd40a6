"""``gpucloud undo``: an applied plan taken back, and the journal of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape, print_json, print_text, table
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.plans.show import Shaped, report
from gpucloud.cli.plans.watch import watching

if TYPE_CHECKING:
    from gpucloud.prepare.desk import Desk


def undo(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(metavar="ID", help="A journal entry, or `last`: the last not undone.")
    ] = "last",
    listed: Annotated[bool, typer.Option("--list", help="List the journal; take nothing back.")] = False,
    shape: Shaped = Shape.TEXT,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also take back what others have changed since, and keep a copy of it."),
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
        report(outcome, shape, f"journal entry {outcome.entry} is taken back: the host is as before{but}")


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
