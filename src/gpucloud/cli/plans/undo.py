"""``gpucloud undo``: an applied plan taken back, here or on many hosts, and the journal of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.fleets.options import (
    PANEL,
    CloudOption,
    HostsOption,
    InventoryOption,
    Members,
    RestartOption,
    SerialOption,
    refuse_beside_hosts,
    refuse_without_hosts,
)
from gpucloud.cli.output import Shape, print_json, print_text, table
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.plans.making import Asked
from gpucloud.cli.plans.show import report
from gpucloud.cli.plans.watch import watching
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.prepare.desk import Desk

_LAST = "last"


def undo(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(metavar="ID", help="A journal entry, or `last`: the last not undone.")
    ] = _LAST,
    listed: Annotated[bool, typer.Option("--list", help="List the journal; take nothing back.")] = False,
    shape: ShapeOption = Shape.TEXT,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also take back what others have changed since, and keep a copy of it."),
    ] = False,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
    serial: SerialOption = "1",
    restart: RestartOption = False,
    cloud: CloudOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --hosts, do not ask.", rich_help_panel=PANEL)
    ] = False,
) -> None:
    """Take an applied plan back: the previous drivers and overrides, and nothing of anybody else.

    May be repeated after a crash. An entry that is undone already is refused, and so is a card that a guest
    or process uses. After a restart of the host there is nothing to take back; the entry is only closed.
    The JSON is that of apply, or the list.

    With --hosts what would be taken back on each host, the last that stands there, is shown first; then hosts
    are changed --serial at a time, and the first failure leaves the rest untouched.

    Examples:
      gpucloud undo
      gpucloud undo 3
      gpucloud undo --list
      gpucloud undo --hosts compute -i multinode --restart --os-cloud kolla-admin
    """
    members = Members(hosts, inventory, serial, restart, cloud)
    if members.are_asked_for:
        from gpucloud.cli.fleets.back import undo_hosts

        refuse_beside_hosts(**{"an entry of one host's journal": entry != _LAST, "--list": listed})
        wish = members.wish(Asked(None, None, None, force), state)
        return undo_hosts(wish, shape, yes=yes)
    refuse_without_hosts(**{"--yes": yes})
    if listed and entry != _LAST:
        said = "--list and a journal entry were given"
        raise Failure(said, "leave --list out to take the entry back", code=Exit.USAGE)
    desk = desk_of(context, state)
    if listed:
        _list(desk, shape)
    else:
        with watching() as watch:
            outcome = desk.undo(entry, force=force, watch=watch)
        but = " but for what is named above" if outcome.kept else ""
        report(outcome, shape, f"journal entry {outcome.entry} is taken back: the host is as before{but}")
    return None


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
