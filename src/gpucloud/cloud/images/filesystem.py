"""What is in a partition, by its first bytes; and ext grown in a file of its own.

Sources: kernel, Documentation/filesystems/ext4/super.rst (0xEF53 at 0x438) and xfs; btrfs on-disk format;
include/linux/... of LVM2 (``LABELONE`` in the second sector), cryptsetup (``LUKS``), NTFS (OEM id).
"""

from __future__ import annotations

import re
import stat
from enum import Enum
from pathlib import Path

from gpucloud.cloud.programs import Run
from gpucloud.inventory.system.distribution import parse_os_release
from gpucloud.model.failure import Failure

SIGN_BYTES = 128 * 1024
_PATIENCE_S = 3600.0
_OS_RELEASE = "/usr/lib/os-release"
_MOST_BYTES = 1 << 16
_INODE_BYTES = 128
"""Of the first ext2; what came later lies behind."""
_DUMPED = re.compile(r"^([0-7]{4,6})  ((?:[0-9a-f]{4} ){7}[0-9a-f]{4})", re.MULTILINE)


class Kind(Enum):
    """What a partition holds."""

    EXT = "ext"
    XFS = "xfs"
    BTRFS = "btrfs"
    LVM = "LVM"
    LUKS = "LUKS"
    NTFS = "NTFS"
    OTHER = "something else"


_SIGNS = (
    (0x438, b"\x53\xef", Kind.EXT),
    (0, b"XFSB", Kind.XFS),
    (0x10040, b"_BHRfS_M", Kind.BTRFS),
    (0x200, b"LABELONE", Kind.LVM),
    (0, b"LUKS\xba\xbe", Kind.LUKS),
    (3, b"NTFS    ", Kind.NTFS),
)
LATER = {
    Kind.XFS: "xfs grows only where it is mounted: cloud-init's resizefs does it at the first start",
    Kind.BTRFS: "btrfs grows only where it is mounted: cloud-init's resizefs does it at the first start",
    Kind.LVM: "it is LVM's, and no cloud-init grows that by itself: in the guest, pvresize and lvextend -r",
    Kind.LUKS: "it is encrypted: in the guest, cryptsetup resize, then its file system",
    Kind.NTFS: "NTFS grows in Windows: cloudbase-init's ExtendVolumesPlugin does it at the first start",
    Kind.OTHER: "nothing here knows what it holds: its own tools must grow it",
}
"""Why a file system is not grown here, and who does it."""


def kind_of(begin: bytes) -> Kind:
    """What a partition holds, by its first ``SIGN_BYTES``."""
    return next((kind for at, sign, kind in _SIGNS if begin[at : at + len(sign)] == sign), Kind.OTHER)


def grow_ext(file: Path, run: Run) -> None:
    """Grow the file system to the size of the file that holds it.

    Raises:
        Failure: it is damaged, or needs newer e2fsprogs.
    """
    check = ["e2fsck", "-f", "-p", str(file)]
    try:
        run(check, timeout_s=_PATIENCE_S)
    except Failure:
        run(check, timeout_s=_PATIENCE_S)  # 1: errors were corrected (e2fsck(8)); then there are none now
    run(["resize2fs", str(file)], timeout_s=_PATIENCE_S)


def read_os_release(file: Path, run: Run) -> dict[str, str]:
    """What an ext file system's os-release(5) says; nothing where it has none that can be one.

    Its inode is looked at first: a file of no length on the disk can be read as terabytes.
    """
    inode = _bytes_of(run(["debugfs", "-R", f"inode_dump {_OS_RELEASE}", str(file)]))
    if not _is_regular(inode) or _length(inode) > _MOST_BYTES:
        return {}
    return parse_os_release(run(["debugfs", "-R", f"cat {_OS_RELEASE}", str(file)]))


def _bytes_of(dump: str) -> bytes:
    """What debugfs dumps, rows of 16 bytes by octal places; rows like the one before are left out."""
    found, row = bytearray(), bytes(16)
    for place, words in _DUMPED.findall(dump):
        found += row * ((int(place, 8) - len(found)) // 16)
        row = bytes.fromhex(words)
        found += row
    return bytes(found + row * ((_INODE_BYTES - len(found)) // 16))


def _is_regular(inode: bytes) -> bool:
    return stat.S_ISREG(int.from_bytes(inode[:2], "little"))


def _length(inode: bytes) -> int:
    """``i_size_lo`` and ``i_size_high`` (Documentation/filesystems/ext4/inodes.rst)."""
    return int.from_bytes(inode[4:8], "little") | int.from_bytes(inode[0x6C:0x70], "little") << 32
