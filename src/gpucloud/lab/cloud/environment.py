"""The virtual environment of the services: one pinned release, made once and kept in the cache."""

from __future__ import annotations

import hashlib
import re
import sys
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import NamedTemporaryFile

from gpucloud.lab.cache import ensure, keep_newest
from gpucloud.lab.image.packages import Progress
from gpucloud.lab.process import run

LOCK = files("gpucloud.lab.cloud").joinpath("files", "requirements.txt")


def release() -> dict[str, str]:
    """The versions of the services that are pinned, by the name of their package."""
    pins = (line.split()[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    return {name: version for name, version in pins if name in _SERVICES}


_SERVICES = ("nova", "keystone", "openstack-placement", "glance")


KEPT = 2
"""Environments that stay in the cache, of 300 MB each: a cloud that runs may still be of the one before."""


def ensure_environment(cache: Path, progress: Progress) -> Path:
    """The folder of the environment of the present lock, made if it is not in the cache; old ones go.

    Its programs are to be run as `program` says.

    Raises:
        Failure: packages cannot be had.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    name = f"environment-{sys.version_info.major}.{sys.version_info.minor}-{digest}"

    def busy() -> None:
        progress("waiting for another lab cloud that installs OpenStack")

    made = ensure(cache / "cloud" / name, lambda part: _make(part, progress), busy)
    keep_newest(made.parent, KEPT)
    return made


def _make(folder: Path, progress: Progress) -> None:
    progress("installing OpenStack from PyPI into an environment of its own (once; 2 minutes, 300 MB)")
    run([sys.executable, "-m", "venv", str(folder)], timeout_s=300)
    with as_file(LOCK) as lock, NamedTemporaryFile("w", suffix=".txt") as builder:
        builder.write(pin_of("setuptools", lock.read_text()))
        builder.flush()
        for argv in installs(folder, lock, Path(builder.name)):
            run(argv, timeout_s=1800)


def installs(folder: Path, lock: Path, builder: Path) -> tuple[list[str], list[str]]:
    """How the environment is filled: first with what builds, then with all.

    Wheels only: nothing of a package is run while it is installed, but for two that have none. Those are
    built with the setuptools of the lock: pip would fetch any other for it, and check no hash of that.
    The lock is whole, so no dependency is looked for: pip would not take a pin for the same with an extra.
    """
    pip = [python_of(folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = [*pip, "--no-deps", "--require-hashes", "--only-binary=:all:"]
    built = ["--no-binary=ovs,simplegeneric", "--no-build-isolation"]
    return [*pinned, "--requirement", str(builder)], [*pinned, *built, "--requirement", str(lock)]


def pin_of(name: str, lock: str) -> str:
    """The lines of a lock that pin a package and what its files must be."""
    found = re.search(rf"^{re.escape(name)}==.*\n(?:[ \t]+.*\n)*", lock, re.MULTILINE)
    return found.group() if found else ""


def python_of(environment: Path) -> str:
    """The interpreter of an environment."""
    return str(environment / "bin" / "python")


def program(environment: Path, name: str) -> tuple[str, str]:
    """How a program of an environment is called: its first line names the place where it was installed."""
    return python_of(environment), str(environment / "bin" / name)
