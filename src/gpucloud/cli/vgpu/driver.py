"""``gpucloud vgpu manager`` and ``install``: an operator's package of NVIDIA's vGPU manager for a host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption
from gpucloud.cli.output import Shape, print_json, print_lines
from gpucloud.cli.plans.apply import YesOption
from gpucloud.cli.plans.desk import STATE, StateOption, desk_of
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.cli.vgpu.change import DryOption, carry_out
from gpucloud.model.failure import Exit
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from gpucloud.slices.driver.plan import ManagerPlan

PackageArgument = Annotated[
    Path, typer.Argument(metavar="PACKAGE", help="NVIDIA's package for hosts: a .deb, .rpm or .run.")
]
GuestDriverOption = Annotated[
    int | None,
    typer.Option(
        "--guest-driver", metavar="MAJOR", min=300, max=999, help="The guests' driver: 550 of 550.90.07."
    ),
]
EarlierOption = Annotated[
    Path | None,
    typer.Option(
        "--earlier", metavar="FILE", help="The package of the manager that is installed now, for undo."
    ),
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Exit with 4 where a card of NVIDIA cannot be cut yet, else with 0.")
]


def plan_manager_package(
    package: PackageArgument,
    capture: FromOption = None,
    remote: HostOption = None,
    guest_driver: GuestDriverOption = None,
    check: CheckOption = False,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Show the steps from a package of NVIDIA's vGPU manager to a host that can be cut, and do none of them.

    The package is read here: its kind, its version, whether it is for hosts, for this host's distribution and
    for the guests' driver. Each step has the commands that do it, look at it and take it back. What each
    card shows of the manager now is said last: afterwards, look again with --check. Exit code 1: the package
    is not for this host, or cannot be installed now; why is said.

    Examples:
      gpucloud vgpu manager nvidia-vgpu-ubuntu-550_550.90.05_amd64.deb
      gpucloud vgpu manager NVIDIA-vGPU-rhel-9.4-550.90.05.x86_64.rpm --from gpu01.tar.gz --guest-driver 550
      gpucloud vgpu manager NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run --host root@gpu01 --check
    """
    from gpucloud.inventory import open_reader, read_host
    from gpucloud.prepare.software.read import read_package
    from gpucloud.slices.driver.plan import RESTART, plan_manager

    read = read_package(package)
    host = read_host(open_reader(capture=capture, remote=remote))
    plan = plan_manager(read, host, guest_driver)
    if shape is Shape.JSON:
        print_json({"host": host.source, "plan": plan, "after_undo": RESTART})
    else:
        print_lines(_lines(plan, host.source))
    if check:
        is_ready = plan.cards and all(card.is_ready for card in plan.cards)
        raise typer.Exit(Exit.FINE if is_ready else Exit.PENDING)
    if plan.refusals:
        raise typer.Exit(Exit.ERROR)


def install_manager(
    context: typer.Context,
    package: PackageArgument,
    earlier: EarlierOption = None,
    guest_driver: GuestDriverOption = None,
    dry: DryOption = False,
    yes: YesOption = False,
    shape: ShapeOption = Shape.TEXT,
    state: StateOption = STATE,
) -> None:
    """Install a package of NVIDIA's vGPU manager on this host, and enable its services, after it was shown.

    Each step is in the journal before it is done and read back after; `gpucloud undo` removes the package, or
    installs the earlier one from --earlier, without which nothing is put in its place. Only the package is
    installed: what else it needs is named first. nouveau, another driver of NVIDIA, a card in use and guests
    of a newer branch stand against it. The host uses it from its next start on.

    Examples:
      gpucloud vgpu install nvidia-vgpu-ubuntu-550_550.90.05_amd64.deb --guest-driver 550
      gpucloud vgpu install new.rpm --earlier old.rpm --dry-run
      gpucloud vgpu install NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run --yes --format json
    """
    from gpucloud.prepare.software.read import read_software

    desk = desk_of(context, state)
    made = desk.plan_software(read_software(package, earlier, guest_driver))
    nothing = "it is installed, and its services are enabled"
    carry_out(desk, made, shape, yes=yes, dry=dry, back="gpucloud undo", nothing=nothing)


def _lines(plan: ManagerPlan, source: str) -> Iterator[str]:
    from gpucloud.slices.driver.plan import RESTART
    from gpucloud.slices.profile import Interface

    package = plan.package
    version = package.version if isinstance(package.version, str) else "of an unknown version"
    yield f"{package.name}: a .{package.kind} with driver {version}, for {source}"
    for refusal in plan.refusals:
        yield f"refused: {refusal}"
    for warning in plan.warnings:
        yield f"warning: {warning}"
    for number, step in enumerate(plan.steps, 1):
        yield f"{number}. {step.what}"
        for name, commands in (("", step.do), ("look: ", step.check), ("undo: ", step.undo)):
            yield from (Copied(f"     {name}{command}") for command in commands)
    for card in plan.cards:
        through = card.interface.value if isinstance(card.interface, Interface) else None
        yield f"now {card.unit.short}: " + (f"can be cut ({through})" if through else f"no: {card.why}")
    if plan.steps:
        yield f"Undo goes the other way, from the last step to the first; then: {RESTART[0]}"
