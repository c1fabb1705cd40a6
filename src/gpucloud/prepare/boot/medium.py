"""What the files of a start lie on: whether this system writes there, and whether GRUB itself does.

GRUB counts tries in one of its files, and writes only where that is safe.

Sources: GRUB's manual, "The GRUB environment block": a plain disk (no LVM or RAID) with a file system that
has no checksums (no ZFS); of btrfs it can write a place in the header alone, which is no file. Debian's
``grub.d/00_header``, ``check_writable``, asks for the same. What is encrypted it can write
(grub-core/disk/cryptodisk.c, ``grub_cryptodisk_write``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.inventory.reader import Reader, needed
from gpucloud.inventory.system.storage import Mount, parse_mountinfo
from gpucloud.model.unknown import Unknown

_CHECKED = ("btrfs", "zfs")
_MOUNTS = "/proc/self/mountinfo"
_NO_DISK = "0:"
"""How numbers of file systems without a disk of their own begin (in memory, over the network)."""
_DEPTH = 8
"""Layers of LVM, encryption and RAID that are followed."""


def read_unwritable(reader: Reader, folder: str) -> str | None | Unknown:
    """What keeps GRUB from writing in a folder: ``btrfs``, ``zfs``, ``LVM`` or ``RAID``; None: nothing."""
    mount = _mount_of(reader, folder)
    if isinstance(mount, Unknown):
        return mount
    if mount.kind in _CHECKED:
        return mount.kind
    if mount.number is None or mount.number.startswith(_NO_DISK):
        return None
    return _layer(reader, f"/sys/dev/block/{mount.number}", _DEPTH)


def read_sealed(reader: Reader, folders: Iterable[str]) -> tuple[str, ...]:
    """Those of the folders that are known to be mounted read-only."""
    mounts = {folder: _mount_of(reader, folder) for folder in folders}
    return tuple(f for f, mount in mounts.items() if isinstance(mount, Mount) and mount.is_read_only)


def _mount_of(reader: Reader, folder: str) -> Mount | Unknown:
    text = reader.read_text(_MOUNTS)
    if not isinstance(text, str):
        return text if isinstance(text, Unknown) else Unknown(f"{_MOUNTS} is not there")
    above = [mount for mount in parse_mountinfo(text) if _is_above(mount.point, folder)]
    if not above:
        return Unknown(f"{_MOUNTS} names no file system of {folder}")
    nearest = max(len(mount.point) for mount in above)
    return [mount for mount in above if len(mount.point) == nearest][-1]


def _is_above(point: str, folder: str) -> bool:
    return f"{folder}/".startswith(f"{point.rstrip('/')}/")


def _layer(reader: Reader, disk: str, depth: int) -> str | None | Unknown:
    """LVM or RAID, where a disk is one or is made of one; Unknown where a part cannot be looked at."""
    target = reader.read_link(disk)
    if not isinstance(target, str):
        return needed(target, disk)
    _, is_block, names = target.partition("/block/")
    if not is_block:  # a namespace of NVMe, below its controller or its subsystem
        return None
    name = names.partition("/")[0]
    return "RAID" if name.startswith("md") else _one_of((_mapped(reader, name), *_below(reader, name, depth)))


def _mapped(reader: Reader, name: str) -> str | None | Unknown:
    """LVM, where the device mapper says that a disk is a volume of it."""
    if not name.startswith("dm-"):
        return None
    path = f"/sys/class/block/{name}/dm/uuid"
    label = needed(reader.read_text(path), path)
    return label if isinstance(label, Unknown) else "LVM" if label.startswith("LVM-") else None


def _below(reader: Reader, name: str, depth: int) -> Iterator[str | None | Unknown]:
    """The answers of all that a disk is made of."""
    folder = f"/sys/class/block/{name}/slaves"
    names = reader.list_dir(folder)
    if isinstance(names, Unknown):
        yield names
    elif names and not depth:
        yield Unknown(f"{folder} leads deeper than {_DEPTH} layers")
    else:
        yield from (_layer(reader, f"/sys/class/block/{each}", depth - 1) for each in names or ())


def _one_of(answers: Iterable[str | None | Unknown]) -> str | None | Unknown:
    """What keeps GRUB from writing, whatever else is not known; then what is not known."""
    told = tuple(answers)
    known = next((answer for answer in told if isinstance(answer, str)), None)
    return known or next((answer for answer in told if isinstance(answer, Unknown)), None)
