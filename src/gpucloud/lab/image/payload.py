"""The product on a disk: gpucloud and what it needs to run, for the server's own Python."""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import shutil
import sys
from pathlib import Path

from gpucloud.fleet.shipped import Shipped, shipped_files
from gpucloud.lab.cache import ensure, keep_newest, remove_tree
from gpucloud.lab.image.build import make_ext4

SERVER_PYTHON = (3, 11)
"""Debian 12's Python: compiled files are made for it when this program runs on the same one."""

KEPT = 4
_SPARE_BYTES = 8 * 1024**2


def ensure_payload(cache: Path) -> Path:
    """The disk with this program as it is now, made anew when a file of it has changed.

    The dependencies are those that run this program: their versions are the locked ones.
    """
    shipped = shipped_files()
    made = ensure(cache / "payloads" / _key(shipped), lambda part: _build(part, shipped))
    keep_newest(made.parent, KEPT)
    return made / "disk.raw"


def _key(shipped: list[Shipped]) -> str:
    """Names the content: path, size and time of change of each file, not its bytes (there are a thousand)."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for file in shipped:
        stat = file.source.stat()
        digest.update(repr((str(file.source), stat.st_size, stat.st_mtime_ns)).encode())
    return digest.hexdigest()[:16]


def _build(part: Path, shipped: list[Shipped]) -> None:
    tree = part / "tree"
    for file in shipped:
        place = tree / "lib" / file.target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.source, place)
    if sys.version_info[:2] == SERVER_PYTHON:
        _compile(tree / "lib")
    used = sum(path.stat().st_size + 4096 for path in tree.rglob("*"))
    make_ext4(tree, part / "disk.raw", used * 5 // 4 + _SPARE_BYTES)
    remove_tree(tree)


def _compile(folder: Path) -> None:
    """Compile all: the emulated CPU would take seconds; unchecked, it need not even compare times."""
    compileall.compile_dir(
        folder,
        quiet=2,
        workers=0,
        stripdir=str(folder),
        prependdir="/opt/gpucloud/lib",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
