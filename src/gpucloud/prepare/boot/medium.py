"""What GRUB's own files lie on: it counts tries in one of them, and writes only where that is safe.

Sources: GRUB's manual, "The GRUB environment block": a plain disk (no LVM or RAID) with a file system that
has no checksums (no ZFS); of btrfs it can write a place in the header alone, which is no file. Debian's
``grub.d/00_header``, ``check_writable``, asks for the same. What is encrypted it can write
(grub-core/disk/cryptodisk.c, ``grub_cryptodisk_write``).
"""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.storage import parse_mountinfo
from gpucloud.model.unknown import Unknown

_CHECKED = ("btrfs", "zfs")
_MOUNTS = "/proc/self/mountinfo"
_DEPTH = 8
"""Layers of LVM, encryption and RAID that are followed."""


def read_unwritable(reader: Reader, folder: str) -> str | None | Unknown:
    """What keeps GRUB from writing in a folder: ``btrfs``, ``zfs``, ``LVM`` or ``RAID``; None: nothing."""
    text = reader.read_text(_MOUNTS)
    if not isinstance(text, str):
        return text if isinstance(text, Unknown) else Unknown(f"{_MOUNTS} is not there")
    above = [mount for mount in parse_mountinfo(text) if _is_above(mount.point, folder)]
    if not above:
        return Unknown(f"{_MOUNTS} names no file system of {folder}")
    nearest = max(len(mount.point) for mount in above)
    mount = [mount for mount in above if len(mount.point) == nearest][-1]
    if mount.kind in _CHECKED:
        return mount.kind
    return next(_layers(reader, f"/sys/dev/block/{mount.number}", _DEPTH), None)


def _is_above(point: str, folder: str) -> bool:
    return f"{folder}/".startswith(f"{point.rstrip('/')}/")


def _layers(reader: Reader, disk: str, depth: int) -> Iterator[str]:
    """LVM and RAID among what a disk is, and what it is made of."""
    target = reader.read_link(disk)
    _, is_block, names = (target if isinstance(target, str) else "").partition("/block/")
    if not is_block or not depth:
        return
    name = names.partition("/")[0]
    label = reader.read_text(f"/sys/class/block/{name}/dm/uuid")
    if isinstance(label, str) and label.startswith("LVM-"):
        yield "LVM"
    if name.startswith("md"):
        yield "RAID"
    below = reader.list_dir(f"/sys/class/block/{name}/slaves")
    for each in below if isinstance(below, tuple) else ():
        yield from _layers(reader, f"/sys/class/block/{each}", depth - 1)
