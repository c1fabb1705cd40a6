"""Where one cloud is: its folder, its ports on loopback, its secrets."""

from __future__ import annotations

import os
import random
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cache import state_folder, take
from gpucloud.model.failure import Failure

HOST = "127.0.0.1"
"""The only address that anything of the cloud listens on."""

PORTS = ("database", "broker", "nodes", "node", "keystone", "placement", "glance", "network", "nova")
"""What listens; ``nodes`` is Erlang's epmd, which knows where ``node``, RabbitMQ's Erlang, does."""

SECRETS = ("database", "broker", "admin", "services")
"""Whose password each is: all services share one account's, as they share the machine."""


@dataclass(frozen=True, slots=True)
class Site:
    """All that differs from one cloud to the next.

    Attributes:
        folder: holds everything of the cloud.
        environment: the virtual environment with OpenStack.
        ports: by the names in `PORTS`.
        passwords: by the names in `SECRETS`.
    """

    folder: Path
    environment: Path
    ports: Mapping[str, int]
    passwords: Mapping[str, str]

    @property
    def config(self) -> Path:
        """Folder of configuration files: they hold passwords."""
        return self.folder / "config"

    @property
    def logs(self) -> Path:
        """Folder of one log for each service."""
        return self.folder / "logs"

    @property
    def data(self) -> Path:
        """Folder of what the services keep, a folder for each."""
        return self.folder / "data"

    @property
    def tmp(self) -> Path:
        """Folder of temporary files, which marks all processes of this cloud."""
        return tmp_of(self.folder)

    def url(self, port: str) -> str:
        """Where an API is, without an end."""
        return f"http://{HOST}:{self.ports[port]}"


def place_of(state: Path | None = None) -> Path:
    """The folder of the user's cloud: there is one."""
    return (state or state_folder()) / "cloud"


def tmp_of(folder: Path) -> Path:
    """The folder of temporary files of the cloud in a folder."""
    return folder / "data" / "tmp"


@contextmanager
def alone(folder: Path, busy: Callable[[], None]) -> Iterator[None]:
    """Be the only one that makes or ends the cloud of a folder.

    What is locked is the folder that it is in: a file for it would be left when the cloud is gone.

    Args:
        folder: of the cloud; need not be there.
        busy: called before another one is waited for; what it raises ends the wait.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        take(handle, busy)
        yield
    finally:
        os.close(handle)


def free_ports(lent: Path = Path("/proc/sys/net/ipv4/ip_local_port_range")) -> dict[str, int]:
    """A port of loopback for each of `PORTS` that nobody listens on now.

    None is of the range that the kernel lends to whoever asks for any port: between now and the moment when
    a service takes its own, another program would get it, and be sent the passwords.

    Args:
        lent: file with the first and the last port of that range (ip-sysctl.rst of the kernel).

    Raises:
        Failure: there are not enough.
    """
    first, last = map(int, lent.read_text().split())
    others = [port for port in range(_LOWEST, 65536) if not first <= port <= last]
    free = (port for port in random.SystemRandom().sample(others, len(others)) if _is_free(port))
    found = dict(zip(PORTS, free, strict=False))
    if len(found) < len(PORTS):
        raise Failure(
            f"no {len(PORTS)} ports are free from {_LOWEST} on beside {first} to {last}",
            "narrow what the kernel lends: sysctl net.ipv4.ip_local_port_range='32768 60999'",
        )
    return found


_LOWEST = 10_000
"""Below are the ports that well-known services have."""


def _is_free(port: int) -> bool:
    with socket.socket() as asking:
        try:
            asking.bind((HOST, port))
        except OSError:
            return False
    return True


def new_passwords() -> dict[str, str]:
    """A password for each of `SECRETS`, of letters and digits: they stand in URLs and in SQL."""
    return {name: secrets.token_hex(16) for name in SECRETS}


def make_folders(site: Site) -> None:
    """Make the folders that nobody else can look into."""
    for folder in (site.folder, site.config, site.logs, site.data, site.tmp):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from the first byte on."""
    path.touch(mode=0o600)
    path.write_text(text)
