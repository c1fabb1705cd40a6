"""``gpucloud nova match``: which device nova tracks by which entry, and which flavors fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpucloud.cli.nova.files import (
    ReleaseOption,
    machine_from,
    name_of_capture,
    named_place,
    read_files,
)
from gpucloud.cli.output import Shape, one_line, print_json, print_lines, print_text, table
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.line import Copied
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gpucloud.nova.check.case import Case
    from gpucloud.nova.machine import Machine

ConfigOption = Annotated[
    list[Path],
    typer.Option("--config", metavar="FILE", help="nova.conf, or a directory with *.conf; may be repeated."),
]
DevicesOption = Annotated[
    list[str],
    typer.Option(
        "--devices",
        metavar="[NAME=]CAPTURE|JSON",
        help="The devices of a host: a capture (`gpucloud capture`), or a list in JSON with address, "
        "vendor_id, product_id, dev_type, parent_addr, numa_node, mdev_types. Several hosts: repeat it.",
    ),
]
FlavorOption = Annotated[
    list[str] | None,
    typer.Option("--flavor", metavar="ALIAS:N[,...]", help="Try a flavor's pci_passthrough:alias."),
]

_REQUEST = re.compile(r"\s*[^:\s][^:]*:\s*\d+\s*")


def match_devices(
    release: ReleaseOption,
    config: ConfigOption,
    devices: DevicesOption,
    flavor: FlavorOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say which device nova would track by which entry, which alias it serves, and which flavor fits.

    Nothing counts as in use: it is what the host could give at most. Of several hosts a table says which
    flavor can be built where. Exit code 3 says that a --flavor cannot be built on any of them.

    Examples:
      gpucloud nova match --release 31 --config nova.conf --devices gpu01.tar.gz
      gpucloud nova match --release 2025.1 --config nova.conf --devices devices.json --flavor a100:2
      gpucloud nova match --release 31 --config conf --devices a=gpu01.tar.gz --devices b=gpu02.tar.gz
    """
    from gpucloud.nova.check.case import Case
    from gpucloud.nova.match.hosts import hosts_object
    from gpucloud.nova.releases.release import parse_release

    flavors = tuple(_flavor(text) for text in flavor or ())
    files, known = read_files(config), parse_release(release)
    if files.error is not None:
        raise Failure(str(files.error), "no service of nova starts with this file")
    machines = _machines(devices)
    shown = {
        name: _matched(Case(files, known, Service.COMPUTE, machine), machine, flavors)
        for name, machine in machines.items()
    }
    if shape is Shape.JSON:
        print_json(hosts_object(shown) if len(shown) > 1 else next(iter(shown.values())))
    else:
        _show(shown)
    if not all(hosts_object(shown)["flavors"].values()):
        raise typer.Exit(Exit.FINDINGS)


def _show(shown: Mapping[str, Mapping[str, Any]]) -> None:
    """Host after host; of several a table of all at the end."""
    from gpucloud.nova.match.hosts import hosts_rows
    from gpucloud.nova.match.show import match_text

    for name, each in shown.items():
        if len(shown) > 1:
            print_lines([Copied(f"==> {one_line(name)} <==")])
        print_lines(map(Copied, match_text(each).splitlines()))
    if len(shown) > 1:
        print_text("")
        table(*hosts_rows(shown))


def _machines(texts: Sequence[str]) -> dict[str, Machine]:
    """The hosts by their names, which are those of their files unless they are given."""
    found: dict[str, Machine] = {}
    for text in texts:
        name, path = named_place(text)
        name = name or name_of_capture(path)
        if name in found:
            what = f"two hosts are called {name}"
            raise Failure(what, "name them: --devices NAME=CAPTURE", code=Exit.USAGE)
        found[name] = machine_from(Path(path))
    return found


def _matched(case: Case, machine: Machine, flavors: Sequence[str]) -> dict[str, Any]:
    """One host's devices under the files."""
    from gpucloud.nova.match import match
    from gpucloud.nova.match.show import match_object

    said = case.config
    if isinstance(said, Refusal):
        raise Failure(said.message, "a dollar sign is written $$ in nova.conf")
    for spec in () if isinstance(case.specs, Refusal) else case.specs:
        if spec.untried is not None:
            what = f"nova could take hours to match an address with the pattern {spec.untried[:60]!r}"
            raise Failure(what, "write the field without repeats inside repeats: 3b|5e, [0-3]")
    found = match(said, machine, case.release, flavors=flavors)
    places = [f"{one.file}:{one.line}" for one in case.spec_settings]
    return match_object(found, machine, places.__getitem__, case.mdev)


def _flavor(text: str) -> str:
    """What was typed, where it has the form that nova splits (nova/pci/request.py)."""
    if not all(_REQUEST.fullmatch(part) for part in text.split(",")):
        raise Failure(f"--flavor {text}: not ALIAS:N[,ALIAS:N]", "write it as in a100:2", code=Exit.USAGE)
    return text
