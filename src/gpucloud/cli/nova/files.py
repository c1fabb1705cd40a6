"""What the verbs of nova are given: files of its services, and the devices of a host."""

from __future__ import annotations

import os
import re
import sys
from errno import ENOENT
from os import strerror
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.given import STANDARD_INPUT, waiting
from gpucloud.cli.typed.complete import releases
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpucloud.nova.config import ConfigFile, Configuration
    from gpucloud.nova.machine import Machine

ReleaseOption = Annotated[
    str,
    typer.Option(
        "--release", metavar="REL", autocompletion=releases, help="Which nova: 31, 31.3.1, 2025.1, epoxy."
    ),
]
DEVICES = typer.Option(
    "--devices",
    metavar="CAPTURE|JSON",
    help="The devices of the host: a capture (`gpucloud capture`), or a list in JSON with address, "
    "vendor_id, product_id, dev_type, parent_addr, numa_node, mdev_types.",
)

_ARCHIVE = re.compile(r"\.(tar(\.[a-z0-9]+)?|tgz|json)$")
_MOST_BYTES = 4 * 1024 * 1024
"""Of one file."""


def read_files(paths: Sequence[Path]) -> Configuration:
    """Read files in their order; of a directory its ``*.conf`` by name, as ``--config-dir`` does.

    Raises:
        Failure: one is too large, or a directory has none.
        OSError: one cannot be read, though it is there.
    """
    from gpucloud.nova.config import Configuration

    return Configuration(tuple(_read_all(paths)))


def _read_all(paths: Sequence[Path]) -> Iterable[ConfigFile]:
    for path in paths:
        for one in _files_in(path) if path.is_dir() else [path]:
            yield _read(one)


def _files_in(folder: Path) -> list[Path]:
    """Nova would start without any of them: it is not what somebody means who names the folder."""
    found = sorted(folder.glob("*.conf"))
    if not found:
        raise Failure(
            f"there is no *.conf in {folder}", "name the file, or the folder it is in", code=Exit.USAGE
        )
    return found


def _read(path: Path) -> ConfigFile:
    """A file under the name that nova prints; one that nova cannot use says why, with nova's message."""
    from gpucloud.nova.config import ConfigFile, Unusable, read_config_file

    name, data = _bytes_of(path)
    if data is None:
        message = f"Failed to find some config files: {name}"
        return ConfigFile(name, (), Unusable(name, "ConfigFilesNotFoundError", message))
    try:
        return read_config_file(name, data.decode())
    except UnicodeDecodeError as error:
        return ConfigFile(name, (), Unusable(name, "UnicodeDecodeError", str(error)))


def text_of(path: Path) -> tuple[str, str]:
    """What a file is called in messages, and its text.

    Raises:
        Failure: there is none, it is too large, or it is no text.
    """
    name, data = _bytes_of(path)
    if data is None:
        raise FileNotFoundError(ENOENT, strerror(ENOENT), str(path))
    try:
        return name, data.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            f"{name} is no text in UTF-8 at byte {error.start}", "nova cannot read it either"
        ) from error


def _bytes_of(path: Path) -> tuple[str, bytes | None]:
    """The absolute path, as oslo.config prints it, and what is there; None where nothing is."""
    if path == STANDARD_INPUT:
        with waiting(path):
            name, data = "<stdin>", sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        place = path.expanduser()
        name = os.path.abspath(place)  # noqa: PTH100 - links stay as they are, as in oslo's messages
        try:
            with waiting(place), place.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return name, None
    if len(data) > _MOST_BYTES:
        raise Failure(f"{name} is larger than {_MOST_BYTES} bytes", "give a nova.conf", code=Exit.USAGE)
    return name, data


def named_place(text: str) -> tuple[str, str]:
    """``NAME=PLACE``; a path may hold ``=``, so what stands before it is a name only without a slash.

    Raises:
        Failure: the place is empty, as of a variable that is not set.
    """
    name, found, place = text.partition("=")
    is_named = found and "/" not in name
    if not (place if is_named else text):
        raise Failure(
            f"'{text}' names no host", "give it as [NAME=]CAPTURE or [NAME=]USER@HOST", code=Exit.USAGE
        )
    return (name, place) if is_named else ("", text)


def name_of_capture(path: str) -> str:
    """The name of a host whose capture was given without one; of ``/``, which has none, this machine's."""
    name = Path(path).resolve().name
    return _ARCHIVE.sub("", name) or name or os.uname().nodename


def machine_from(path: Path) -> Machine:
    """The devices of a capture, or of a list in JSON.

    Raises:
        Failure: it is neither.
    """
    from gpucloud.nova.machine import machine_of, parse_devices

    if path.suffix == ".json" and path.is_file():
        return parse_devices(path.read_text(encoding="utf-8", errors="replace"))
    from gpucloud.cli.hosts import host_from

    return machine_of(host_from(path, None))
