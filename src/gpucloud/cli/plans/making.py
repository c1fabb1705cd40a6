"""The options that say what to plan, and the plan that they come to: for now, or for a host's next start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.given import refuse_pipe, spec_given
from gpucloud.cli.hosts import host_from
from gpucloud.cli.output import say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.desk import Desk


SpecOption = Annotated[
    Path | None,
    typer.Option(
        "--spec",
        metavar="FILE",
        help="Plan what the host's next start needs for the pools of this gpucloud.yaml.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="HOST", help="What the spec calls the host; this host's own name without."
    ),
]
AdoptOption = Annotated[
    bool,
    typer.Option(
        "--adopt",
        help="Take over what was set up by hand: the spec (gpucloud.yaml without --spec) is begun or "
        "extended, and what it says from then on is taken out of the host's files.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Accept to lose the host's last console.")]


ADOPTING = "the spec is extended, so it must be a file"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for."""

    units: list[str] | None
    """For now: addresses of units. None or empty with a spec."""
    spec: Path | None
    """For the next start."""
    name: str | None
    """What the spec calls the host."""
    is_forced: bool
    is_adopting: bool = False
    """What was set up by hand goes into the spec."""

    @property
    def spec_path(self) -> Path:
        """The spec that an adoption begins or extends."""
        return (self.spec or Path("gpucloud.yaml")).absolute()

    def check(self) -> None:
        """A plan is for units that are named, or for what a spec wants.

        Raises:
            Failure: both were given.
        """
        if self.units and self.is_adopting:
            raise Failure(
                "--unit and --adopt were given: what is taken over is found in the host's files",
                "leave --unit out",
                code=Exit.USAGE,
            )
        if self.units and self.spec is not None:
            raise Failure(
                "--unit and --spec were given: the one is for now, the other for the next start",
                "give one of them; pools of the spec say which GPUs they take",
                code=Exit.USAGE,
            )


def plan_here(desk: Desk, asked: Asked) -> Plan:
    """The plan for this host.

    Raises:
        Failure: a unit is no GPU of it, or the spec cannot be read or contradicts itself here.
    """
    from gpucloud.prepare.apply import unfindable

    if asked.is_adopting:
        refuse_pipe(asked.spec or asked.spec_path, ADOPTING)
        own = asked.name or os.uname().nodename
        return desk.plan_adoption(str(asked.spec_path), own, force=asked.is_forced)
    if asked.spec is None:
        return desk.plan(asked.units or (), force=asked.is_forced)
    wanted, name = spec_given(asked.spec), asked.name or os.uname().nodename
    made = desk.plan_start(wanted, name, force=asked.is_forced)
    if (why := unfindable(made, desk.system)) is not None:
        say(str(why))
    return made


def plan_elsewhere(capture: Path | None, remote: str | None, asked: Asked) -> Plan:
    """The plan for a captured host, or for one over ssh.

    Raises:
        Failure: the host or the spec cannot be read, a unit is no GPU of it, or the spec contradicts itself.
    """
    if asked.is_adopting:
        from gpucloud.cli.plans.adopting import adopt_elsewhere

        return adopt_elsewhere(capture, remote, asked)
    if asked.spec is not None:
        return _start_elsewhere(capture, remote, asked.spec, asked)
    from gpucloud.prepare.plan import choose_units, plan_passthrough

    host = host_from(capture, remote)
    chosen = choose_units(host, asked.units or ())
    return plan_passthrough(host, chosen, force=asked.is_forced, is_captured=capture is not None)


def _start_elsewhere(capture: Path | None, remote: str | None, spec: Path, asked: Asked) -> Plan:
    from gpucloud.inventory.host import read_host
    from gpucloud.inventory.open import open_reader
    from gpucloud.prepare.boot import plan_boot, read_boot_files

    wanted = spec_given(spec)
    reader = open_reader(capture=capture, remote=remote)
    files = read_boot_files(reader)
    host, own = read_host(reader), name_elsewhere(remote, asked)
    return plan_boot(host, files, wanted, own, force=asked.is_forced, is_captured=capture is not None)


def name_elsewhere(remote: str | None, asked: Asked) -> str | Unknown:
    """What a spec calls a host that is not this one."""
    own = remote.rpartition("@")[2] if remote else Unknown("a capture holds no names")
    return asked.name or own
