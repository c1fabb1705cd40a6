"""What the laboratory needs on the machine it runs on, and one clear line where it is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.resources import files

from gpucloud.model.failure import Failure

PROGRAMS = {
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}
"""Program and the Debian package that brings it; each package is in ``packages.txt``."""


def packages() -> tuple[str, ...]:
    """The Debian packages of ``packages.txt``, the one list that ``./run`` installs from."""
    lines = files("gpucloud.lab").joinpath("packages.txt").read_text().splitlines()
    return tuple(name for line in lines if (name := line.partition("#")[0].strip()))


def search_path() -> str:
    """PATH with the folders of system programs, which a user's PATH may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def require(*programs: str, path: str | None = None, packages: Mapping[str, str] = PROGRAMS) -> None:
    """Check that programs are there, on the search path or the given one.

    Args:
        programs: their names.
        path: where they are looked for.
        packages: the Debian package of each.

    Raises:
        Failure: naming all that are missing, with the command that installs them.
    """
    missing = [name for name in programs if shutil.which(name, path=path or search_path()) is None]
    if missing:
        wanted = " ".join(sorted({packages[name] for name in missing}))
        raise Failure(
            f"the laboratory needs {', '.join(missing)}, not found on this machine",
            f"install: apt-get install --no-install-recommends {wanted}",
        )


def require_root() -> None:
    """Check that this runs as root: images hold files of root, and mmdebstrap needs mounts of its own.

    Raises:
        Failure: when it does not.
    """
    if os.geteuid() != 0:
        raise Failure("building the laboratory's image needs root", "run the same command with sudo")
