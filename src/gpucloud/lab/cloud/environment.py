"""The virtual environment of the services: one pinned release, made once and kept in the cache."""

from __future__ import annotations

import hashlib
import sys
from importlib.resources import as_file, files
from pathlib import Path

from gpucloud.lab.cache import ensure
from gpucloud.lab.image.packages import Progress
from gpucloud.lab.process import run

LOCK = files("gpucloud.lab.cloud").joinpath("files", "requirements.txt")


def release() -> dict[str, str]:
    """The versions of the services that are pinned, by the name of their package."""
    pins = (line.split()[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    return {name: version for name, version in pins if name in _SERVICES}


_SERVICES = ("nova", "keystone", "openstack-placement", "glance")


def ensure_environment(cache: Path, progress: Progress) -> Path:
    """The folder of the environment of the present lock, made if it is not in the cache.

    Its programs are to be run as `program` says.

    Raises:
        Failure: packages cannot be had.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    name = f"environment-{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    return ensure(cache / "cloud" / name, lambda part: _make(part, progress))


def _make(folder: Path, progress: Progress) -> None:
    progress("installing OpenStack from PyPI into an environment of its own (once; 2 minutes, 300 MB)")
    run([sys.executable, "-m", "venv", str(folder)], timeout_s=300)
    # The lock is whole, so no dependency is looked for: pip would not take a pin for the same with an extra.
    pip = [python_of(folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    with as_file(LOCK) as lock:
        # Wheels only: nothing of a package is run while it is installed, but for what has none.
        run(
            [
                *pip,
                "--only-binary=:all:",
                "--no-binary=ovs,simplegeneric",
                "--require-hashes",
                "--requirement",
                str(lock),
            ],
            timeout_s=1800,
        )


def python_of(environment: Path) -> str:
    """The interpreter of an environment."""
    return str(environment / "bin" / "python")


def program(environment: Path, name: str) -> tuple[str, str]:
    """How a program of an environment is called: its first line names the place where it was installed."""
    return python_of(environment), str(environment / "bin" / name)
