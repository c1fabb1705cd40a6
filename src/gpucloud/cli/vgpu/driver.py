"""``gpucloud vgpu manager``: an operator's package of NVIDIA's vGPU manager, looked at for a host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption
from gpucloud.cli.output import Shape, print_json, print_lines
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure, code_of
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from gpucloud.slices.driver.package import Package
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
    from gpucloud.slices.driver.plan import RESTART, plan_manager

    read = _read(package)
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


def _read(path: Path) -> Package:
    from gpucloud.slices.driver.package import HEAD_BYTES, parse_package

    then = "give NVIDIA's package for hosts, from its licensing portal"
    try:
        with path.open("rb") as file:
            return parse_package(path.name, file.read(HEAD_BYTES))
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}", then, code=code_of(error)) from error
    except ValueError as error:
        raise Failure(f"{path}: {error}", then, code=Exit.USAGE) from error


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
