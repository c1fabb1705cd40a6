"""``gpucloud nova match``: which device nova tracks by which entry, and which flavors fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from gpucloud.cli.nova.files import DEVICES, ReleaseOption, ShapeOption, machine_from, read_files
from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.model.failure import Exit, Failure
from gpucloud.nova.service import Service

ConfigOption = Annotated[
    list[Path],
    typer.Option("--config", metavar="FILE", help="nova.conf, or a directory with *.conf; may be repeated."),
]
FlavorOption = Annotated[
    list[str] | None,
    typer.Option("--flavor", metavar="ALIAS:N[,...]", help="Try a flavor's pci_passthrough:alias."),
]

_REQUEST = re.compile(r"\s*[^:\s][^:]*:\s*\d+\s*")


def match_devices(
    release: ReleaseOption,
    config: ConfigOption,
    devices: Annotated[Path, DEVICES],
    flavor: FlavorOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say which device nova would track by which entry, which alias it serves, and which flavor fits.

    Nothing counts as in use: it is what the host could give at most. Exit code 3 says that a --flavor cannot
    be built here.

    Examples:
      gpucloud nova match --release 31 --config nova.conf --devices gpu01.tar.gz
      gpucloud nova match --release 2025.1 --config nova.conf --devices devices.json --flavor a100:2
    """
    from gpucloud.nova.check.case import Case
    from gpucloud.nova.match import match
    from gpucloud.nova.match.show import match_object, match_text
    from gpucloud.nova.refusal import Refusal
    from gpucloud.nova.releases.release import parse_release

    flavors = tuple(_flavor(text) for text in flavor or ())
    machine = machine_from(devices)
    case = Case(read_files(config), parse_release(release), Service.COMPUTE, machine)
    if case.configuration.error is not None:
        raise Failure(str(case.configuration.error), "no service of nova starts with this file")
    said = case.config
    if isinstance(said, Refusal):
        raise Failure(said.message, "a dollar sign is written $$ in nova.conf")
    for spec in () if isinstance(case.specs, Refusal) else case.specs:
        if spec.untried is not None:
            what = f"nova could take hours to match an address with the pattern {spec.untried[:60]!r}"
            raise Failure(what, "write the field without repeats inside repeats: 3b|5e, [0-3]")
    found = match(said, machine, case.release, flavors=flavors)
    places = [f"{one.file}:{one.line}" for one in case.spec_settings]
    if shape is Shape.JSON:
        print_json(match_object(found, machine, places.__getitem__))
    else:
        print_text(match_text(found, machine, places.__getitem__).rstrip("\n"))
    if any(isinstance(one, Refusal) or one.devices is None for one in found.flavors.values()):
        raise typer.Exit(Exit.FINDINGS)


def _flavor(text: str) -> str:
    """What was typed, where it has the form that nova splits (nova/pci/request.py)."""
    if not all(_REQUEST.fullmatch(part) for part in text.split(",")):
        raise Failure(f"--flavor {text}: not ALIAS:N[,ALIAS:N]", "write it as in a100:2", code=Exit.USAGE)
    return text
