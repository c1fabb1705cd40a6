"""``gpucloud nova``: nova.conf for a named release: checked, and matched with devices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.doctor import Threshold
from gpucloud.cli.nova_render import render_nova
from gpucloud.cli.output import Shape, print_json, print_text
from gpucloud.model.failure import Exit, Failure
from gpucloud.nova.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpucloud.nova.config import ConfigFile, Configuration
    from gpucloud.nova.machine import Machine

app = typer.Typer(
    no_args_is_help=True, help="nova.conf for every release: check it, and match it with devices."
)
app.command("render")(render_nova)

ReleaseOption = Annotated[
    str, typer.Option("--release", metavar="REL", help="Which nova: 31, 31.3.1, 2025.1, epoxy.")
]
ServiceOption = Annotated[Service, typer.Option("--service", help="Which of its services reads the files.")]
_DEVICES = typer.Option(
    "--devices",
    metavar="CAPTURE|JSON",
    help="The devices of the host: a capture (`gpucloud capture`), or a list in JSON with address, "
    "vendor_id, product_id, dev_type, parent_addr, numa_node.",
)
ShapeOption = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]

_MOST_BYTES = 4 * 1024 * 1024
"""Of one file."""


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
ConfigOption = Annotated[
    list[Path],
    typer.Option("--config", metavar="FILE", help="nova.conf, or a directory with *.conf; may be repeated."),
]
FlavorOption = Annotated[
    list[str] | None,
    typer.Option("--flavor", metavar="ALIAS:N[,...]", help="Try a flavor's pci_passthrough:alias."),
]


@app.command("check")
def check_files(
    files: FilesArgument,
    release: ReleaseOption,
    service: ServiceOption,
    devices: Annotated[Path | None, _DEVICES] = None,
    against: AgainstOption = None,
    kolla: KollaOption = False,
    provider_config: ProvidersOption = None,
    shape: ShapeOption = Shape.TEXT,
    level: LevelOption = Threshold.WARNING,
) -> None:
    """Say what a service of a named release makes of nova.conf, and what is wrong with it.

    Files add up as oslo.config adds them up: values of an option that repeats, under all of its names.
    Exit code 3 says that there are findings at or above --level.

    Examples:
      gpucloud nova check --release 31.3.1 --service compute /etc/nova/nova.conf /etc/nova/nova.conf.d
      gpucloud nova check --release epoxy --service api api.conf --against compute.conf
      gpucloud nova check --release 34 --service compute nova.conf --devices gpu01.tar.gz --format json
    """
    from gpucloud.model.finding import Level
    from gpucloud.nova.check.case import Case, ProviderFile
    from gpucloud.nova.check.report import check, render_object, render_text
    from gpucloud.nova.config import replaced_by_kolla
    from gpucloud.nova.releases.release import parse_release

    known = parse_release(release)
    written = read_files(files)
    merged, lost = replaced_by_kolla(written) if kolla else (written, ())
    report = check(
        Case(
            merged,
            known,
            service,
            None if devices is None else machine_from(devices),
            read_files(against) if against else None,
            lost,
            kolla,
            tuple(ProviderFile(*_text_of(path)) for path in provider_config or ()),
        )
    )
    if shape is Shape.JSON:
        print_json(render_object(report))
    else:
        print_text(render_text(report).rstrip("\n"))
    if report.worst >= Level(level.value).weight:
        raise typer.Exit(Exit.FINDINGS)


@app.command("match")
def match_devices(
    release: ReleaseOption,
    config: ConfigOption,
    devices: Annotated[Path, _DEVICES],
    flavor: FlavorOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say which device nova would track by which entry, which alias it serves, and which flavor fits.

    Nothing counts as in use: it is what the host could give at most.

    Examples:
      gpucloud nova match --release 31 --config nova.conf --devices gpu01.tar.gz
      gpucloud nova match --release 2025.1 --config nova.conf --devices devices.json --flavor a100:2
    """
    from gpucloud.nova.check.case import Case
    from gpucloud.nova.match import match
    from gpucloud.nova.match.show import match_object, match_text
    from gpucloud.nova.refusal import Refusal
    from gpucloud.nova.releases.release import parse_release

    machine = machine_from(devices)
    case = Case(read_files(config), parse_release(release), Service.COMPUTE, machine)
    if case.configuration.error is not None:
        raise Failure(str(case.configuration.error), "no service of nova starts with this file")
    said = case.config
    if isinstance(said, Refusal):
        raise Failure(said.message, "a dollar sign is written $$ in nova.conf")
    found = match(said, machine, case.release, flavors=tuple(flavor or ()))
    places = [f"{one.file}:{one.line}" for one in case.spec_settings]
    if shape is Shape.JSON:
        print_json(match_object(found, machine, places.__getitem__))
    else:
        print_text(match_text(found, machine, places.__getitem__).rstrip("\n"))


@app.command("properties")
def judge_properties(
    release: ReleaseOption,
    flavor_key: Annotated[
        list[str] | None,
        typer.Option("--flavor-key", metavar="KEY=VALUE", help="A key of a flavor; may be repeated."),
    ] = None,
    image_property: Annotated[
        list[str] | None,
        typer.Option(
            "--image-property", metavar="NAME=VALUE", help="A property of an image; may be repeated."
        ),
    ] = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say which properties of flavors and images a release reads, passes over, or refuses.

    Exit code 3 says that one is passed over or refused.

    Examples:
      gpucloud nova properties --release 25 --flavor-key pci_passthrough:alias=a100:1
      gpucloud nova properties --release 2025.1 --image-property hw_viommu_model=intel
    """
    from gpucloud.nova.properties import Verdict, judge_flavor, judge_image
    from gpucloud.nova.releases.release import parse_release

    known = parse_release(release)
    judged = {
        "flavor": judge_flavor(_pairs(flavor_key), known),
        "image": judge_image(_pairs(image_property), known),
    }
    every = [one for several in judged.values() for one in several]
    if not every:
        raise Failure("no property was given", "give --flavor-key or --image-property", code=Exit.USAGE)
    if shape is Shape.JSON:
        print_json({"release": str(known), **judged})
    else:
        for one in every:
            print_text(f"{one.verdict.value:<8} {one.name}={one.value}" + (f": {one.why}" if one.why else ""))
    if any(one.verdict in (Verdict.IGNORED, Verdict.REFUSED) for one in every):
        raise typer.Exit(Exit.FINDINGS)


def _pairs(texts: Sequence[str] | None) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Failure(f"{text!r} is no NAME=VALUE", "give hw_video_model=virtio", code=Exit.USAGE)
        pairs[name] = value
    return pairs


def read_files(paths: Sequence[Path]) -> Configuration:
    """Read files in their order; of a directory its ``*.conf`` by name, as ``--config-dir`` does.

    Raises:
        Failure: one cannot be read, is too large, or is no text.
    """
    from gpucloud.nova.config import Configuration

    return Configuration(tuple(_read_all(paths)))


def _read_all(paths: Sequence[Path]) -> Iterable[ConfigFile]:
    for path in paths:
        for one in sorted(path.glob("*.conf")) if path.is_dir() else [path]:
            yield _read(one)


def _read(path: Path) -> ConfigFile:
    from gpucloud.nova.config import read_config_file

    return read_config_file(*_text_of(path))


def _text_of(path: Path) -> tuple[str, str]:
    """What a file is called in messages, and its text."""
    if path == Path("-"):
        data, name = sys.stdin.buffer.read(_MOST_BYTES + 1), "<stdin>"
    else:
        name = str(path)
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise Failure(f"{name} is larger than {_MOST_BYTES} bytes", "give a nova.conf", code=Exit.USAGE)
    try:
        return name, data.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            f"{name} is no text in UTF-8 at byte {error.start}", "nova cannot read it either"
        ) from error


def machine_from(path: Path) -> Machine:
    """The devices of a capture, or of a list in JSON.

    Raises:
        Failure: it is neither.
    """
    from gpucloud.nova.machine import machine_of, parse_devices

    if path.suffix == ".json" and path.is_file():
        return parse_devices(path.read_text(encoding="utf-8", errors="replace"))
    from gpucloud.cli.hosts import host_from

    return machine_of(host_from(path, None))
