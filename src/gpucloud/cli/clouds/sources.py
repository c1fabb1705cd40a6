"""What audit and heal are given: a cloud, nova's database, hosts; opened once, and looked at when asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.nova.files import machine_from, name_of_capture, named_place, read_files
from gpucloud.cli.typed.complete import releases
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Engine

    from gpucloud.cloud.openstack.api import Api
    from gpucloud.cloud.openstack.audit.observed import Database, GivenHost, Observed
    from gpucloud.nova.config import Configuration
    from gpucloud.nova.machine import Machine
    from gpucloud.nova.releases.release import Release

CloudOption = Annotated[
    str | None,
    typer.Option("--cloud", envvar="OS_CLOUD", metavar="NAME", help="A cloud of clouds.yaml, as its admin."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="GPUCLOUD_DATABASE",
        metavar="URL",
        help="The database of a cell of nova: mysql://USER:PASSWORD@HOST/nova, or postgresql://.... Other "
        "users of this machine see it here, not where the variable has it.",
    ),
]
NovaConfOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--nova-conf",
        metavar="FILE",
        help="The nova.conf that has it, of nova-conductor; may be repeated.",
    ),
]
FromOption = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="[HOST=]CAPTURE|JSON",
        help="A compute host: a capture (`gpucloud capture`), or a list of devices as for `gpucloud nova "
        "match`; may be repeated. HOST is its name in nova; the file's name without it.",
    ),
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host", metavar="[NAME=]USER@HOST", help="A compute host, over ssh as root; may be repeated."
    ),
]
ComputeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--compute-config",
        metavar="[HOST=]FILE",
        help="nova.conf of nova-compute, of one host or of all: its device_spec; with --release; may be "
        "repeated.",
    ),
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


_PAST = Unknown("its capture is of the past, and a guest may have started since")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed; and whether it is acted upon: who has a device is not taken from the past then."""

    cloud: str | None
    database: str | None
    nova_conf: Sequence[Path]
    captures: Sequence[str]
    hosts: Sequence[str]
    compute: Sequence[str]
    release: str | None
    timeout: float | None
    acts: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """What can be looked at, again and again."""

    asked: Asked
    api: Api | None
    engine: Engine | None

    @property
    def name(self) -> str:
        """What is looked at, in words."""
        from gpucloud.cloud.openstack.audit.database.place import name_of

        parts = [] if self.api is None else [f"cloud {self.api.name}"]
        return " and ".join([*parts, *([] if self.engine is None else [name_of(self.engine)])])

    def look(self) -> Observed:
        """All that can be read now; Placement before nova, so that a guest that is being made is not missed.

        Raises:
            Failure: the database cannot be read, or is of no nova that is known; or a capture is none.
        """
        from gpucloud.cloud.openstack.audit.look import Looker
        from gpucloud.cloud.openstack.audit.observed import Observed

        no_cloud = Unknown("no cloud was named (--cloud)")
        looker = None if self.api is None else Looker(self.api.send)
        providers = no_cloud if looker is None else looker.providers()
        told = () if isinstance(providers, Unknown) else providers
        consumers = {consumer for each in told for consumer in each.held}
        database = self._database(consumers)
        owners = set() if isinstance(database, Unknown) else {row.owner for row in database.rows if row.owner}
        nova = no_cloud if looker is None else looker.nova(consumers | owners)
        unread: dict[str, str] = {}
        return Observed(database, providers, nova, tuple(_hosts(self.asked, unread)), unread)

    def _database(self, consumers: set[str]) -> Database | Unknown:
        from gpucloud.cloud.openstack.audit.database.place import name_of, reading
        from gpucloud.cloud.openstack.audit.database.read import read_database

        if self.engine is None:
            return Unknown("no database was named (--database or --nova-conf)")
        with reading(self.engine) as connection:
            return read_database(connection, name_of(self.engine), consumers)


def open_sources(asked: Asked) -> Sources:
    """Log in, and make ready what reaches the database.

    Raises:
        Failure: neither a cloud nor a database was named, or one cannot be reached.
    """
    from gpucloud.cloud.openstack.api import open_api
    from gpucloud.cloud.openstack.audit.database.place import open_database, url_in

    if asked.database is not None and asked.nova_conf:
        raise Failure("two databases were named", "give --database or --nova-conf", code=Exit.USAGE)
    url = url_in(read_files(asked.nova_conf)) if asked.nova_conf else asked.database
    if asked.cloud is None and url is None:
        what = "neither a cloud nor nova's database was named: there is nothing to compare"
        raise Failure(what, "name them with --cloud, and --database or --nova-conf", code=Exit.USAGE)
    api = None if asked.cloud is None else open_api(asked.cloud, asked.timeout)
    if api is not None:
        api.login()
    return Sources(asked, api, None if url is None else open_database(url))


def _hosts(asked: Asked, unread: dict[str, str]) -> Iterator[GivenHost]:
    """Hosts that were named, each with the device_spec of its nova-compute where that is known.

    Args:
        asked: what was typed.
        unread: takes hosts that cannot be reached, and why.
    """
    from gpucloud.cli.hosts import host_from
    from gpucloud.cloud.openstack.audit.hosts import given_host, listed_host, own_name_of
    from gpucloud.inventory import open_reader, read_host
    from gpucloud.nova.machine import machine_of

    files = dict(_compute_files(asked.compute))
    release = _release(asked.release, bool(files))
    for text in asked.captures:
        name, place = named_place(text)
        path = Path(place)
        name = name or name_of_capture(place)
        if path.suffix == ".json" and path.is_file():
            machine = machine_from(path)
            yield listed_host(name, str(path), machine, _wanted(files, name, machine, release))
            continue
        host = host_from(path, None)
        given = given_host(name, host, _wanted(files, name, machine_of(host), release))
        yield replace(given, holders=_PAST) if asked.acts else given
    for text in asked.hosts:
        name, place = named_place(text)
        name = name or place.rpartition("@")[2]
        try:
            reader = open_reader(remote=place)
            host, own_name = read_host(reader), own_name_of(reader)
        except Failure as failure:
            unread[name] = str(failure)
            continue
        yield given_host(name, host, _wanted(files, name, machine_of(host), release), own_name)


def _compute_files(texts: Sequence[str]) -> Iterator[tuple[str, Configuration]]:
    """Files by host; those of all hosts under no name."""
    paths: dict[str, list[Path]] = {}
    for text in texts:
        name, place = named_place(text)
        paths.setdefault(name, []).append(Path(place))
    for name, of in paths.items():
        yield name, read_files(of)


def _wanted(
    files: dict[str, Configuration], name: str, machine: Machine, release: Release | None
) -> frozenset[str] | Unknown:
    from gpucloud.cloud.openstack.audit.hosts import NO_FILES, wanted_by

    found = files.get(name, files.get(""))
    return NO_FILES if found is None or release is None else wanted_by(found, machine, release)


def _release(text: str | None, has_files: bool) -> Release | None:
    from gpucloud.nova.releases.release import parse_release

    if text is None and has_files:
        what = "files of nova say different things to different releases"
        raise Failure(what, "name the cloud's with --release", code=Exit.USAGE)
    return None if text is None else parse_release(text)
