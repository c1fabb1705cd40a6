"""What the disks of servers hold that start by a boot loader. A change of anything here makes new ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from importlib.resources import files
from pathlib import PurePosixPath

from gpucloud.lab.image import recipe as direct
from gpucloud.lab.image.packages import LEFT_OUT, SUITES, Packages


class Makes(StrEnum):
    """What makes the initramfs of a server."""

    INITRAMFS_TOOLS = "initramfs-tools"
    DRACUT = "dracut"


_OWN = ("grub-pc", "fdisk", "ifupdown")
_DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "ext4", "crc32c_generic")

SYSTEMS = {
    Makes.INITRAMFS_TOOLS: Packages(
        (*direct.PACKAGES, *_OWN, "initramfs-tools"),
        files={
            # An initramfs with drivers for every disk there is takes minutes to make under emulation.
            "etc/initramfs-tools/conf.d/lab": "MODULES=list\nCOMPRESS=gzip\n",
            "etc/initramfs-tools/modules": "".join(f"{module}\n" for module in _DRIVERS),
        },
    ),
    Makes.DRACUT: Packages(
        (*direct.PACKAGES, *_OWN, "dracut"),
        files={
            # Drivers by name: the first image is made where none of the server's hardware is to be seen.
            "etc/dracut.conf.d/20-lab.conf": 'hostonly="yes"\nhostonly_cmdline="no"\ncompress="gzip"\n'
            f'add_drivers+=" {" ".join(_DRIVERS)} "\n',
        },
    ),
}
"""The packages of every server, with what lets it start from its own disk."""

DISK_MIB = 8192
ROOT_START_SECTOR = 2048
"""In sectors of 512 bytes; the gap before it holds GRUB's core image, as the BIOS starts it."""
PARTITIONS = f"label: dos\nstart={ROOT_START_SECTOR}, type=83, bootable\n"
"""For sfdisk(8)."""

FIRST_START = ("root=/dev/vda1", "norandmaps")
"""Arguments of the kernel for the one start without a boot loader, in which the loader is installed."""

FINISH = {
    Makes.INITRAMFS_TOOLS: ("update-initramfs", "-u", "-k", "all"),
    Makes.DRACUT: ("dracut", "--force", "--regenerate-all"),
}
"""Makes the initramfs on the server itself: in the folder it was built in there is no hardware."""
LOADER = (("grub-install", "--target=i386-pc", "/dev/vda"), ("update-grub",))


def tree() -> Iterator[tuple[PurePosixPath, bytes, int]]:
    """The files that are laid over the packages, the disk's own last: path below the root, content, mode."""
    yield from direct.tree()
    yield from direct.walk(files("gpucloud.lab.disk").joinpath("files"), PurePosixPath())


def recipe_key(makes: Makes) -> str:
    """A name for the disk that this recipe makes: equal recipes, equal names."""
    parts = (
        *(SYSTEMS[makes], SUITES, LEFT_OUT, DISK_MIB, PARTITIONS, FIRST_START),
        *(FINISH[makes], LOADER, direct.MASKED, direct.ENABLED, *tree()),
    )
    return f"{makes.value}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
