"""What the verbs of nova are given: files of its services, and the devices of a host."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.output import Shape
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpucloud.nova.config import ConfigFile, Configuration
    from gpucloud.nova.machine import Machine

ReleaseOption = Annotated[
    str, typer.Option("--release", metavar="REL", help="Which nova: 31, 31.3.1, 2025.1, epoxy.")
]
DEVICES = typer.Option(
    "--devices",
    metavar="CAPTURE|JSON",
    help="The devices of the host: a capture (`gpucloud capture`), or a list in JSON with address, "
    "vendor_id, product_id, dev_type, parent_addr, numa_node.",
)
ShapeOption = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]

_MOST_BYTES = 4 * 1024 * 1024
"""Of one file."""


def read_files(paths: Sequence[Path]) -> Configuration:
    """Read files in their order; of a directory its ``*.conf`` by name, as ``--config-dir`` does.

    Raises:
        Failure: one cannot be read, is too large, or is no text.
    """
    from gpucloud.nova.config import Configuration

    return Configuration(tuple(_read_all(paths)))


def _read_all(paths: Sequence[Path]) -> Iterable[ConfigFile]:
    for path in paths:
        for one in sorted(path.glob("*.conf")) if path.is_dir() else [path]:
            yield _read(one)


def _read(path: Path) -> ConfigFile:
    from gpucloud.nova.config import read_config_file

    return read_config_file(*text_of(path))


def text_of(path: Path) -> tuple[str, str]:
    """What a file is called in messages, and its text."""
    if path == Path("-"):
        data, name = sys.stdin.buffer.read(_MOST_BYTES + 1), "<stdin>"
    else:
        name = str(path)
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise Failure(f"{name} is larger than {_MOST_BYTES} bytes", "give a nova.conf", code=Exit.USAGE)
    try:
        return name, data.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            f"{name} is no text in UTF-8 at byte {error.start}", "nova cannot read it either"
        ) from error


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
