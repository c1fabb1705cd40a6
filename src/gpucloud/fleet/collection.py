"""The Ansible collection ``gpucloud.host``, which holds the program for hosts, too."""

from __future__ import annotations

import shutil
from pathlib import Path

from gpucloud import __version__
from gpucloud.fleet.program import build_program

NAME = "gpucloud.host"
_SOURCE = Path(__file__).parent / "ansible"
_GALAXY = f"""\
namespace: gpucloud
name: host
version: {__version__}
readme: README.md
authors: [gpucloud]
description: GPUs of a host made ready for guests, with journal and undo
license: [Apache-2.0]
"""


def write_collection(folder: Path) -> Path:
    """Write the collection below a folder of Ansible's ``collections_path``; an older one there is replaced.

    Gives the collection's own folder.

    Raises:
        OSError: it cannot be written.
        Failure: a dependency of the program is not installed.
    """
    program = build_program()
    place = folder / "ansible_collections" / Path(*NAME.split("."))
    if place.exists():
        shutil.rmtree(place)
    shutil.copytree(_SOURCE, place, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "files").mkdir()
    (place / "files/program.tar.gz").write_bytes(program.archive)
    (place / "files/program.key").write_text(f"{program.key}\n")
    (place / "galaxy.yml").write_text(_GALAXY)
    return place
