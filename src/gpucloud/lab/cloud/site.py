"""Where one cloud is: its folder, its ports on loopback, its secrets."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cache import state_folder, take

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


def free_ports() -> dict[str, int]:
    """A port of loopback for each of `PORTS` that nobody listens on now."""
    with ExitStack() as open_until_all_are_known:
        found = {}
        for name in PORTS:
            listening = open_until_all_are_known.enter_context(socket.socket())
            listening.bind((HOST, 0))
            found[name] = listening.getsockname()[1]
    return found


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
