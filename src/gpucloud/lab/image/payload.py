"""The product on a disk: gpucloud and what it needs to run, for the server's own Python."""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from gpucloud.lab.cache import ensure, keep_newest, remove_tree
from gpucloud.lab.image.build import make_ext4
from gpucloud.model.failure import Failure

PRODUCT = "gpucloud"
SERVER_PYTHON = (3, 11)
"""Debian 12's Python: compiled files are made for it when this program runs on the same one."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")
KEPT = 4
_SPARE_BYTES = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Shipped:
    """One file that travels: where it is here, and where it goes below the disk's ``lib``."""

    source: Path
    target: Path


def ensure_payload(cache: Path) -> Path:
    """The disk with this program as it is now, made anew when a file of it has changed.

    The dependencies are those that run this program: their versions are the locked ones.
    """
    import gpucloud

    shipped = [*_package(Path(gpucloud.__file__).parent), *_dependencies()]
    made = ensure(cache / "payloads" / _key(shipped), lambda part: _build(part, shipped))
    keep_newest(made.parent, KEPT)
    return made / "disk.raw"


def _package(folder: Path) -> Iterator[Shipped]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield Shipped(path, Path(PRODUCT) / path.relative_to(folder))


def _dependencies() -> Iterator[Shipped]:
    for found in required_distributions(PRODUCT):
        for file in found.files or ():
            path = Path(str(file.locate()))
            if ".." not in file.parts and path.suffix != ".pyc" and path.is_file():
                yield Shipped(path, Path(*file.parts))


def required_distributions(product: str) -> list[Distribution]:
    """What a distribution needs to run, and what that needs, as installed here; by name.

    A requirement with a condition (``; python_version < "3.11"``) counts when it is installed.

    Raises:
        Failure: one without a condition is not installed.
    """
    wanted, found = [(product, False)], dict[str, Distribution]()
    while wanted:
        name, is_optional = wanted.pop()
        try:
            found[name] = found.get(name) or distribution(name)
        except PackageNotFoundError as error:
            if is_optional:
                continue
            raise Failure(f"the Python package {name} is not installed", "run: ./run setup") from error
        for requirement in found[name].requires or ():
            match, _, condition = requirement.partition(";")
            needed = _NAME.match(match)
            if needed and needed[0] not in found and "extra" not in condition:
                wanted.append((needed[0], bool(condition)))
    del found[product]
    return [found[name] for name in sorted(found)]


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
