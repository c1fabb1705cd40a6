"""The image that all servers start from: a Debian root file system, its kernel and a small initrd."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from gpucloud.lab.cache import ensure, keep_newest, remove_tree
from gpucloud.lab.image import recipe
from gpucloud.lab.image.kernel import extract_elf, modules_in_order, render_initrd
from gpucloud.lab.image.packages import Progress, install
from gpucloud.lab.machine.render import Direct
from gpucloud.lab.needs import require, require_root
from gpucloud.lab.process import run
from gpucloud.lab.topology.parse import Topology

KEPT = 2
"""Images that are kept: two checkouts of this program may take turns."""


@dataclass(frozen=True, slots=True)
class Image:
    """The files of a built image; all are only read."""

    folder: Path

    @property
    def key(self) -> str:
        """Equal for images of equal recipes."""
        return self.folder.name

    @property
    def disk(self) -> Path:
        """The root file system, a raw ext4 image."""
        return self.folder / "disk.raw"

    disk_format: ClassVar = "raw"

    @property
    def bz_image(self) -> Path:
        """The kernel as Debian ships it: started by the firmware, which can set a video mode."""
        return self.folder / "bzImage"

    @property
    def elf(self) -> Path:
        """The same kernel uncompressed: the fast start."""
        return self.folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    def direct(self, topology: Topology) -> Direct:
        """How a server starts from it. A video mode is set by the firmware, which only starts a bzImage."""
        kernel = self.bz_image if topology.boot_console else self.elf
        return Direct(str(kernel), str(self.initrd))


def ensure_image(cache: Path, progress: Progress) -> Image:
    """The image of the present recipe, built if it is not in the cache.

    Raises:
        Failure: a program is missing, this is not root, or packages cannot be had; nothing half done is left.
    """
    place = cache / "images" / recipe.recipe_key()
    if not place.is_dir():
        require("mmdebstrap", "mke2fs", "unshare")
        require_root()
    image = Image(ensure(place, lambda part: _build(part, cache / "packages", progress)))
    keep_newest(place.parent, KEPT)
    return image


def _build(part: Path, packages: Path, progress: Progress) -> None:
    began = time.monotonic()
    progress("building the laboratory's image from Debian packages (once; 2 minutes)")
    root = part / "root"
    install(recipe.SYSTEM, root, [packages], progress)
    lay_over(root, recipe.tree())
    _take_kernel(root, part)
    progress("writing the disk")
    make_ext4(root, part / "disk.raw", recipe.DISK_BYTES)
    remove_tree(root)
    progress(f"image built in {time.monotonic() - began:.0f} s")


def lay_over(root: Path, tree: Iterable[tuple[PurePosixPath, bytes, int]]) -> None:
    """Put a recipe's own files over the packages, and take out what was only for the build."""
    for path, content, mode in tree:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        place.chmod(mode)
    units = root / "etc/systemd/system"
    mask(root, recipe.MASKED)
    for unit in recipe.ENABLED:
        _link(units / "multi-user.target.wants" / unit, Path("/etc/systemd/system") / unit)
    (root / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    # Without an id systemd takes each boot for the first one, and sets up much anew.
    (root / "etc/machine-id").write_text("6c61626f7261746f72792d7365727665\n")


def mask(root: Path, units: Iterable[str]) -> None:
    """Keep units of systemd from being started."""
    for unit in units:
        _link(root / "etc/systemd/system" / unit, Path("/dev/null"))


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def _take_kernel(root: Path, part: Path) -> None:
    (release,) = sorted(entry.name for entry in (root / "lib/modules").iterdir())
    modules = root / "lib/modules" / release
    bz_image = (root / "boot" / f"vmlinuz-{release}").read_bytes()
    (part / "bzImage").write_bytes(bz_image)
    (part / "vmlinux").write_bytes(extract_elf(bz_image))
    order = modules_in_order((modules / "modules.dep").read_text(), recipe.BOOT_MODULES)
    loaded = [(path.name, (modules / path).read_bytes()) for path in order]
    busybox = (root / "bin/busybox").read_bytes()
    (part / "initrd").write_bytes(render_initrd(recipe.INIT, {"busybox": busybox}, loaded))


def make_ext4(tree: Path, disk: Path, size_bytes: int, *, start_bytes: int = 0, label: str = "") -> None:
    """Write a folder into a new ext4 image, or into one in a partition, without mounting anything."""
    what = ["-t", "ext4", "-L", label, "-E", f"offset={start_bytes}", "-d", str(tree)]
    run(["mke2fs", "-q", "-F", *what, str(disk), f"{size_bytes // 1024}k"], timeout_s=600)


def inside(root: Path, *argv: str, stdin: str = "") -> None:
    """Run a program of a new system: this machine need not have it."""
    run(["chroot", str(root), *argv], timeout_s=120, stdin=stdin.encode())
