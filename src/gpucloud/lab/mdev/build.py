"""The kernel's sample drivers of mediated devices, built from Debian's packages of source and headers.

Source: ``samples/vfio-mdev`` of the kernel (Documentation/driver-api/vfio-mediated-device.rst, "Using the
Sample Code"). Nothing of them is shipped; whoever uses a topology that has them builds them once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cache import ensure, keep_newest, remove_tree
from gpucloud.lab.needs import require
from gpucloud.lab.process import run
from gpucloud.lab.topology.devices import SAMPLES
from gpucloud.model.failure import Failure

PROGRAMS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "gcc-12": "gcc-12",
    "make": "make",
    "strip": "binutils",
    "tar": "tar",
    "xz": "xz-utils",
}
"""Program and the Debian package that brings it: of ``packages.txt``, or of every Debian."""

KEPT = 2
_RELEASE = re.compile(r"([0-9]+\.[0-9]+)\.[0-9]+-[0-9]+-amd64")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+~-]{0,60}")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of Debian.

    Args:
        release: as ``uname -r`` prints it: ``6.1.0-56-amd64``.
        version: of its packages: ``6.1.192-2``.
    """

    release: str
    version: str

    def __post_init__(self) -> None:
        """Refuse what is none.

        Raises:
            Failure: Debian has no such kernel.
        """
        if not (_RELEASE.fullmatch(self.release) and _VERSION.fullmatch(self.version)):
            shown = f"{self.release[:60]!r} {self.version[:60]!r}"
            raise Failure(f"the server's kernel is {shown}, and none of Debian's for amd64")

    @property
    def series(self) -> str:
        """What its source package is called by: ``6.1``."""
        return ".".join(self.release.split(".")[:2])

    @property
    def packages(self) -> tuple[str, ...]:
        """The source and the headers, as apt takes them: their version is the kernel's own."""
        flavour = self.release.removesuffix("-amd64")
        names = (
            f"linux-source-{self.series}",
            f"linux-headers-{self.release}",
            f"linux-headers-{flavour}-common",
            f"linux-kbuild-{self.series}",
        )
        return tuple(f"{name}={self.version}" for name in names)


def ensure_samples(cache: Path, kernel: Kernel, progress: Callable[[str], None]) -> Path:
    """The folder with the modules for this kernel, built if it is not in the cache.

    Raises:
        Failure: a program is missing, or the packages cannot be had; nothing half done is left.
    """
    place = cache / "mdev" / f"{kernel.release}-{kernel.version}"
    if not place.is_dir():
        require(*PROGRAMS, packages=PROGRAMS)
    made = ensure(place, lambda part: _build(part, kernel, progress))
    keep_newest(made.parent, KEPT)
    return made


def _build(part: Path, kernel: Kernel, progress: Callable[[str], None]) -> None:
    progress(
        f"building sample drivers of mediated devices for {kernel.release} (once; 150 MB, half a minute)"
    )
    _download(part, kernel)
    root, source = part / "root", part / "source"
    for package in part.glob("*.deb"):
        run(["dpkg-deb", "--extract", str(package), str(root)], timeout_s=300)
    source.mkdir()
    archive = root / f"usr/src/linux-source-{kernel.series}.tar.xz"
    inside = f"linux-source-{kernel.series}/samples/vfio-mdev"
    run(["tar", "-xJf", str(archive), "-C", str(source), "--strip-components=3", inside], timeout_s=600)
    (source / "Makefile").write_text("".join(f"obj-m += {name}.o\n" for name in SAMPLES))
    headers = root / f"usr/src/linux-headers-{kernel.release}"
    _move(headers / "Makefile", root)
    run(["make", "-C", str(headers), f"M={source}", "modules"], timeout_s=600)
    for name in SAMPLES:
        module = f"{name}.ko"
        run(["strip", "--strip-debug", "-o", str(part / module), str(source / module)], timeout_s=60)
    for made in (root, source):
        remove_tree(made)
    for package in part.glob("*.deb"):
        package.unlink()


def _download(part: Path, kernel: Kernel) -> None:
    # As root apt would take a user of its own, who must not look into a folder of the cache.
    command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", *kernel.packages]
    try:
        run(command, timeout_s=900, cwd=part)
    except Failure as failure:
        raise Failure(
            f"source and headers of kernel {kernel.release} {kernel.version} cannot be had: {failure.what}",
            "apt-get update; where Debian has a newer kernel by now, remove the laboratory's images: "
            "rm -r ~/.cache/gpucloud/lab/images",
        ) from failure


def _move(makefile: Path, root: Path) -> None:
    """Let the one line of the headers' Makefile name them where they are: they are not installed."""
    makefile.write_text(makefile.read_text().replace("include /usr/src/", f"include {root}/usr/src/"))
