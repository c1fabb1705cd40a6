"""The options of commands that take a spec, and the plan for a host's next start that it comes to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.model.plan import Plan
    from gpucloud.prepare.desk import Desk

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
"""Where systemd looks for programs (systemd.exec(5), ``ExecSearchPath=``)."""

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


def plan_here(desk: Desk, spec: Path, name: str | None, *, force: bool) -> Plan:
    """The plan for this host's next start.

    Raises:
        Failure: the spec cannot be read, or contradicts itself on this host.
    """
    from gpucloud.spec import load_spec

    if shutil.which("gpucloud", path=SYSTEM_PATH) is None:
        say(f"gpucloud is nowhere in {SYSTEM_PATH}, so gpucloud-boot.service will not find it: link it there")
    return desk.plan_start(load_spec(spec), name or os.uname().nodename, force=force)


def plan_elsewhere(
    capture: Path | None, remote: str | None, spec: Path, name: str | None, *, force: bool
) -> Plan:
    """The plan for the next start of a captured host, or of one over ssh.

    Raises:
        Failure: the host or the spec cannot be read, or the spec contradicts itself there.
    """
    from gpucloud.inventory.host import read_host
    from gpucloud.inventory.open import open_reader
    from gpucloud.prepare.boot import plan_boot, read_boot_files
    from gpucloud.spec import load_spec

    wanted = load_spec(spec)
    reader = open_reader(capture=capture, remote=remote)
    called = name or (remote.rpartition("@")[2] if remote else Unknown("a capture holds no names"))
    return plan_boot(read_host(reader), read_boot_files(reader), wanted, called, force=force)


def refuse_both(unit: list[str] | None, spec: Path | None) -> None:
    """A plan is for units that are named, or for what a spec wants.

    Raises:
        Failure: both were given.
    """
    if unit and spec is not None:
        raise Failure(
            "--unit and --spec were given: the one is for now, the other for the next start",
            "give one of them; pools of the spec say which GPUs they take",
            code=Exit.USAGE,
        )
