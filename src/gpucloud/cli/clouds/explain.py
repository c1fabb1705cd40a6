"""``gpucloud cloud explain``: why a guest cannot be scheduled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.given import spec_given
from gpucloud.cli.nova.files import machine_from, name_of_capture, named_place, read_files, text_of
from gpucloud.cli.output import Shape, paint_level, print_json, print_lines
from gpucloud.cli.typed.complete import releases
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpucloud.cloud.openstack.explain.given import Given, GivenHost
    from gpucloud.nova.releases.release import Release

NameArgument = Annotated[str, typer.Argument(metavar="SERVER|FLAVOR", help="By name or id.")]
CloudOption = Annotated[
    str | None,
    typer.Option("--cloud", envvar="OS_CLOUD", metavar="NAME", help="A cloud of clouds.yaml."),
]
SpecOption = Annotated[
    Path | None, typer.Option("--spec", metavar="FILE", help="gpucloud.yaml, which names the release.")
]
ReleaseOption = Annotated[
    str | None,
    typer.Option(
        "--release", metavar="REL", autocompletion=releases, help="Which nova: 31, 31.3.1, 2025.1, epoxy."
    ),
]
ConfigOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--config", metavar="FILE", help="nova.conf of nova-api and nova-scheduler; may be repeated."
    ),
]
ComputeOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--compute-config", metavar="FILE", help="That of nova-compute; the files of --config without it."
    ),
]
DevicesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--devices",
        metavar="[HOST=]CAPTURE|JSON",
        help="A compute host: a capture (`gpucloud capture`), or a list of devices as for `gpucloud nova "
        "match`; may be repeated. HOST is its name in nova; the file's name without it.",
    ),
]
ProjectOption = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="NAME",
        help="Whose quota and aggregates count for a flavor, by name or id; for administrators. One's own "
        "without.",
    ),
]
EvidenceOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--evidence", metavar="FILE", help="Refusal, log or request spec of nova; - is standard input."
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout", min=1, metavar="SECONDS", help="Of each request; clouds.yaml's, or 60, without."
    ),
]


def explain(
    name: NameArgument,
    cloud: CloudOption = None,
    spec: SpecOption = None,
    release: ReleaseOption = None,
    config: ConfigOption = None,
    compute_config: ComputeOption = None,
    devices: DevicesOption = None,
    evidence: EvidenceOption = None,
    project: ProjectOption = None,
    timeout: TimeoutOption = None,
    shape: ShapeOption = Shape.TEXT,
) -> None:
    """Say why a guest cannot be scheduled: one cause, its evidence, the fix, and what could not be seen.

    Of a server it is what stopped it; of a flavor, what would stop a server with it now. The way goes as nova
    goes: flavor and aliases, quota, Placement, scheduler, claim, libvirt. Nothing is changed.

    The API tells neither nova.conf nor the pools of devices: give the files and captures of the hosts, and
    they are judged as `gpucloud nova check` and `nova match` do. Without the role admin less is
    seen, and it is said what.

    Exit codes: 0 nothing stops it, as far as it can be seen; 3 a cause was found; 1 nova gave the server up,
    and nothing that was seen says why. The JSON is {"source", "findings", "could_not_look", "said",
    "project", "steps"}; said is what nova said itself where no cause was found, project whose quota counts.

    Examples:
      gpucloud cloud explain gpu.a100.1 --cloud mycloud
      gpucloud cloud explain train-7 --cloud mycloud --format json
      gpucloud cloud explain gpu.a100.1 --release 2025.1 --config nova.conf --devices gpu01=gpu01.tar.gz
      gpucloud cloud explain gpu.a100.1 --cloud mycloud --project research
      gpucloud cloud explain gpu.a100.1 --evidence refusal.txt
    """
    from gpucloud.cloud.openstack.api import open_api
    from gpucloud.cloud.openstack.explain.case import Case
    from gpucloud.cloud.openstack.explain.judge import judge
    from gpucloud.cloud.openstack.explain.look import Looker
    from gpucloud.cloud.openstack.explain.show import lines_of, plain_of

    known = _given(_release(spec, release), config, compute_config, devices or (), evidence or ())
    api = open_api(cloud, timeout)
    api.login()
    looker = Looker(api.send, api.place, api.project, project)
    subject = looker.find(name)
    seen = looker.look(subject, known.asks(subject.flavor.extra_specs.get("pci_passthrough:alias")))
    found = judge(Case(seen, known))
    if shape is Shape.JSON:
        print_json(plain_of(found))
    else:
        print_lines(lines_of(found), paint_level)
    if found.root is not None:
        raise typer.Exit(Exit.FINDINGS)
    if found.has_failed:
        raise typer.Exit(Exit.ERROR)


def _release(spec: Path | None, release: str | None) -> Release | None:
    """The release that is named here, or in the spec."""
    from gpucloud.nova.releases.release import parse_release

    if release is not None:
        return parse_release(release)
    wanted = None if spec is None else spec_given(spec).openstack
    return None if wanted is None else parse_release(wanted.release)


def _given(
    release: Release | None,
    config: Sequence[Path] | None,
    compute: Sequence[Path] | None,
    devices: Sequence[str],
    evidence: Sequence[Path],
) -> Given:
    """Files, hosts and words, read.

    Raises:
        Failure: files of nova, and no release that reads them; or one cannot be read.
    """
    from gpucloud.cloud.openstack.explain.given import Given
    from gpucloud.nova.releases.release import SERIES

    if release is None and (config or compute or devices):
        what = "files of nova say different things to different releases"
        raise Failure(what, "name the cloud's with --release", code=Exit.USAGE)
    control = read_files(config) if config else None
    own = read_files(compute) if compute else control
    for one in (control, own):
        if one is not None and one.error is not None:
            raise Failure(str(one.error), "no service of nova starts with this file")
    words = dict(map(text_of, evidence))
    return Given(release or SERIES[-1], release is not None, control, own, tuple(map(_host, devices)), words)


def _host(text: str) -> GivenHost:
    """A host by its name in nova."""
    from gpucloud.cli.hosts import host_from
    from gpucloud.cloud.openstack.explain.given import GivenHost
    from gpucloud.nova.machine import machine_of

    name, place = named_place(text)
    name = name or name_of_capture(place)
    path = Path(place)
    if path.suffix == ".json" and path.is_file():
        return GivenHost(name, machine_from(path))
    facts = host_from(path, None)
    return GivenHost(name, machine_of(facts), facts)
