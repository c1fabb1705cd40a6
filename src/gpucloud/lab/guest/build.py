"""Guests' disks from Debian packages: partitions, boot loader, kernel, system. Nothing is mounted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cache import ensure, keep_newest, remove_tree
from gpucloud.lab.guest import recipe
from gpucloud.lab.image.build import inside, make_ext4, mask
from gpucloud.lab.image.packages import Progress, install
from gpucloud.lab.image.recipe import MASKED
from gpucloud.lab.needs import require, require_root
from gpucloud.lab.process import run

KEPT = 1
_MADE = "made"
"""Folder in the system in which its own programs make what goes onto the disk."""


@dataclass(frozen=True, slots=True)
class GuestDisks:
    """The built images, in qcow2; both start with UEFI, and both are only read."""

    folder: Path

    @property
    def good(self) -> Path:
        """A whole Debian with GRUB, its kernel and initrd, systemd and cloud-init."""
        return self.folder / "good.qcow2"

    @property
    def panics(self) -> Path:
        """GRUB and a kernel that finds no root."""
        return self.folder / "panics.qcow2"


def ensure_guest_disks(cache: Path, progress: Progress) -> GuestDisks:
    """The disks of the present recipe, built if they are not in the cache.

    Raises:
        Failure: a program is missing, this is not root, or packages cannot be had; nothing half done is left.
    """
    place = cache / "guests" / recipe.recipe_key()
    if not place.is_dir():
        require("mmdebstrap", "mke2fs", "qemu-img", "unshare")
        require_root()
    stores = [cache / "guest-packages", cache / "packages"]
    disks = GuestDisks(ensure(place, lambda part: _build(GuestDisks(part), stores, progress)))
    keep_newest(place.parent, KEPT)
    return disks


def _build(disks: GuestDisks, stores: list[Path], progress: Progress) -> None:
    began = time.monotonic()
    progress("building a guest's disk from Debian packages (once; 2 minutes)")
    root, made = disks.folder / "root", disks.folder / _MADE
    install(recipe.SYSTEM, root, stores, progress)
    for path, content in recipe.FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    mask(root, MASKED)
    (root / _MADE).mkdir()
    _make_partitions(root)
    for image, first, files in (
        (disks.good, recipe.FIND_ROOT, ()),
        (disks.panics, recipe.NO_ROOT, ["vmlinuz"]),
    ):
        _make_esp(root, image.stem, first, files)
    (root / _MADE).rename(made)
    progress("writing the disks")
    disk = made / "disk"
    _put_esp(disk, made / "panics.esp", disks.panics)
    _make_root(root, disk)
    _put_esp(disk, made / "good.esp", disks.good)
    for folder in (root, made):
        remove_tree(folder)
    progress(f"guest's disk built in {time.monotonic() - began:.0f} s")


def _make_partitions(root: Path) -> None:
    disk = root / _MADE / "disk"
    with disk.open("wb") as file:
        file.truncate(recipe.DISK_MIB << 20)
    inside(root, "sfdisk", "--quiet", f"/{_MADE}/disk", stdin=recipe.PARTITIONS)


def _make_esp(root: Path, name: str, first: str, files: Sequence[str]) -> None:
    """Make an EFI system partition with GRUB where firmware looks by itself (UEFI 2.10, 3.5.1.1)."""
    esp, script, grub = (f"/{_MADE}/{name}.{kind}" for kind in ("esp", "cfg", "efi"))
    root.joinpath(script.lstrip("/")).write_text(first)
    how = ["-O", "x86_64-efi", "-p", "/boot/grub", "-c", script, "-o", grub]
    inside(root, "grub-mkimage", *how, *recipe.GRUB_MODULES)
    inside(root, "mformat", "-C", "-i", esp, "-T", str(recipe.ESP_SECTORS), "-h", "64", "-s", "32", "::")
    inside(root, "mmd", "-i", esp, "::/EFI", "::/EFI/BOOT")
    inside(root, "mcopy", "-i", esp, grub, "::/EFI/BOOT/BOOTX64.EFI")
    for file in files:
        inside(root, "mcopy", "-i", esp, f"/{file}", f"::/{file}")


def _put_esp(disk: Path, esp: Path, image: Path) -> None:
    """Write an EFI system partition to its place on the disk, and the disk as an image."""
    with disk.open("r+b") as file:
        file.seek(recipe.ESP_START_SECTOR * 512)
        file.write(esp.read_bytes())
    how = ["-O", "qcow2", "-c", "-o", "compression_type=zstd"]
    run(["qemu-img", "convert", "-f", "raw", *how, str(disk), str(image)], timeout_s=600)


def _make_root(root: Path, disk: Path) -> None:
    start = recipe.ROOT_START_SECTOR * 512
    # The last MiB holds the second copy of the partition table.
    size = (recipe.DISK_MIB << 20) - start - (1 << 20)
    make_ext4(root, disk, size, start_bytes=start, label=recipe.LABEL)
