"""Services of a cloud started, and started again."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gpucloud.lab.cloud import daemon, ready, services
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.record import Record, read_record, site_of, write_record
from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.site import Site
from gpucloud.lab.process import undisturbed
from gpucloud.model.failure import Exit, Failure

READY_S = 180
"""How long one service may take to be ready on a slow machine; 5 to 15 s are usual."""


def start_service(site: Site, service: Service) -> Daemon:
    """Start one; what it says goes into its log.

    Raises:
        Failure: its program is not there.
    """
    return daemon.start(
        service.name,
        service.argv,
        cwd=site.data,
        log=site.logs / f"{service.name}.log",
        tmp=site.tmp,
        variables=service.variables,
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one who starts processes of the cloud of a folder, and writes them down."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def start_written(site: Site, service: Service, write: Callable[[Daemon], None]) -> None:
    """Start one and have it written down, before anybody else writes, and whatever wish to end comes."""
    with alone(site.folder), undisturbed():
        write(start_service(site, service))


def must_be_up(folder: Path) -> Record:
    """The facts of a cloud that is up.

    Raises:
        Failure: there is none.
    """
    record = read_record(folder)
    if record is None or not record.is_up:
        raise Failure("there is no cloud that is up", "gpucloud lab cloud up brings one up", code=Exit.USAGE)
    return record


def restart(folder: Path, names: Collection[str]) -> None:
    """End services and start them again, in the order in which the cloud came up; they are not waited for.

    Raises:
        Failure: there is no cloud that is up, or a process does not go away.
    """
    with alone(folder):
        record = must_be_up(folder)
        site = site_of(folder, record)
        known = {one.name: one for one in services.everything(site)}
        for old in (one for one in record.daemons if one.name in names and one.name in known):
            daemon.end([old], site.tmp)
            with undisturbed():
                record = started_again(record, old, start_service(site, known[old.name]))
                write_record(folder, record)


def started_again(record: Record, old: Daemon, new: Daemon, at: float | None = None) -> Record:
    """The record with a new process of a service; ``at`` is Unix time where the old one had ended itself."""
    daemons = tuple(new if one == old else one for one in record.daemons)
    times = () if at is None else (*record.restarts.get(old.name, ()), at)
    restarts = {**record.restarts, old.name: times} if times else record.restarts
    return replace(record, daemons=daemons, restarts=restarts)


def wait_for(folder: Path, names: Collection[str]) -> None:
    """Wait until services that have a port answer there.

    Raises:
        Failure: one ends, or does not answer in time.
    """
    record = must_be_up(folder)
    site = site_of(folder, record)
    known = {one.name: one for one in services.everything(site)}
    for process in (one for one in record.daemons if one.name in names):

        def answers(process: Daemon = process) -> bool:
            if not daemon.is_running(process):
                raise Failure(f"a service has ended: {last_word(site, process.name)}")
            return ready.serves(site, known[process.name], process)

        ready.wait_until(answers, timeout_s=READY_S, what=lambda: last_word(site, process.name))  # noqa: B023


def last_word(site: Site, name: str) -> str:
    """A service, and what its log says best of what went wrong."""
    return f"{name}, whose log ends with: {ready.last_error(site.logs / f'{name}.log')}"
