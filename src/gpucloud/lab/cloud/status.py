"""What is true of the cloud now: each service's process, and whether it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path

from gpucloud.lab.cloud import daemon, ready, services
from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.record import CLOUDS_YAML, Record, read_record, site_of
from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.site import Site
from gpucloud.lab.lab import HOSTS
from gpucloud.lab.machine.qemu import running_pid
from gpucloud.lab.record import read_record as read_server
from gpucloud.model.failure import Failure


class State(StrEnum):
    """Of a service.

    ``ANSWERS`` at its port, or nova says that it is up; ``RUNS`` where it has no port and nova cannot be
    asked; ``SILENT`` where there is no answer at its port, or nova says that it is down; ``ENDED``.
    """

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
    restarts: int = 0
    """How often it was started again after it had ended."""


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
        return self.clouds_yaml is not None and all(map(_is_well, self.services))


def _is_well(one: ServiceStatus) -> bool:
    return one.state is State.ANSWERS or (one.name == services.WATCHER and one.state is State.RUNS)


def look(folder: Path) -> Status | None:
    """What is true of the cloud of this folder, or None where there is none."""
    record = read_record(folder)
    if record is None:
        return None
    site = site_of(folder, record)
    known = {one.name: one for one in (*services.everything(site), services.watcher(site))}
    started = [(known[one.name], one) for one in record.daemons if one.name in known]
    # All at once: each that hangs takes its time to be given up.
    with ThreadPoolExecutor(max_workers=max(1, len(started))) as asking:
        states = list(asking.map(lambda one: _state(site, *one), started))
    found = [
        ServiceStatus(
            service.name,
            process.pid,
            record.ports[service.port] if service.port else None,
            state,
            len(record.restarts.get(service.name, ())),
        )
        for (service, process), state in zip(started, states, strict=True)
    ]
    whole = (*_as_nova_says(site, found), *_hosts(site, record, found))
    return Status(folder, folder / CLOUDS_YAML if record.is_up else None, whole)


def _hosts(site: Site, record: Record, found: Sequence[ServiceStatus]) -> Iterator[ServiceStatus]:
    """nova-compute of the laboratory's servers: the process is the emulator's, the port that of its ssh."""
    ups = _ask(site, found, lambda api: api.computes_up()) if record.hosts else None
    for name in record.hosts:
        server = site.folder.parent / HOSTS / name
        pid, facts = running_pid(server), read_server(server)
        state = State.RUNS if ups is None else State.ANSWERS if name in ups else State.SILENT
        port = facts.port if facts else None
        yield ServiceStatus(f"nova-compute on {name}", pid or 0, port, state if pid else State.ENDED)


def _state(site: Site, service: Service, process: Daemon) -> State:
    if not daemon.is_running(process):
        return State.ENDED
    if service.port is None:
        return State.RUNS
    return State.ANSWERS if ready.serves(site, service, process) else State.SILENT


def _as_nova_says(site: Site, found: Sequence[ServiceStatus]) -> tuple[ServiceStatus, ...]:
    """The same, with what nova says of those that have no port: one that runs may do nothing."""
    ups = _ask(site, found, lambda api: api.services_up())
    if ups is None:
        return tuple(found)
    said = {True: State.ANSWERS, False: State.SILENT}
    return tuple(
        replace(one, state=said[one.name in ups])
        if one.state is State.RUNS and one.name != services.WATCHER
        else one
        for one in found
    )


def _ask(
    site: Site, found: Sequence[ServiceStatus], what: Callable[[Api], frozenset[str]]
) -> frozenset[str] | None:
    """What nova says is up, or None where it does not say."""
    answering = {one.name for one in found if one.state is State.ANSWERS}
    if not site.passwords or not {"keystone", "nova-api"} <= answering:
        return None  # it has not come up
    try:
        return what(Api(site, _NOVA_S))
    except (OSError, HTTPException, ValueError, Failure):
        return None  # it does not answer: its state says so


_NOVA_S = 10
