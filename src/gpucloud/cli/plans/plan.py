"""``gpucloud plan``: every change shown, and nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.fleets.options import HostsOption, InventoryOption, Members, refuse_beside_hosts
from gpucloud.cli.hosts import FromOption, HostOption, UnitOption
from gpucloud.cli.output import Shape, say
from gpucloud.cli.plans.adopting import check_writing, settle_spec
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.plans.file import write_plan
from gpucloud.cli.plans.making import (
    AdoptOption,
    Asked,
    ForceOption,
    NameOption,
    SpecOption,
    plan_elsewhere,
    plan_here,
)
from gpucloud.cli.plans.show import refuse, show_plan
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.desk import Desk

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Also write the plan, for apply; an older plan there is replaced, no other file.",
    ),
]
WriteSpecOption = Annotated[
    bool,
    typer.Option(
        "--write-spec",
        help="With --adopt and --from or --host: write the spec here (gpucloud.yaml without --spec).",
    ),
]
CheckOption = Annotated[bool, typer.Option("--check", help="Exit with 4 where something would change.")]


def plan(
    context: typer.Context,
    unit: UnitOption = None,
    spec: SpecOption = None,
    name: NameOption = None,
    adopt: AdoptOption = False,
    capture: FromOption = None,
    remote: HostOption = None,
    output: OutputOption = None,
    write_spec: WriteSpecOption = False,
    check: CheckOption = False,
    shape: ShapeOption = Shape.TEXT,
    force: ForceOption = False,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
) -> None:
    """Show every change that would make GPUs ready for guests, and change nothing.

    With --unit for now: a card goes with all its functions and its whole IOMMU group, or not at all, and
    nothing outlives a restart. With --spec for every start from the next on: each file that changes is shown
    as a diff. With --adopt what somebody set up by hand (pci-stub, vfio-pci.ids, driverctl, scripts, units)
    is named with its file and line, and goes into the spec; what cannot be taken over safely stays, with why.
    Of a host elsewhere the spec lies here: --write-spec writes it, and nothing else is written.

    Examples:
      gpucloud plan --unit 3b:00.0
      gpucloud plan --spec gpucloud.yaml
      gpucloud plan --adopt --spec gpucloud.yaml
      gpucloud plan --adopt --from gpu01.tar.gz --name gpu01 --write-spec
      gpucloud plan --unit 27:00.0 --unit 28:00.0 --output plan.json
      gpucloud plan --unit 3b:00.0 --from gpu01.tar.gz --check
      gpucloud plan --spec gpucloud.yaml --hosts compute -i multinode
    """
    asked, members = Asked(unit, spec, name, force, adopt), Members(hosts, inventory)
    asked.check()
    if members.are_asked_for:
        from gpucloud.cli.fleets.look import plan_hosts

        refuse_beside_hosts(
            **{
                "--adopt": adopt,
                "--write-spec": write_spec,
                "--from": capture,
                "--host": remote,
                "--output": output,
            }
        )
        return plan_hosts(members.wish(asked, state), shape, is_checking=check)
    is_elsewhere = capture is not None or remote is not None
    if write_spec:
        check_writing(asked, is_elsewhere=is_elsewhere)
    here = None if is_elsewhere else desk_of(context, state)
    made = _plan_here(here, asked) if here is not None else plan_elsewhere(capture, remote, asked)
    _give(made, output, shape)
    if asked.is_adopting and is_elsewhere:
        settle_spec(made, asked, is_written=write_spec)
    if check and not made.is_empty:
        raise typer.Exit(Exit.PENDING)
    return None


def _plan_here(desk: Desk, asked: Asked) -> Plan:
    made = plan_here(desk, asked)
    _tell_unfinished(desk, made)
    return made


def _tell_unfinished(desk: Desk, made: Plan) -> None:
    """Say what was cut off, or that this cannot be seen; to whom nothing can be given it does not matter."""
    try:
        for entry in desk.journal.unfinished():
            say(f"journal entry {entry.id} is unfinished: gpucloud apply --resume, or gpucloud undo")
    except Failure as failure:  # planning only looks: it goes on where the journal cannot be read
        if not made.refusals:
            say(str(failure))


def _give(made: Plan, output: Path | None, shape: Shape) -> None:
    """Write the plan where that is asked for, and print it.

    Raises:
        Failure: it is refused, or cannot be written.
    """
    from gpucloud.prepare.stored import render_stored

    stored = render_stored(made)
    is_replaced = output is not None and not made.refusals and write_plan(output, stored)
    show_plan(made, stored, shape)
    refuse(made)
    if output is not None and not made.is_empty:
        place = " in place of an older plan" if is_replaced else ""
        say(f"{output} is written{place}; now: gpucloud apply {output}")
