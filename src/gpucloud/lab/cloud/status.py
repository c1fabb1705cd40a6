"""What is true of the cloud now: each service's process, and whether it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gpucloud.lab.cloud import daemon, ready, services
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.record import CLOUDS_YAML, Record, read_record
from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.site import Site


class State(StrEnum):
    """Of a service: ``ANSWERS``, ``RUNS`` where it has no port to be asked at, ``SILENT``, or ``ENDED``."""

    ANSWERS = "answers"
    RUNS = "runs"
    SILENT = "does not answer"
    ENDED = "has ended"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One process of the cloud; ``port`` is on 127.0.0.1, None where it has none."""

    name: str
    pid: int
    port: int | None
    state: State


@dataclass(frozen=True, slots=True)
class Status:
    """The cloud as ``gpucloud lab cloud status`` shows it.

    Attributes:
        folder: holds all of it, logs too.
        clouds_yaml: leads to it; None until it is up.
        services: those that were started, in that order.
    """

    folder: Path
    clouds_yaml: Path | None
    services: tuple[ServiceStatus, ...]

    @property
    def is_whole(self) -> bool:
        """Claims that the cloud came up, and that every service of it still runs and answers."""
        good = (State.ANSWERS, State.RUNS)
        return self.clouds_yaml is not None and all(one.state in good for one in self.services)


def look(folder: Path) -> Status | None:
    """What is true of the cloud of this folder, or None where there is none."""
    record = read_record(folder)
    if record is None:
        return None
    known = {one.name: one for one in services.everything(_site(folder, record))}
    found = tuple(
        _look_at(folder, record, known[one.name], one) for one in record.daemons if one.name in known
    )
    return Status(folder, folder / CLOUDS_YAML if record.is_up else None, found)


def _look_at(folder: Path, record: Record, service: Service, process: Daemon) -> ServiceStatus:
    port = record.ports[service.port] if service.port else None
    return ServiceStatus(service.name, process.pid, port, _state(_site(folder, record), service, process))


def _state(site: Site, service: Service, process: Daemon) -> State:
    if not daemon.is_running(process):
        return State.ENDED
    if service.port is None:
        return State.RUNS
    return State.ANSWERS if ready.answers(site, service) else State.SILENT


def _site(folder: Path, record: Record) -> Site:
    """The cloud without its passwords: to look at it takes none."""
    return Site(folder, Path(record.environment), record.ports, {})
