"""What is kept of each running server: one folder, a small file of facts, and the truth about its process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from gpucloud.lab.machine.qemu import is_running
from gpucloud.lab.topology.parse import NAME
from gpucloud.model.failure import Exit, Failure

RECORD = "host.json"
TOPOLOGY = "topology.toml"


class State(StrEnum):
    """Whether a server runs: ``STARTING`` until it takes commands, ``DEAD`` when its QEMU is gone."""

    STARTING = "starting"
    UP = "up"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Record:
    """Facts of a server that its folder keeps.

    Attributes:
        topology: the name of its topology; the text is beside this file.
        image: key of the image it was made from.
        accelerator: ``kvm`` or ``tcg``.
        started_at: seconds since 1970.
        start: ``cold`` or ``saved``.
        port: of ssh on 127.0.0.1; None until the server takes commands.
    """

    topology: str
    image: str
    accelerator: str
    started_at: float
    start: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A server as ``gpucloud lab list`` shows it; ``record`` is None when its file cannot be read."""

    name: str
    folder: Path
    state: State
    record: Record | None


def write_record(folder: Path, record: Record) -> None:
    """Write the facts whole: a reader sees the old ones or the new ones."""
    part = folder / f"{RECORD}.part"
    part.write_text(json.dumps(asdict(record)))
    part.replace(folder / RECORD)


def read_record(folder: Path) -> Record | None:
    """The facts of a server, or None where there is no file of them that is whole."""
    try:
        data = json.loads((folder / RECORD).read_text())
        return Record(**data)
    except (OSError, ValueError, TypeError):
        return None


def check_name(name: str) -> str:
    """Refuse a name that is not one; it becomes the name of a folder.

    Raises:
        Failure: saying what a name may be.
    """
    if not NAME.fullmatch(name):
        raise Failure(
            f"{name!r} cannot be the name of a server",
            "use lower case letters, digits and dashes, at most 40",
            code=Exit.USAGE,
        )
    return name


def look(hosts: Path, name: str) -> Listed:
    """What is true of one server now."""
    folder = hosts / name
    record = read_record(folder)
    if not is_running(folder):
        return Listed(name, folder, State.DEAD, record)
    return Listed(name, folder, State.UP if record and record.port else State.STARTING, record)


def listed(hosts: Path) -> tuple[Listed, ...]:
    """All servers that have a folder, by name."""
    if not hosts.is_dir():
        return ()
    names = sorted(entry.name for entry in hosts.iterdir() if entry.is_dir() and NAME.fullmatch(entry.name))
    return tuple(look(hosts, name) for name in names)
