"""``gpucloud nova check``: what a service of a release makes of its files, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.doctor import Threshold
from gpucloud.cli.nova.files import (
    DEVICES,
    ReleaseOption,
    machine_from,
    read_files,
    text_of,
)
from gpucloud.cli.output import Shape, paint_level, print_json, print_lines
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit
from gpucloud.nova.service import Service

if TYPE_CHECKING:
    from gpucloud.nova.check.case import Case

ServiceOption = Annotated[Service, typer.Option("--service", help="Which of its services reads the files.")]
FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="nova.conf and what else the service is given, in its order; of a directory all *.conf; "
        "- is standard input.",
    ),
]
AgainstOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--against",
        metavar="FILE",
        help="Files of another service (nova-api for nova-compute) that must agree; may be repeated.",
    ),
]
KollaOption = Annotated[
    bool,
    typer.Option("--kolla", help="The files are kolla-ansible's overrides: a later one replaces lines."),
]
ProvidersOption = Annotated[
    list[Path] | None,
    typer.Option("--provider-config", metavar="FILE", help="A provider.yaml; may be repeated."),
]
LevelOption = Annotated[Threshold, typer.Option(help="Exit with 3 when a finding weighs this much or more.")]
DevicesOption = Annotated[Path | None, DEVICES]


def check_files(
    files: FilesArgument,
    release: ReleaseOption,
    service: ServiceOption,
    devices: DevicesOption = None,
    against: AgainstOption = None,
    kolla: KollaOption = False,
    provider_config: ProvidersOption = None,
    shape: ShapeOption = Shape.TEXT,
    level: LevelOption = Threshold.WARNING,
) -> None:
    """Say what a service of a named release makes of nova.conf, and what is wrong with it.

    Files add up as oslo.config adds them up: values of an option that repeats, under all of its names. Of one
    that does not repeat the last counts: give files in the order in which the service reads them. One that is
    started with --config-file, as on Debian and Ubuntu, may read nova.conf after nova.conf.d.
    Exit code 3 says that there are findings at or above --level.

    Examples:
      gpucloud nova check --release 31.3.1 --service compute /etc/nova/nova.conf /etc/nova/nova.conf.d
      gpucloud nova check --release epoxy --service api api.conf --against compute.conf
      gpucloud nova check --release 34 --service compute nova.conf --devices gpu01.tar.gz --format json
    """
    from gpucloud.model.finding import Level
    from gpucloud.nova.check.report import check, render_object, report_lines

    report = check(_case(files, release, service, devices, against, kolla, provider_config or []))
    if shape is Shape.JSON:
        print_json(render_object(report))
    else:
        print_lines(report_lines(report), paint_level)
    if report.worst >= Level(level.value).weight:
        raise typer.Exit(Exit.FINDINGS)


def _case(
    files: list[Path],
    release: str,
    service: Service,
    devices: Path | None,
    against: list[Path] | None,
    kolla: bool,
    providers: list[Path],
) -> Case:
    """What there is to judge, read."""
    from gpucloud.nova.check.case import Case, ProviderFile
    from gpucloud.nova.config import replaced_by_kolla
    from gpucloud.nova.releases.release import parse_release

    known = parse_release(release)
    written = read_files(files)
    merged, lost = replaced_by_kolla(written) if kolla else (written, ())
    return Case(
        merged,
        known,
        service,
        None if devices is None else machine_from(devices),
        read_files(against) if against else None,
        lost,
        kolla,
        tuple(ProviderFile(*text_of(path)) for path in providers),
    )
