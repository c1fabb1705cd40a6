"""``gpucloud vgpu plan``: the steps from what is cut to what is wanted, and nothing done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import HostOption
from gpucloud.cli.output import Shape, one_line, print_json, print_lines
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.cli.vgpu.given import Looked, SmiOption, look, text_given
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
CapturesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="[NAME=]CAPTURE",
        help="Plan for a captured host (`gpucloud capture`); several hosts: repeat it. NAME is what lines "
        "call it; of several without, each is called as its file.",
    ),
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
    captures: CapturesOption = None,
    remote: HostOption = None,
    smi: SmiOption = None,
    check: CheckOption = False,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Show the steps that cut cards as a layout says, and change nothing.

    A line says of which cards what is cut: [HOST] ADDRESS: or [HOST] every MODEL:, then N x TYPE, several
    with commas, or none, or whole: none, and no MIG mode or virtual functions of NVIDIA's either. A type is a
    whole name (GRID T4-4Q), its end (4Q) or an id (nvidia-231); 3g.20gb and the like are MIG instances, and
    vf is a virtual function. What is there and wanted stays. What somebody uses is never taken away, nor a
    MIG instance of a card that anybody has open: who is in which instance is not told. What is new is made
    before anything goes, where the host says that there is room. Each step has the command that does it.
    Exit code 1: a card cannot be cut as wanted; why is said.

    Examples:
      gpucloud vgpu plan '3b:00.0: 4 x T4-4Q'
      gpucloud vgpu plan 'every A100: 3g.20gb, 2 x 2g.10gb' --smi smi.txt
      gpucloud vgpu plan --layout layout.txt --from gpu01.tar.gz --name gpu01 --format json
      gpucloud vgpu plan '41:00.0: none' --host root@gpu01 --check
      gpucloud vgpu plan --layout fleet.txt --from gpu01=a.tar.gz --from gpu02=b.tar.gz
    """
    from gpucloud.cli.nova.files import named_place
    from gpucloud.slices.layout import plan_layout

    wishes = wishes_given(lines or (), layout)
    named = [named_place(text) for text in captures or ()]
    if len(named) > 1 and (smi or name or remote):
        what = "--smi, --name and --host are for one host, and several captures were given"
        raise Failure(what, "give one capture with them", code=Exit.USAGE)
    hosts: dict[str | None, Looked] = {}
    for own, path in _sources(named, name, remote):
        if own in hosts:
            raise Failure(f"two hosts are called {own}", "name them: --from NAME=CAPTURE", code=Exit.USAGE)
        hosts[own] = look(path, remote, None, smi)
    plans, unused = plan_layout(wishes, {own: looked.offers for own, looked in hosts.items()})
    if shape is Shape.JSON:
        shown = [{"name": own, "source": looked.host.source} for own, looked in hosts.items()]
        print_json({"hosts": shown, "cards": plans, "unused": [wish.text for wish in unused]})
    else:
        print_lines(line for plan in plans for line in _said(plan, is_of_many=len(hosts) > 1))
    _conclude(plans, unused, is_named=None not in hosts)
    if check and not all(plan.is_done for plan in plans):
        raise typer.Exit(Exit.PENDING)


def _sources(
    named: Sequence[tuple[str, str]], name: str | None, remote: str | None
) -> Iterator[tuple[str | None, Path | None]]:
    """What each host is called, and its capture; a capture alone has no name of its own."""
    from gpucloud.cli.nova.files import name_of_capture

    if not named:
        own = remote.rpartition("@")[2] if remote else os.uname().nodename
        yield name or own, None
    elif len(named) == 1:
        yield name or named[0][0] or None, Path(named[0][1])
    else:
        yield from ((own or name_of_capture(path), Path(path)) for own, path in named)


def wishes_given(lines: Sequence[str], layout: Path | None) -> tuple[Wish, ...]:
    """The lines of a layout, typed or in a file.

    Raises:
        Failure: there is none, or one cannot be read.
    """
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


def _said(plan: CardPlan, *, is_of_many: bool) -> Iterator[str]:
    done = " is as wanted" if plan.is_done else ""
    host = f"{plan.host} " if is_of_many else ""
    yield f"{host}{plan.unit.short} {plan.name}, for {plan.wish.text!r}{done}"
    yield from (f"  refused: {line}" for line in plan.refusals)
    if plan.kept:
        yield f"  stays: {', '.join(plan.kept)}"
    number = 0
    for step in plan.steps:
        for command in step.commands:
            number += 1
            yield Copied(f"  {number}. {one_line(command)}")
    yield from (f"  note: {line}" for line in plan.notes)


def _conclude(plans: Sequence[CardPlan], unused: Sequence[Wish], *, is_named: bool) -> None:
    """Say what cannot be.

    Raises:
        Failure: a line is for no card here, or a card cannot be cut as its line says.
    """
    elsewhere = next((wish for wish in unused if wish.host is not None), None)
    if elsewhere is not None and not is_named:
        what = f"whether {elsewhere.text!r} is for this host is not known: a capture holds no names"
        raise Failure(what, "give --name", code=Exit.USAGE)
    here = next((wish for wish in unused if wish.host is None), None)
    if here is not None:
        raise Failure(
            f"{here.text!r} is for no card that was seen", "see gpucloud vgpu types", code=Exit.USAGE
        )
    refused = [plan for plan in plans if plan.refusals]
    if refused:
        first = refused[0]
        card = f"{first.host} {first.unit.short}" if first.host else first.unit.short
        more = f" ({len(refused)} of {len(plans)} cards)" if len(refused) > 1 else ""
        what = f"{card} cannot be cut as wanted: {first.refusals[0]}{more}"
        raise Failure(what, "nothing was changed")
