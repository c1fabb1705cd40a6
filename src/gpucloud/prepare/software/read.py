"""An operator's package looked at before it is planned to install it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gpucloud.model.change import Installed
from gpucloud.model.failure import Exit, Failure, code_of
from gpucloud.model.plan import Software
from gpucloud.prepare.steps.package import RUN_NAME
from gpucloud.slices.driver.package import HEAD_BYTES, Kind, Package, parse_package

_THEN = "give NVIDIA's package for hosts, from its licensing portal"


def read_package(path: Path) -> Package:
    """Look into a package.

    Raises:
        Failure: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            return parse_package(path.name, file.read(HEAD_BYTES))
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}", _THEN, code=code_of(error)) from error
    except ValueError as error:
        raise Failure(f"{path}: {error}", _THEN, code=Exit.USAGE) from error


def read_software(path: Path, earlier: Path | None, guest_driver: int | None) -> Software:
    """What is to be installed, and what undo installs again.

    Raises:
        Failure: a package cannot be read, is not for hosts or says no version, or the two are of two kinds.
    """
    package, old = read_package(path), None if earlier is None else read_package(earlier)
    if old is not None and old.kind is not package.kind:
        what = f"{old.file} is a .{old.kind}, and {package.file} a .{package.kind}"
        raise Failure(what, "undo needs the earlier package of the same kind", code=Exit.USAGE)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}", _THEN, code=code_of(error)) from error
    return Software(
        by=package.kind.value,
        package=_installed(package, path),
        sha256=digest,
        release=package.release,
        guest_driver=guest_driver,
        earlier=None if old is None or earlier is None else _installed(old, earlier),
    )


def _installed(package: Package, path: Path) -> Installed:
    if package.is_for_hosts is not True:
        what = f"{package.file} is not the vGPU manager for hosts, as far as its name says"
        raise Failure(what, _THEN, code=Exit.USAGE)
    if not isinstance(package.version, str):
        raise Failure(f"{package.file}: {package.version.why}", _THEN, code=Exit.USAGE)
    name = RUN_NAME if package.kind is Kind.RUN else package.name
    return Installed(name, package.version, str(path.absolute()))
