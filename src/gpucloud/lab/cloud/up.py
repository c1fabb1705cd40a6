"""A cloud brought up: from nothing to a nova that takes servers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gpucloud.lab.cache import cache_folder, locked
from gpucloud.lab.cloud import broker, daemon, database, ready, services, setup
from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.down import clear_away, give_up
from gpucloud.lab.cloud.environment import ensure_environment
from gpucloud.lab.cloud.hosts import guest
from gpucloud.lab.cloud.needs import require_programs
from gpucloud.lab.cloud.record import CLOUDS_YAML, Record, read_record, write_record
from gpucloud.lab.cloud.services import Service
from gpucloud.lab.cloud.settings import CLOUD, Compute, clouds_yaml
from gpucloud.lab.cloud.site import (
    Site,
    alone,
    free_ports,
    make_folders,
    new_passwords,
    place_of,
    write_secret,
)
from gpucloud.lab.cloud.upkeep.start import READY_S, last_word, start_written
from gpucloud.lab.guest.build import ensure_guest_disks
from gpucloud.lab.image.packages import Progress
from gpucloud.model.failure import Exit, Failure


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud that is up: the folder of it, and the file that leads to it."""

    folder: Path

    @property
    def clouds_yaml(self) -> Path:
        """For openstacksdk and all that uses it: name it in ``OS_CLIENT_CONFIG_FILE``."""
        return self.folder / CLOUDS_YAML


def up(
    *,
    compute: Compute = Compute.FAKE,
    cache: Path | None = None,
    state: Path | None = None,
    progress: Progress = lambda _: None,
) -> Cloud:
    """Bring the cloud up and leave it running.

    Args:
        compute: what its nova-compute makes of servers.
        cache: folder of what can be made again; by default the user's.
        state: folder of what runs; by default the user's.
        progress: told in a line what is being done.

    Raises:
        Failure: it runs already, something is missing, or a service does not come up; the message has the
            service's own words and names what was kept.
    """
    require_programs()
    known, folder = cache or cache_folder(), place_of(state)
    environment = ensure_environment(known, progress)
    disk = ensure_guest_disks(known, progress).good

    def busy() -> None:
        progress("waiting for another lab cloud that is coming up or going down")

    # One at a time, wherever it is: until all of its services listen, its ports are anybody's.
    with locked(known / "cloud" / "up", busy), alone(folder, busy):
        _must_be_free(folder)
        began = time.monotonic()
        coming = _Coming(Site(folder, environment, free_ports(), new_passwords()), compute, progress)
        try:
            coming.up(disk)
        except (Failure, OSError) as failure:
            raise give_up(folder, coming.daemons, failure) from failure
        except BaseException:
            clear_away(folder, coming.daemons)
            raise
        progress(f"all of it took {time.monotonic() - began:.0f} s")
    return Cloud(folder)


def _must_be_free(folder: Path) -> None:
    """Clear away what is left of a cloud that has ended by itself, as with the machine."""
    record = read_record(folder)
    if record is not None and any(map(daemon.is_running, record.daemons)):
        raise Failure(
            "the cloud runs already", "gpucloud lab cloud status; gpucloud lab cloud down", code=Exit.USAGE
        )
    clear_away(folder)


@dataclass(slots=True)
class _Coming:
    """A cloud on its way up: what has been started is written down before anything else is done."""

    site: Site
    compute: Compute
    progress: Progress
    daemons: list[Daemon] = field(default_factory=list)

    def up(self, disk: Path) -> None:
        site = self.site
        make_folders(site)
        self._record()
        services.write_config(site, self.compute)
        self._prepare_stores()
        self._start("MariaDB and RabbitMQ", services.stores(site))
        self._run("keystone's tables, keys and administrator", setup.identity(site))
        self._start("keystone", [services.keystone(site)])
        api = Api(site)
        setup.register(site, api)
        self._run("the tables of placement, glance and nova", setup.schemas(site))
        self._start("placement, glance, nova", self._others())
        self._wait_for_nova(api)
        self.progress("putting the laboratory's guest into glance")
        if self.compute is Compute.NONE:
            guest.upload_images(api, disk, site.data / "guest")
        else:
            setup.upload_image(api, disk)
        write_secret(site.folder / CLOUDS_YAML, clouds_yaml(site, CLOUD))
        self._start_one(services.watcher(site), is_up=True)

    def _others(self) -> Sequence[Service]:
        has_compute = self.compute is not Compute.NONE
        others = services.others(self.site)
        return [one for one in others if has_compute or one.name != services.COMPUTE]

    def _prepare_stores(self) -> None:
        database.prepare(self.site)
        broker.prepare(self.site)

    def _run(self, what: str, commands: Sequence[setup.Command]) -> None:
        self.progress(f"making {what}")
        try:
            for command in commands:
                setup.run_command(self.site, command)
        except Failure:
            self._must_live()  # a service that has ended is the reason rather
            raise

    def _start(self, what: str, started: Sequence[Service]) -> None:
        self.progress(f"starting {what}")
        for service in started:
            self._start_one(service)
        for service, process in zip(started, self.daemons[-len(started) :], strict=True):
            self._wait(service, process)

    def _start_one(self, service: Service, *, is_up: bool = False) -> None:
        def write(process: Daemon) -> None:
            self.daemons.append(process)
            self._record(is_up=is_up)

        start_written(self.site, service, write)

    def _wait(self, service: Service, process: Daemon) -> None:
        def is_ready() -> bool:
            self._must_live()
            return ready.serves(self.site, service, process)

        ready.wait_until(is_ready, timeout_s=READY_S, what=lambda: last_word(self.site, service.name))

    def _must_live(self) -> None:
        for one in self.daemons:
            if not daemon.is_running(one):
                raise Failure(f"a service has ended: {last_word(self.site, one.name)}")

    def _wait_for_nova(self, api: Api) -> None:
        """Wait until nova's own services are up, and make its host one of the cell."""
        wanted = {one.name for one in self._others()} & {"nova-conductor", "nova-scheduler", services.COMPUTE}

        def are_up() -> bool:
            self._must_live()
            return wanted <= api.services_up()

        ready.wait_until(are_up, timeout_s=READY_S, what=lambda: last_word(self.site, min(wanted)))
        setup.run_command(self.site, setup.discover_hosts(self.site))

    def _record(self, *, is_up: bool = False) -> None:
        facts = Record(str(self.site.environment), self.site.ports, tuple(self.daemons), time.time())
        write_record(self.site.folder, replace(facts, is_up=is_up, compute=self.compute.value))
