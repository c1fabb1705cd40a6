"""``gpucloud apply``: a plan carried out, or taken back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.fleets.options import (
    CloudOption,
    HostsOption,
    InventoryOption,
    Members,
    RestartOption,
    SerialOption,
    refuse_beside_hosts,
)
from gpucloud.cli.hosts import UnitOption
from gpucloud.cli.output import Shape, print_beside, print_text, say
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.plans.file import read_plan
from gpucloud.cli.plans.making import (
    AdoptOption,
    Asked,
    ForceOption,
    NameOption,
    SpecOption,
    plan_here,
)
from gpucloud.cli.plans.show import refuse, report
from gpucloud.cli.plans.watch import watching
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.desk import Desk

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="PLAN", help="A plan that `gpucloud plan --output` wrote.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Carry on with a plan that was cut off.")]


def apply(
    context: typer.Context,
    file: FileArgument = None,
    unit: UnitOption = None,
    spec: SpecOption = None,
    name: NameOption = None,
    adopt: AdoptOption = False,
    yes: YesOption = False,
    resume: ResumeOption = False,
    shape: ShapeOption = Shape.TEXT,
    force: ForceOption = False,
    state: StateOption = STATE,
    hosts: HostsOption = None,
    inventory: InventoryOption = None,
    serial: SerialOption = "1",
    restart: RestartOption = False,
    cloud: CloudOption = None,
) -> None:
    """Make GPUs ready for guests: each change is in the journal before it is made, and read back after.

    The host is read again first: if it is not as it was when the plan was made, nothing is done. If a change
    fails, or on Ctrl-C, everything is taken back (exit code 5; 6 where that failed too). The JSON is
    {"entry", "failure", "left", "kept"}: the journal entry (null where nothing had to be done), why it
    failed, what could not be taken back, what stays on purpose.

    With --hosts every plan is shown first; then hosts are changed --serial at a time, and the first failure
    leaves the rest untouched. The JSON is {"hosts": [...], "record"}: the file that has all that was told.

    Examples:
      gpucloud apply plan.json
      gpucloud apply --unit 3b:00.0 --yes
      gpucloud apply --spec gpucloud.yaml
      gpucloud apply --adopt --spec gpucloud.yaml
      gpucloud apply --resume
      gpucloud apply --spec gpucloud.yaml --hosts compute -i multinode --restart --os-cloud kolla-admin
    """
    members = Members(hosts, inventory, serial, restart, cloud)
    if members.are_asked_for:
        from gpucloud.cli.fleets.roll import apply_hosts

        refuse_beside_hosts(**{"a plan file": file, "--resume": resume, "--adopt": adopt})
        asked = Asked(unit, spec, name, force, adopt)
        return apply_hosts(members.wish(asked, state), shape, yes=yes)
    desk = desk_of(context, state)
    if [file is not None, bool(unit), spec is not None or adopt, resume].count(True) != 1:
        said = "apply takes one of: a plan file, --unit, --spec (with or without --adopt), --resume"
        raise Failure(said, "see gpucloud apply --help", code=Exit.USAGE)
    if resume:
        _resume(desk, shape)
    elif file is not None:
        made = read_plan(file)
        _refuse(made, shape)
        _carry_out(desk, made, shape)
    else:
        asked = Asked(unit, spec, name, force, adopt)
        _carry_out(desk, _accepted(plan_here(desk, asked), shape, yes=yes), shape)
    return None


def _resume(desk: Desk, shape: Shape) -> None:
    with watching() as watch:
        outcome = desk.resume(watch)
    report(outcome, shape)


def _refuse(made: Plan, shape: Shape) -> None:
    """Show and refuse a plan that cannot be carried out."""
    if made.refusals:
        _show(made, shape)
    refuse(made)


def _accepted(made: Plan, shape: Shape, *, yes: bool) -> Plan:
    """The plan, shown to the user and agreed to.

    Raises:
        Failure: it is refused, by a guard or by the user.
    """
    _refuse(made, shape)
    if not made.is_empty:
        _show(made, shape)
        ask(yes=yes)
    return made


def _show(made: Plan, shape: Shape) -> None:
    """Show what apply is about to do; beside the JSON of what it did."""
    from gpucloud.prepare.plan import plan_lines

    print_beside(plan_lines(made), shape)


def ask(*, yes: bool) -> None:
    """Have the user agree to what was shown.

    Raises:
        Failure: they did not, or cannot be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(
            "nothing was changed: there is no terminal to ask on", "look at the plan, then add --yes"
        )
    if not typer.confirm("Make these changes?", err=True):
        raise Failure("nothing was changed")


def _carry_out(desk: Desk, made: Plan, shape: Shape) -> None:
    with watching() as watch:
        outcome = desk.apply(made, watch)
    report(outcome, shape, _nothing(made) if outcome is None else None)
    if outcome is not None and made.needs_reboot:
        tell = print_text if shape is Shape.TEXT else say
        tell("restart the host when its guests allow it: what was changed acts from the next start on")


def _nothing(made: Plan) -> str:
    what = "every GPU of the plan is ready for guests" if made.wanted is None else "the host is as planned"
    return f"nothing to do: {what}"
