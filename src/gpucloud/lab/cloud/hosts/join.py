"""Servers brought up as hosts of a cloud, told of GPUs, and ended with it."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from gpucloud.lab.cache import cache_folder
from gpucloud.lab.cloud import ready, setup
from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.hosts import settings
from gpucloud.lab.cloud.hosts.disk import ensure_environment_disk
from gpucloud.lab.cloud.record import site_of, write_record
from gpucloud.lab.cloud.services import NOVA_CONF
from gpucloud.lab.cloud.site import Site
from gpucloud.lab.cloud.site import alone as alone_with_all
from gpucloud.lab.cloud.upkeep.start import alone, must_be_up
from gpucloud.lab.host import LabHost, clear_away
from gpucloud.lab.image.packages import Progress
from gpucloud.lab.lab import HOSTS, Lab
from gpucloud.lab.topology.parse import load_topology
from gpucloud.model.failure import Exit, Failure

READY_S = 600
"""How long nova-compute may take in an emulated server; 60 to 100 s are usual."""


def add_host(
    folder: Path,
    topology: str | Path,
    name: str | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = lambda _: None,
) -> LabHost:
    """Bring a server up, and wait until the cloud of this folder schedules guests to it.

    Args:
        folder: of the cloud.
        topology: its name, or the path of a file.
        name: of the server and of the host; by default that of the topology.
        cache: folder of what can be made again; by default the user's.
        progress: told in a line what is being done.

    Raises:
        Failure: there is no cloud that is up, the name is taken, or nova-compute does not come up; then the
            server is ended.
    """
    known = load_topology(topology)
    called = name or known.name
    began = time.monotonic()
    with alone_with_all(folder, _refuse):
        record = must_be_up(folder)
        lab = Lab(cache=cache, state=folder.parent, progress=progress)
        _must_be_free(lab, called)
        site = site_of(folder, record)
        disk = ensure_environment_disk(cache or cache_folder(), site.environment, progress)
        _write_down(folder, {*record.hosts, called})
        try:
            host = lab.up(known, called, more=disk, outlives=True)
            _join(site, host, progress)
        except BaseException:
            clear_away(folder.parent / HOSTS / called)
            _write_down(folder, set(record.hosts) - {called})
            raise
    progress(f"all of it took {time.monotonic() - began:.0f} s")
    return host


def _refuse() -> None:
    raise Failure("something else is at work on the cloud", "wait until it is done, or end it with Ctrl-C")


def _must_be_free(lab: Lab, name: str) -> None:
    if name in {one.name for one in lab.hosts()}:
        then = f"gpucloud lab down {name}, or give a --name"
        raise Failure(f"a server named {name} is there already", then, code=Exit.USAGE)


def _write_down(folder: Path, names: Collection[str]) -> None:
    with alone(folder):
        write_record(folder, replace(must_be_up(folder), hosts=tuple(sorted(names))))


def _join(site: Site, host: LabHost, progress: Progress) -> None:
    progress(f"starting nova-compute on {host.name} (a minute or two)")
    for path, content in settings.files(site, host.name, (site.config / NOVA_CONF).read_text()).items():
        mode = 0o755 if content.startswith("#!") else 0o600
        host.put(content.encode(), path, mode=mode)
    host.run(["hostname", host.name], ok=(0,))
    began = time.time()
    host.run(["systemctl", "daemon-reload"], ok=(0,))
    host.run(["systemctl", "enable", "--now", settings.UNIT], ok=(0,))
    _wait(site, host, began)
    # Nova finds the host's cell by itself only where it is told to look.
    setup.run_command(site, setup.discover_hosts(site))


def _wait(site: Site, host: LabHost, since: float) -> None:
    """Wait until nova-compute tells that it is up, and Placement has what the host offers."""
    api = Api(site)

    def is_up() -> bool:
        _must_run(host)
        return host.name in api.computes_up(since) and host.name in api.providers()

    ready.wait_until(is_up, timeout_s=READY_S, what=lambda: last_word(host), every_s=3)


def _must_run(host: LabHost) -> None:
    state = host.run(["systemctl", "show", "--property=NRestarts", "--value", settings.UNIT]).stdout
    if state.strip() not in ("", "0"):
        raise Failure(f"nova-compute ends on {host.name}: {last_word(host)}")


def last_word(host: LabHost) -> str:
    """What the log of a host's nova-compute says best of what went wrong."""
    said = host.run(["tail", "-n", "200", settings.LOG]).stdout
    return f"its log says: {ready.best_line(said.splitlines())}"


def tell_host(folder: Path, name: str, compute: str) -> None:
    """Write what a host is told of GPUs, start its nova-compute again, and wait for it.

    Args:
        folder: of the cloud.
        name: of a host that was added.
        compute: nova.conf, beside what it needs to run.

    Raises:
        Failure: the cloud has no such host, or nova-compute does not start with it.
    """
    record = must_be_up(folder)
    if name not in record.hosts:
        there = ", ".join(record.hosts) or "none: gpucloud lab cloud host TOPOLOGY adds one"
        raise Failure(f"the cloud has no host {name}", f"there are: {there}", code=Exit.USAGE)
    host = Lab(state=folder.parent).host(name)
    host.put(compute.encode(), settings.GPUS_CONF, mode=0o600)
    began = time.time()
    host.run(["systemctl", "reset-failed", settings.UNIT])
    host.run(["systemctl", "restart", settings.UNIT], ok=(0,))
    _wait(site_of(folder, record), host, began)
