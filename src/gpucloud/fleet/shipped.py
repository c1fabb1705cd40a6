"""The files of gpucloud and of what it needs to run, as installed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from gpucloud.model.failure import Failure

PRODUCT = "gpucloud"

_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Shipped:
    """One file that travels: where it is here, and where it goes below a folder of ``sys.path``."""

    source: Path
    target: Path


def shipped_files() -> list[Shipped]:
    """This program as it is now, and the dependencies that run it: their versions are the locked ones.

    Raises:
        Failure: a dependency is not installed.
    """
    import gpucloud

    return [*_package(Path(gpucloud.__file__).parent), *_dependencies()]


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
