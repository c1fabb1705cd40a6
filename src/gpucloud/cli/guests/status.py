"""``gpucloud status``: hosts, who uses what, what can still be sold, what does not work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.guests.telling import telling
from gpucloud.cli.output import Format, print_json, print_lines, say, table
from gpucloud.cli.typed.complete import releases
from gpucloud.cli.typed.shape import TableOption
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gpucloud.cloud.openstack.explain.given import Given
    from gpucloud.cloud.status.summary import Seen, Status
    from gpucloud.model.host import Host

CloudOption = Annotated[
    str | None,
    typer.Option(
        "--cloud",
        metavar="NAME",
        help="An OpenStack cloud of clouds.yaml; without, this host or those given.",
    ),
]
FromOption = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="[HOST=]CAPTURE",
        help="A captured host (`gpucloud capture`); beside a cloud it adds what no API tells. HOST is its "
        "name in nova; the file's name without it. May be repeated.",
    ),
]
HostOption = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="[HOST=]USER@HOST", help="The same over ssh; may be repeated."),
]
ConfigOption = Annotated[
    list[Path] | None,
    typer.Option("--config", metavar="FILE", help="nova.conf of nova-api, which says what aliases are."),
]
ReleaseOption = Annotated[
    str | None,
    typer.Option(
        "--release", metavar="REL", autocompletion=releases, help="Which nova: 31, 31.3.1, 2025.1, epoxy."
    ),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout", min=1, metavar="SECONDS", help="Of each request; clouds.yaml's, or 60, without."
    ),
]


def status(
    cloud: CloudOption = None,
    captures: FromOption = None,
    remotes: HostOption = None,
    config: ConfigOption = None,
    release: ReleaseOption = None,
    timeout: TimeoutOption = None,
    form: TableOption = Format.TABLE,
) -> None:
    """Show hosts, GPU units and their groups, who uses what, what can still be sold, and services.

    Each flavor is counted alone, as if no other were sold: NOW as things are, AT MOST if every device that no
    guest has were ready to be given. One IOMMU group goes to one guest: six cards in four groups are four
    guests with one card each, and two cards are STRANDED. LACKS says for how many guests there are devices
    but no room, or no nova-compute that takes them. `<=` may be fewer, `+` may be more, `?` is unknown; the
    reasons are below the tables. Filters of the scheduler, aggregates and quotas are not looked at:
    `gpucloud cloud explain` does.

    The API tells no IOMMU groups, and no devices that nova does not report to Placement: captures of the
    hosts add them, and nova.conf what an alias is. Without the role admin less is seen, and it is said what.
    Without a cloud, sizes of guests are counted for each model in place of flavors.

    The JSON is {"source", "services", "total", "hosts", "flavors", "could_not_look"}; what is not known is
    {"unknown": "why"}.

    Examples:
      gpucloud status
      gpucloud status --from gpu01.tar.gz --from gpu02.tar.gz
      gpucloud status --cloud mycloud
      gpucloud status --cloud mycloud --from gpu01=gpu01.tar.gz --format json
      gpucloud status --cloud mycloud --release 2025.1 --config nova.conf
    """
    from gpucloud.cloud.status.summary import summarize

    if cloud is None:
        if config or release or timeout:
            what = "--config, --release and --timeout are for a cloud"
            raise Failure(what, "name it with --cloud", code=Exit.USAGE)
        found = summarize(_hosts(captures or (), remotes or ()))
    else:
        found = summarize(
            _cloud(cloud, _given(release, config), _read(captures or (), remotes or ()), timeout)
        )
    if form is Format.JSON:
        from gpucloud.cloud.status.show import plain_of

        print_json(plain_of(found))
    else:
        _print(found)


def _print(found: Status) -> None:
    from gpucloud.cloud.status import show

    print_lines([show.headline(found), *show.service_lines(found)])
    hosts = found.seen.hosts
    if not isinstance(hosts, Unknown) and len(hosts) == 1:
        _print_table(show.UNIT_COLUMNS, show.unit_rows(hosts[0]))
    else:
        _print_table(show.HOST_COLUMNS, show.host_rows(found))
    _print_table(show.SIZE_COLUMNS, show.size_rows(found))
    notes = list(show.notes(found))
    print_lines(["", *notes] if notes else [])


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print_lines([""])
        table(columns, rows)


def _hosts(captures: Sequence[str], remotes: Sequence[str]) -> Seen:
    """This host, or those that are given."""
    from gpucloud.cloud.status.here import seen_elsewhere

    if captures or remotes:
        return seen_elsewhere(list(_read(captures, remotes).items()))
    return _here()


def _here() -> Seen:
    from gpucloud.cloud.libvirt.connection import connect
    from gpucloud.cloud.status.here import read_domains, seen_here
    from gpucloud.inventory import open_host

    with telling(lambda: "reading this host", say):
        return seen_here(open_host(), read_domains(connect))


def _read(captures: Sequence[str], remotes: Sequence[str]) -> Mapping[str, Host]:
    """Hosts by name.

    Raises:
        Failure: one cannot be read, or two have one name.
    """
    from gpucloud.cli.hosts import host_from
    from gpucloud.cli.nova.files import name_of_capture, named_place

    found: dict[str, Host] = {}
    places = [(text, True) for text in captures] + [(text, False) for text in remotes]
    with telling(lambda: f"reading hosts: {len(found)} of {len(places)}", say):
        for text, is_capture in places:
            name, place = named_place(text)
            name = name or (name_of_capture(place) if is_capture else place.rpartition("@")[2])
            if name in found:
                then = "give each a name: HOST=CAPTURE"
                raise Failure(f"two hosts are called {name}", then, code=Exit.USAGE)
            found[name] = host_from(Path(place), None) if is_capture else host_from(None, place)
    return found


def _given(release: str | None, config: Sequence[Path] | None) -> Given:
    """Files of nova-api, and what release reads them.

    Raises:
        Failure: files and no release, or one that cannot be read.
    """
    from gpucloud.cli.nova.files import read_files
    from gpucloud.cloud.openstack.explain.given import Given
    from gpucloud.nova.releases.release import SERIES, parse_release

    if config and release is None:
        what = "files of nova say different things to different releases"
        raise Failure(what, "name the cloud's with --release", code=Exit.USAGE)
    control = read_files(config) if config else None
    if control is not None and control.error is not None:
        raise Failure(str(control.error), "no service of nova starts with this file")
    known = SERIES[-1] if release is None else parse_release(release)
    return Given(known, release is not None, control)


def _cloud(name: str, given: Given, captures: Mapping[str, Host], timeout: float | None) -> Seen:
    from gpucloud.cloud.openstack.api import open_api
    from gpucloud.cloud.status.openstack.look import Looker
    from gpucloud.cloud.status.openstack.seen import seen_of

    far: dict[str, int] = {}

    def progress() -> str:
        counted = ", ".join(f"{count} {what}" for what, count in sorted(far.items()))
        return f"reading cloud {name}: {counted or 'no answer yet'}"

    with telling(progress, say):
        api = open_api(name, timeout)
        api.login()
        return seen_of(Looker(api.send, far.__setitem__).look(api.name), given, captures)
