"""``gpucloud vgpu apply``, ``create``, ``delete`` and ``undo``: cards cut, through the journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from gpucloud.cli.fleets.options import (
    HostsOption,
    InventoryOption,
    Members,
    SerialOption,
    refuse_beside_hosts,
)
from gpucloud.cli.output import Shape, print_beside, print_json, print_lines
from gpucloud.cli.plans.apply import YesOption, ask
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.plans.show import report
from gpucloud.cli.plans.watch import watching
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.cli.vgpu.plan import LayoutOption, LinesArgument, NameOption, wishes_given
from gpucloud.model.change import SMI
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plan import Layout

if TYPE_CHECKING:
    from gpucloud.fleet.wish import Wish
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.desk import Desk
    from gpucloud.slices import Offer

DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")]
ProgramOption = Annotated[
    str,
    typer.Option("--smi", metavar="PATH", help="NVIDIA's program, which makes MIG instances, where it is."),
]


def apply_layout(
    context: typer.Context,
    lines: LinesArgument = None,
    layout: LayoutOption = None,
    name: NameOption = None,
    smi: ProgramOption = SMI,
    dry: DryOption = False,
    yes: YesOption = False,
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
    serial: SerialOption = "1",
) -> None:
    """Cut this host's cards as a layout says (`gpucloud vgpu plan`), after it was shown and agreed to.

    All of it, or nothing: each step is in the journal before it is done and read back after, and where one
    fails all are taken back (exit code 5; 6 where that failed too). Who uses what is looked at again just
    before. A slice that somebody uses never goes, and then nothing is done. After a restart `gpucloud boot`
    cuts the cards so again, as long as the layout is not taken back.

    With --hosts that is done on many hosts, or on one other (--hosts gpu01 -i gpu01,), through Ansible: every
    plan is shown first, then hosts are cut --serial at a time, and the first failure leaves the rest
    untouched. Lines call a host as the inventory does; `gpucloud undo --hosts` takes it back.

    MIG instances are made and removed through nvidia-smi, and are known by their places: numbers and UUIDs
    are the driver's, and others after an undo or a restart. MIG mode of a card that somebody has open stays.

    Examples:
      gpucloud vgpu apply '3b:00.0: 4 x T4-4Q'
      gpucloud vgpu apply 'every A100: 3g.20gb, 2 x 2g.10gb' --smi /opt/nvidia/bin/nvidia-smi
      gpucloud vgpu apply --layout layout.txt --dry-run
      gpucloud vgpu apply '3b:00.0: none' --yes --format json
      gpucloud vgpu apply 'every T4: 4 x T4-4Q' --hosts compute -i multinode
    """
    texts = tuple(" ".join(wish.text.split()) for wish in wishes_given(lines or (), layout))
    members = Members(hosts, inventory, serial)
    if members.are_asked_for:
        refuse_beside_hosts(**{"--name": name})
        _carry_out_there(members.layout_wish(texts, smi, state), shape, yes=yes, dry=dry)
        return
    _carry_out(desk_of(context, state), Layout(texts, _own(name), smi=_program(smi)), shape, yes=yes, dry=dry)


def create(
    context: typer.Context,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Of `gpucloud vgpu types`: id or name.")],
    on: Annotated[
        str,
        typer.Option("--on", metavar="ADDRESS", help="The card, as 3b:00.0, or another parent by its name."),
    ],
    uuid: Annotated[
        str | None, typer.Option("--uuid", metavar="UUID", help="What the mediated device is called.")
    ] = None,
    name: NameOption = None,
    smi: ProgramOption = SMI,
    dry: DryOption = False,
    yes: YesOption = False,
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
    serial: SerialOption = "1",
) -> None:
    """Cut one more slice of a card: a layout of what is there and this one, applied.

    Without --uuid a mediated device is called after host, card and number, the same each time.

    With --hosts each of many hosts cuts one more of its card at that address, as with `gpucloud vgpu apply`.
    Said again, that is one more on each: after a failure leave out those that have it (compute:!gpu01), or
    say with `gpucloud vgpu apply` how many there are to be.

    Examples:
      gpucloud vgpu create nvidia-231 --on 3b:00.0
      gpucloud vgpu create 3g.20gb --on 3b:00.0
      gpucloud vgpu create T4-4Q --on 3b:00.0 --hosts compute -i multinode --dry-run
      gpucloud vgpu create T4-4Q --on 3b:00.0 --uuid 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 --yes
    """
    from gpucloud.prepare.layout.plan import place_named, with_one

    place = place_named(on)
    members = Members(hosts, inventory, serial)
    if members.are_asked_for:
        refuse_beside_hosts(**{"--name": name, "--uuid": uuid})
        _carry_out_there(members.creation_wish(type_, on, smi, state), shape, yes=yes, dry=dry)
        return
    desk, called, program = desk_of(context, state), _uuid(uuid), _program(smi)
    line = with_one(_offers(desk, program), place, type_)
    _carry_out(desk, Layout((line,), _own(name), uuid=called, smi=program), shape, yes=yes, dry=dry)


def delete(
    context: typer.Context,
    slice_: Annotated[
        str,
        typer.Argument(
            metavar="UUID|ADDRESS",
            help="A mediated device, a function with a type, or a MIG instance by its number: 3b:00.0/2.",
        ),
    ],
    name: NameOption = None,
    smi: ProgramOption = SMI,
    dry: DryOption = False,
    yes: YesOption = False,
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
    serial: SerialOption = "1",
) -> None:
    """Remove one slice that nobody uses: a layout of what is there without it, applied.

    With --hosts each of many hosts removes the one that it calls so, as with `gpucloud vgpu apply`: an
    address or a number on hosts that are alike, a UUID on the host that has it. Where one host does not have
    it, none is touched.

    Examples:
      gpucloud vgpu delete 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
      gpucloud vgpu delete 41:00.4 --yes
      gpucloud vgpu delete 3b:00.0/2
      gpucloud vgpu delete 41:00.4 --hosts compute -i multinode --serial 25%
    """
    from gpucloud.prepare.layout.plan import without

    members = Members(hosts, inventory, serial)
    if members.are_asked_for:
        refuse_beside_hosts(**{"--name": name})
        _carry_out_there(members.deletion_wish(slice_, smi, state), shape, yes=yes, dry=dry)
        return
    desk, program = desk_of(context, state), _program(smi)
    line, gone = without(_offers(desk, program), slice_)
    _carry_out(desk, Layout((line,), _own(name), gone=gone, smi=program), shape, yes=yes, dry=dry)


def undo_layout(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(metavar="ID", help="A journal entry, or `last`: the last cut not undone.")
    ] = "last",
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
) -> None:
    """Take a cut back: what it made goes, and what it removed is made again, with the same UUIDs.

    A slice that a guest uses, or is defined with while it is off, stays, and nothing is touched then. Layouts
    of earlier starts are taken back in the same way.

    Examples:
      gpucloud vgpu undo
      gpucloud vgpu undo 7
    """
    desk = desk_of(context, state)
    with watching() as watch:
        outcome = desk.undo(desk.last_cut() if entry == "last" else entry, force=False, watch=watch)
    report(outcome, shape, f"journal entry {outcome.entry} is taken back: the cards are cut as before")


def _carry_out_there(wish: Wish, shape: Shape, *, yes: bool, dry: bool) -> None:
    """On many hosts: every plan is shown, and then done, or not."""
    from gpucloud.cli.fleets.look import plan_hosts
    from gpucloud.cli.fleets.roll import apply_hosts

    if dry:
        plan_hosts(wish, shape, is_checking=False)
    else:
        apply_hosts(wish, shape, yes=yes)


def _carry_out(desk: Desk, layout: Layout, shape: Shape, *, yes: bool, dry: bool) -> None:
    back, nothing = "gpucloud vgpu undo", "it is cut as wanted"
    carry_out(desk, desk.plan_cut(layout), shape, yes=yes, dry=dry, back=back, nothing=nothing)


def carry_out(desk: Desk, made: Plan, shape: Shape, *, yes: bool, dry: bool, back: str, nothing: str) -> None:
    """Show a plan, ask, carry it out and say how it ended.

    Args:
        desk: the host.
        made: the plan.
        shape: text or JSON.
        yes: do not ask.
        dry: show it alone.
        back: the command that takes it back.
        nothing: what is so already, where nothing is to be done.
    """
    from gpucloud.prepare.plan import plan_lines
    from gpucloud.prepare.software.render import without_token

    if dry:
        print_json(without_token(made)) if shape is Shape.JSON else print_lines(plan_lines(made))
        return
    if not made.is_empty:
        print_beside(plan_lines(made), shape)
        ask(yes=yes)
    with watching() as watch:
        outcome = desk.apply(made, watch)
    if outcome is None:
        report(outcome, shape, f"nothing to do: {nothing}")
    else:
        report(outcome, shape, f"done and read back: journal entry {outcome.entry}; back with: {back}")


def _offers(desk: Desk, program: str) -> tuple[Offer, ...]:
    from gpucloud.prepare.layout.plan import look
    from gpucloud.prepare.layout.shared import type_names_in

    return look(desk.read_host(), desk.system, program, type_names_in(desk.journal))


def _program(smi: str) -> str:
    """Its name, or a path that holds wherever gpucloud is started: a start uses it, too."""
    if "/" not in smi:
        return smi
    path = Path(smi).absolute()
    if not os.access(path, os.X_OK) or not path.is_file():
        what = f"{smi} is no program"
        raise Failure(what, "give NVIDIA's nvidia-smi: what it printed is for gpucloud vgpu plan --smi")
    return str(path)


def _own(name: str | None) -> str:
    return name or os.uname().nodename


def _uuid(text: str | None) -> str | None:
    try:
        return None if text is None else str(UUID(text))
    except ValueError:
        what = f"{text[:60]!r} is no UUID" if text else "an empty UUID was given"
        raise Failure(what, "leave it out, or: uuidgen", code=Exit.USAGE) from None
