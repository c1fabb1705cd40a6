"""Which PCI functions the root file system and its like live on."""

from __future__ import annotations

from typing import NamedTuple

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.paths import functions_in
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

POINTS = {"/": "root disk", "/usr": "disk of /usr", "/var": "disk of /var", "/boot": "disk of /boot"}
"""Where file systems are mounted that a host cannot do without, and what their disk carries."""
_ON_NO_DISK = frozenset(("tmpfs", "ramfs", "rootfs", "nfs", "nfs4", "cifs", "ceph"))
"""In memory, or over the network, whose functions are guarded as carriers of the default route."""
_OVER_VIRTIO = {"9p": "9pnet_virtio", "virtiofs": "virtiofs"}
_BTRFS = "/sys/fs/btrfs"
_DEPTH = 8
"""Layers of LVM, encryption and RAID that are followed."""


class Mount(NamedTuple):
    """A file system in the tree of mounts."""

    point: str
    number: str | None
    """``major:minor`` of its device; major 0 is none of its own. None where it is not known."""
    kind: str
    source: str
    is_read_only: bool = False


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Read proc_pid_mountinfo(5); lines that are none are left out. Later mounts cover earlier ones."""
    mounts = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        words, kinds = before.split(), after.split()
        if separator and len(words) >= 6 and len(kinds) >= 2:
            # Of the mount, and of the file system itself, which the kernel closes after an error.
            is_read_only = "ro" in (*words[5].split(","), *(kinds[2].split(",") if len(kinds) > 2 else ()))
            mounts.append(Mount(words[4], words[2], kinds[0], kinds[1], is_read_only))
    return tuple(mounts)


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read proc_mounts(5), which captures of other tools have in place of mountinfo."""
    rows = (line.split() for line in text.splitlines())
    return tuple(Mount(row[1], None, row[2], row[0]) for row in rows if len(row) >= 4)


def read_storage(reader: Reader) -> tuple[Vital, ...] | Unknown:
    """Read what the file systems that a host cannot do without live on.

    A root that cannot be traced to its disks (ZFS, overlay, a pool of several devices) makes every
    function with a disk vital: better one card too many kept than the host's own disk given away.
    """
    mounts = _mounts(reader)
    if isinstance(mounts, Unknown):
        return mounts
    vital: dict[tuple[PciAddress, str], None] = {}
    carriers: set[PciAddress] = set()
    for mount in mounts:
        functions, role = _of_mount(reader, mount), POINTS[mount.point]
        if functions is None:
            functions, role = _all_disks(reader), f"disk ({role} is {mount.kind} and may be on it)"
            if functions == ():
                return Unknown(f"{mount.point} is {mount.kind}, which could not be traced to a disk")
        if isinstance(functions, Unknown):
            return functions
        vital.update(((address, role), None) for address in functions if address not in carriers)
        carriers.update(functions)
    return tuple(Vital(address, role) for address, role in vital)


def _mounts(reader: Reader) -> list[Mount] | Unknown:
    """The mounts that matter, the root first; the last one at a point is the one that is seen."""
    text = reader.read_text("/proc/self/mountinfo")
    if isinstance(text, str):
        mounts = parse_mountinfo(text)
    else:
        fallback = reader.read_text("/proc/mounts")
        if not isinstance(fallback, str):
            return text if isinstance(text, Unknown) else Unknown("/proc/self/mountinfo is not there")
        mounts = parse_mounts(fallback)
    seen = {mount.point: mount for mount in mounts if mount.point in POINTS}
    return [seen[point] for point in POINTS if point in seen]


def _of_mount(reader: Reader, mount: Mount) -> tuple[PciAddress, ...] | None | Unknown:
    """Functions of one mount; None where they cannot be told."""
    if mount.kind in _ON_NO_DISK:
        return ()
    if mount.kind in _OVER_VIRTIO:
        return _of_driver(reader, f"/sys/bus/virtio/drivers/{_OVER_VIRTIO[mount.kind]}")
    number = mount.number
    if number and number.replace(":", "", 1).isdecimal() and not number.startswith("0:"):
        return _of_block(reader, f"/sys/dev/block/{number}", _DEPTH)
    names = _of_pool(reader, mount.source) if mount.kind == "btrfs" else _named(mount.source)
    return _of_all(reader, [f"/sys/class/block/{name}" for name in names], _DEPTH)


def _named(source: str) -> list[str]:
    """Names of the disks in a mount's source, of which bcachefs has several: ``/dev/sda:/dev/sdb``."""
    parts = source.split(":")
    return [part.rpartition("/")[2] for part in parts] if all(p.startswith("/dev/") for p in parts) else []


def _of_pool(reader: Reader, source: str) -> list[str]:
    """All disks of the btrfs of which a mount names one (fs/btrfs/sysfs.c, ``btrfs_sysfs_add_device``)."""
    pools = reader.list_dir(_BTRFS)
    for pool in pools if isinstance(pools, tuple) else ():
        names = reader.list_dir(f"{_BTRFS}/{pool}/devices")
        if isinstance(names, tuple) and source.removeprefix("/dev/") in names:
            return list(names)
    return []


def _of_all(reader: Reader, places: list[str], depth: int) -> tuple[PciAddress, ...] | None | Unknown:
    """Functions of several disks; None where one of them cannot be traced, or there is none."""
    found: list[PciAddress] = []
    for each in places:
        functions = _of_block(reader, each, depth)
        if not isinstance(functions, tuple):
            return functions
        found.extend(functions)
    return tuple(dict.fromkeys(found)) or None


def _of_driver(reader: Reader, folder: str) -> tuple[PciAddress, ...] | None:
    names = reader.list_dir(folder)
    found: list[PciAddress] = []
    for name in names if isinstance(names, tuple) else ():
        target = reader.read_link(f"{folder}/{name}")
        found.extend(functions_in(target) if isinstance(target, str) and name.startswith("virtio") else ())
    return tuple(found) or None


def _of_block(reader: Reader, path: str, depth: int) -> tuple[PciAddress, ...] | None | Unknown:
    target = reader.read_link(path)
    if not isinstance(target, str):
        return target
    functions = functions_in(target)
    if functions or depth == 0:
        return functions or None
    return _of_all(reader, _below(reader, target), depth - 1)


def _below(reader: Reader, target: str) -> list[str]:
    """What a virtual disk is made of: the controllers of a multipath NVMe, or its slaves."""
    parts = target.split("/")
    if "nvme-subsystem" in parts[:-1]:
        subsystem = parts[parts.index("nvme-subsystem") + 1]
        names = reader.list_dir(f"/sys/class/nvme-subsystem/{subsystem}")
        known = names if isinstance(names, tuple) else ()
        return [f"/sys/class/nvme/{name}" for name in known if name.removeprefix("nvme").isdecimal()]
    if "block" not in parts[:-1]:
        return []
    names = reader.list_dir(f"/sys/class/block/{parts[parts.index('block') + 1]}/slaves")
    return [f"/sys/class/block/{name}" for name in (names if isinstance(names, tuple) else ())]


def _all_disks(reader: Reader) -> tuple[PciAddress, ...] | Unknown:
    found: dict[PciAddress, None] = {}
    for folder in ("/sys/class/block", "/sys/class/nvme"):
        names = reader.list_dir(folder)
        if isinstance(names, Unknown):
            return names
        for name in names or ():
            target = reader.read_link(f"{folder}/{name}")
            found.update(dict.fromkeys(functions_in(target) if isinstance(target, str) else ()))
    return tuple(found)
