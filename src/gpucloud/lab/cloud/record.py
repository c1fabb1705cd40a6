"""What a cloud's folder keeps of it: ports and processes. No password is in the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.settings import CLOUD, Compute, read_password
from gpucloud.lab.cloud.site import Site

RECORD = "cloud.json"
CLOUDS_YAML = "clouds.yaml"


@dataclass(frozen=True, slots=True)
class Record:
    """Facts of a cloud.

    Attributes:
        environment: folder of the virtual environment that it runs from.
        ports: of loopback, by what listens.
        daemons: in the order in which they were started.
        started_at: seconds since 1970.
        is_up: all steps of coming up are done.
        restarts: Unix times at which a service was started again that had ended, by its name.
        compute: value of `gpucloud.lab.cloud.settings.Compute`.
        hosts: names of the laboratory's servers that are its hosts.
    """

    environment: str
    ports: Mapping[str, int]
    daemons: tuple[Daemon, ...]
    started_at: float
    is_up: bool = False
    compute: str = Compute.FAKE
    restarts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()


def write_record(folder: Path, record: Record) -> None:
    """Write the facts whole: a reader sees the old ones or the new ones."""
    part = folder / f"{RECORD}.part"
    part.write_text(json.dumps(asdict(record), indent=1))
    part.replace(folder / RECORD)


def read_record(folder: Path) -> Record | None:
    """The facts of a cloud, or None where there is no file of them that is whole."""
    try:
        data = json.loads((folder / RECORD).read_text())
        daemons = tuple(Daemon(**one) for one in data.pop("daemons"))
        restarts = {name: tuple(times) for name, times in data.pop("restarts", {}).items()}
        hosts = tuple(data.pop("hosts", ()))
        return Record(**data, daemons=daemons, restarts=restarts, hosts=hosts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def site_of(folder: Path, record: Record) -> Site:
    """The cloud of a record; of its passwords it has the administrator's, once it is up."""
    try:
        passwords = {"admin": read_password((folder / CLOUDS_YAML).read_text(), CLOUD)}
    except (OSError, ValueError):
        passwords = {}
    return Site(folder, Path(record.environment), record.ports, passwords)
