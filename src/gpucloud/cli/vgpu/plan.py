"""``gpucloud vgpu plan``: the steps from what is cut to what is wanted, and nothing done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption
from gpucloud.cli.output import Shape, one_line, print_json, print_lines
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.cli.vgpu.given import SmiOption, look, text_given
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from gpucloud.slices.layout import CardPlan, Wish

LinesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LINE]...", help="Lines of a layout: `3b:00.0: 4 x T4-4Q`, `every T4: 2 x 8Q`."),
]
LayoutOption = Annotated[
    Path | None, typer.Option("--layout", metavar="FILE", help="More lines; - is standard input.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="HOST", help="What lines call the host; its own name without."),
]
CheckOption = Annotated[bool, typer.Option("--check", help="Exit with 4 where something would change.")]


def plan_slices(
    lines: LinesArgument = None,
    layout: LayoutOption = None,
    name: NameOption = None,
    capture: FromOption = None,
    remote: HostOption = None,
    smi: SmiOption = None,
    check: CheckOption = False,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Show the steps that cut cards as a layout says, and change nothing.

    A line says of which cards what is cut: [HOST] ADDRESS: or [HOST] every MODEL:, then N x TYPE, several
    with commas, or none. A type is a whole name (GRID T4-4Q), its end (4Q) or an id (nvidia-231); 3g.20gb and
    the like are MIG instances, and vf is a virtual function. What is there and wanted stays. What somebody
    uses is never taken away. What is new is made before anything goes, where the host says that there is
    room. Each step has the command that does it. Exit code 1: a card cannot be cut as wanted; why is said.

    Examples:
      gpucloud vgpu plan '3b:00.0: 4 x T4-4Q'
      gpucloud vgpu plan 'every A100: 3g.20gb, 2 x 2g.10gb' --smi smi.txt
      gpucloud vgpu plan --layout layout.txt --from gpu01.tar.gz --name gpu01 --format json
      gpucloud vgpu plan '41:00.0: none' --host root@gpu01 --check
    """
    from gpucloud.slices.layout import plan_layout

    wishes = _wishes(lines or (), layout)
    looked = look(capture, remote, None, smi)
    own = name or (remote.rpartition("@")[2] if remote else None if capture else os.uname().nodename)
    plans, unused = plan_layout(wishes, {own: looked.offers})
    if shape is Shape.JSON:
        print_json({"host": looked.host.source, "cards": plans, "unused": [wish.text for wish in unused]})
    else:
        print_lines(line for plan in plans for line in _said(plan))
    _conclude(plans, unused, own)
    if check and not all(plan.is_done for plan in plans):
        raise typer.Exit(Exit.PENDING)


def _wishes(lines: Sequence[str], layout: Path | None) -> tuple[Wish, ...]:
    from gpucloud.slices.layout import parse_layout

    more = () if layout is None else text_given(layout, "give a file with lines of a layout").splitlines()
    try:
        found = parse_layout([*lines, *more])
    except ValueError as error:
        raise Failure(str(error), "see gpucloud vgpu plan --help", code=Exit.USAGE) from None
    if not found:
        what = "no line of a layout was given"
        raise Failure(what, "give one: gpucloud vgpu plan '3b:00.0: 4 x T4-4Q'", code=Exit.USAGE)
    return found


def _said(plan: CardPlan) -> Iterator[str]:
    done = " is as wanted" if plan.is_done else ""
    yield f"{plan.unit.short} {plan.name}, for {plan.wish.text!r}{done}"
    yield from (f"  refused: {line}" for line in plan.refusals)
    if plan.kept:
        yield f"  stays: {', '.join(plan.kept)}"
    number = 0
    for step in plan.steps:
        for command in step.commands:
            number += 1
            yield Copied(f"  {number}. {one_line(command)}")
    yield from (f"  note: {line}" for line in plan.notes)


def _conclude(plans: Sequence[CardPlan], unused: Sequence[Wish], own: str | None) -> None:
    """Say what cannot be.

    Raises:
        Failure: a line is for no card here, or a card cannot be cut as its line says.
    """
    elsewhere = [wish for wish in unused if wish.host is not None and own is None]
    if elsewhere:
        what = f"whether {elsewhere[0].text!r} is for this host is not known: a capture holds no names"
        raise Failure(what, "give --name", code=Exit.USAGE)
    here = [wish for wish in unused if wish.host is None]
    if here:
        raise Failure(
            f"{here[0].text!r} is for no card of this host", "see gpucloud vgpu types", code=Exit.USAGE
        )
    refused = [plan for plan in plans if plan.refusals]
    if refused:
        what = f"{refused[0].unit.short} cannot be cut as wanted: {refused[0].refusals[0]}"
        more = f" ({len(refused)} of {len(plans)} cards)" if len(refused) > 1 else ""
        raise Failure(f"{what}{more}", "nothing was changed")
