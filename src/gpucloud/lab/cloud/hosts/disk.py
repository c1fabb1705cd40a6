"""OpenStack on a disk: what a server's own Python needs of the environment to run nova-compute."""

from __future__ import annotations

import sys
from pathlib import Path

from gpucloud.lab.cache import ensure, keep_newest
from gpucloud.lab.cloud.environment import KEPT
from gpucloud.lab.image.build import make_ext4
from gpucloud.lab.image.packages import Progress
from gpucloud.lab.image.payload import SERVER_PYTHON
from gpucloud.lab.process import run
from gpucloud.model.failure import Failure

_SPARE_BYTES = 64 * 1024**2


def ensure_environment_disk(cache: Path, environment: Path, progress: Progress) -> Path:
    """The disk with the packages of an environment, made if it is not in the cache.

    libvirt is not among them: its module is Debian's, as the server's libvirt is.

    Raises:
        Failure: the environment is of a Python that servers do not have.
    """
    if sys.version_info[:2] != SERVER_PYTHON:
        wanted = ".".join(map(str, SERVER_PYTHON))
        raise Failure(
            f"the servers' Python is {wanted}, and what was compiled for another one does not run there",
            f"run gpucloud with Python {wanted}",
        )
    made = ensure(cache / "environments" / environment.name, lambda part: _build(part, environment, progress))
    keep_newest(made.parent, KEPT)
    return made / "disk.raw"


def _build(part: Path, environment: Path, progress: Progress) -> None:
    progress("writing OpenStack onto a disk for servers (once; 20 s, 600 MB)")
    (packages,) = environment.glob("lib/python*/site-packages")
    used = int(run(["du", "-s", "--block-size=1", str(packages)], timeout_s=120).stdout.split()[0])
    make_ext4(packages, part / "disk.raw", used * 5 // 4 + _SPARE_BYTES)
