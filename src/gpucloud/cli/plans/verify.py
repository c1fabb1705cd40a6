"""``gpucloud verify``: whether a host is as planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.fleets.options import HostsOption, InventoryOption, Members, refuse_beside_hosts
from gpucloud.cli.hosts import UnitOption
from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.prepare.verify import Mismatch


def verify(
    context: typer.Context,
    entry: Annotated[
        str | None, typer.Argument(metavar="ID", help="A journal entry; all that are applied without.")
    ] = None,
    unit: UnitOption = None,
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
) -> None:
    """Look whether the host is as planned. Exit code 3 says that it is not.

    Examples:
      gpucloud verify
      gpucloud verify 3
      gpucloud verify --unit 3b:00.0
      gpucloud verify --hosts compute -i multinode
    """
    members = Members(hosts, inventory)
    if members.are_asked_for:
        from gpucloud.cli.fleets.look import verify_hosts
        from gpucloud.cli.plans.making import Asked

        refuse_beside_hosts(**{"an entry of one host's journal": entry})
        return verify_hosts(members.wish(Asked(unit, None, None, is_forced=False), state), shape)
    if unit and entry is not None:
        said = "--unit and a journal entry were given: the one is for now, the other for what was applied"
        raise Failure(said, "leave one of them out", code=Exit.USAGE)
    desk = desk_of(context, state)
    mismatches = desk.verify_units(unit) if unit else desk.verify(entry)
    if shape is Shape.JSON:
        print_json(mismatches)
    else:
        _show_mismatches(mismatches)
    if mismatches:
        raise typer.Exit(Exit.FINDINGS)
    return None


def _show_mismatches(mismatches: tuple[Mismatch, ...]) -> None:
    for mismatch in mismatches:
        print_text(f"{mismatch.path}\n  planned  {mismatch.expected}\n  is       {mismatch.seen}")
    if not mismatches:
        print_text("the host is as planned")
