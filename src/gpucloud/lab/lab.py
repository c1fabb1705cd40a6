"""The laboratory: brings servers up, finds those that run, takes them down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gpucloud.lab import record
from gpucloud.lab.cache import cache_folder, locked, remove_tree, state_folder
from gpucloud.lab.disk import build as disk
from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.evidence import did_not_come_up
from gpucloud.lab.guest.build import GuestDisks, ensure_guest_disks
from gpucloud.lab.host import LabHost, clear_away
from gpucloud.lab.image.build import ensure_image
from gpucloud.lab.image.payload import ensure_payload
from gpucloud.lab.machine.accelerator import choose_accelerator
from gpucloud.lab.machine.boot import SavedState, Start, Startable
from gpucloud.lab.machine.saved import Making, can_be_saved, ensure_saved
from gpucloud.lab.mdev.load import give_samples
from gpucloud.lab.needs import require
from gpucloud.lab.record import Listed, Record, State
from gpucloud.lab.ssh import Keys
from gpucloud.lab.topology.parse import Topology, load_topology, topology_names
from gpucloud.model.failure import Exit, Failure

Progress = Callable[[str], None]

HOSTS = "hosts"
"""Folder of the running servers in the state folder."""

TIMEOUT_S = 240.0
"""How long a server may take to boot under emulation on a slow machine; 15 s are usual."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a server of a topology starts from."""

    start: Start
    saved: SavedState | None


class Lab:
    """The servers of one user on this machine.

    Args:
        cache: folder of what can be made again (images, saved states); by default the user's.
        state: folder of the running servers; by default the user's.
        progress: told in a line what is being done, where it takes long.
    """

    def __init__(
        self, *, cache: Path | None = None, state: Path | None = None, progress: Progress = lambda _: None
    ) -> None:
        self._cache = cache or cache_folder()
        self._state = state or state_folder()
        self._progress = progress

    @property
    def _hosts(self) -> Path:
        return self._state / HOSTS

    @property
    def _failed(self) -> Path:
        return self._state / "failed"

    def prepare(
        self,
        topology: str | Path | Topology,
        *,
        disk_of: Makes | None = None,
        more: Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Prepared:
        """Make all that a server of this topology starts from, as far as it is not there yet.

        Args:
            topology: as for `up`.
            disk_of: as for `up`.
            more: as for `up`.
            timeout_s: how long a server may take to boot that is to be saved.

        Raises:
            Failure: a program is missing, this is not root, or something could not be made.
        """
        known = topology if isinstance(topology, Topology) else load_topology(topology)
        require("qemu-system-x86_64", "qemu-img", "mke2fs", "ssh", "ssh-keygen", "setpriv")
        accelerator = choose_accelerator(self._cache)
        image: Startable
        if disk_of is None:
            image = ensure_image(self._cache, self._progress)
        else:
            first = disk.Making(self._cache, self._failed, self._progress, accelerator)
            image = disk.ensure_disk(disk_of, first)
        start = Start(known, accelerator, image, ensure_payload(self._cache))
        if not can_be_saved(start):
            return Prepared(replace(start, more=more), None)
        making = Making(self._cache, self._failed, self._progress, timeout_s)
        return Prepared(replace(start, more=more), ensure_saved(start, making))

    def guest_disks(self) -> GuestDisks:
        """Images for guests of servers, made as far as they are not there yet.

        Raises:
            Failure: a program is missing, this is not root, or packages cannot be had.
        """
        return ensure_guest_disks(self._cache, self._progress)

    def up(
        self,
        topology: str | Path | Topology,
        name: str | None = None,
        *,
        disk_of: Makes | None = None,
        more: Path | None = None,
        outlives: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> LabHost:
        """Bring a server up; it takes commands, libvirt runs, stock drivers hold the cards.

        Use it in a ``with``: then it is ended however that is left. Without ``outlives`` the kernel ends it
        when this process ends, even by ``kill -9`` (to be exact: when the thread ends that called this).

        Args:
            topology: its name, the path of a file, or one that was read before.
            name: of the server; by default that of the topology.
            disk_of: it starts with GRUB from its own disk, whose initramfs this made; GRUB's files say
                what its kernel is told. None: the laboratory starts its kernel, as the topology says.
            more: raw image of one more disk, only read, as `gpucloud.lab.machine.render.MORE_DISK`.
            outlives: it goes on when this process ends.
            timeout_s: how long it may take from power-on to taking commands.

        Raises:
            Failure: the name is taken, or the server does not come up; the message names what was kept.
        """
        known = topology if isinstance(topology, Topology) else load_topology(topology)
        host_name = record.check_name(known.name if name is None else name)
        prepared = self.prepare(known, disk_of=disk_of, more=more, timeout_s=timeout_s)
        with locked(self._hosts / host_name):
            host = self._claim(host_name, prepared)
            try:
                began = time.monotonic()
                host.power_on(prepared.saved, outlives=outlives, timeout_s=timeout_s, progress=self._progress)
                if known.mdev:
                    give_samples(host, known.mdev, self._cache, self._progress)
                self._progress(f"{host_name} is up ({time.monotonic() - began:.1f} s)")
            except Failure as failure:
                raise self._give_up(host, failure) from failure
            except BaseException:
                host.down()
                raise
        return host

    def _claim(self, name: str, prepared: Prepared) -> LabHost:
        folder = self._hosts / name
        if record.look(self._hosts, name).state is not State.DEAD:
            raise Failure(
                f"a server named {name} runs already",
                f"gpucloud lab down {name}, or give a --name",
                code=Exit.USAGE,
            )
        remove_tree(folder)
        folder.mkdir(parents=True, mode=0o700)
        start = prepared.start
        facts = Record(
            topology=start.topology.name,
            image=start.image.key,
            accelerator=start.accelerator.name,
            started_at=time.time(),
            start="saved" if prepared.saved else "cold",
        )
        record.write_record(folder, facts)
        (folder / record.TOPOLOGY).write_text(start.topology.source)
        Keys(folder).make()
        return LabHost(name, folder, start.topology, start, self._failed)

    def _give_up(self, host: LabHost, failure: Failure) -> Failure:
        error = did_not_come_up(host.folder, host.name, failure, host.keep_evidence())
        host.down()
        return error

    def hosts(self) -> tuple[Listed, ...]:
        """All servers, by name: running, starting, or dead (its QEMU is gone, its folder is left)."""
        return record.listed(self._hosts)

    def host(self, name: str) -> LabHost:
        """A server that runs.

        Raises:
            Failure: none has that name, or its QEMU has ended.
        """
        listed = record.look(self._hosts, record.check_name(name))
        if not listed.folder.is_dir():
            raise self._no_such(name)
        if listed.state is State.DEAD:
            raise Failure(f"the server {name} has ended", f"gpucloud lab down {name} clears it away")
        return LabHost.running(name, listed.folder, self._failed)

    def _no_such(self, name: str) -> Failure:
        if name in topology_names():
            then = f"bring it up: gpucloud lab up {name}"
        elif names := ", ".join(host.name for host in self.hosts()):
            then = f"there are: {names}"
        else:
            then = "there are none; gpucloud lab topologies lists what gpucloud lab up can bring up"
        return Failure(f"no server is named {name}", then, code=Exit.USAGE)

    def down(self, name: str) -> Path | None:
        """End a server, or clear away one that has ended; then gives the folder its logs were kept in.

        Raises:
            Failure: none has that name.
        """
        listed = record.look(self._hosts, record.check_name(name))
        if not listed.folder.is_dir():
            raise self._no_such(name)
        kept = None
        if listed.state is State.DEAD and (listed.folder / record.TOPOLOGY).exists():
            kept = LabHost.running(name, listed.folder, self._failed).keep_evidence()
        clear_away(listed.folder)
        return kept
