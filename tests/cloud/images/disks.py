"""Whole disks as cloud images are: a GPT with an EFI system partition first and the root file system last."""

from __future__ import annotations

import struct
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"
SWAP = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
MIB = 1024 * 1024
Part = tuple[int, str, int, int]
"""Number, kind, begin and end in MiB."""
LAYOUT: tuple[Part, ...] = ((1, LINUX, 4, 47), (15, ESP, 1, 4))
DISK_MIB = 48


def gpt_disk(parts: Sequence[Part] = LAYOUT, size_mib: int = DISK_MIB, sector: int = 512) -> bytearray:
    """The disk with its table, and nothing in the partitions."""
    disk = bytearray(size_mib * MIB)
    sectors = len(disk) // sector
    disk[510:512] = b"\x55\xaa"
    struct.pack_into(
        "<B3sB3sII", disk, 446, 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF)
    )
    entries = bytearray(128 * 128)
    for number, kind, begin, end in parts:
        at = (number - 1) * 128
        entries[at : at + 16] = uuid.UUID(kind).bytes_le
        entries[at + 16 : at + 32] = uuid.UUID(int=number).bytes
        struct.pack_into("<QQ", entries, at + 32, begin * MIB // sector, end * MIB // sector - 1)
    array = len(entries) // sector
    for own, other, place in ((1, sectors - 1, 2), (sectors - 1, 1, sectors - 1 - array)):
        disk[place * sector : place * sector + len(entries)] = entries
        header = struct.pack(
            "<8sIIIIQQQQ16sQIII",
            *(b"EFI PART", 0x10000, 92, 0, 0, own, other, 2 + array, sectors - 2 - array),
            *(uuid.UUID(int=7).bytes, place, 128, 128, crc32(bytes(entries))),
        )
        header = header[:16] + struct.pack("<I", crc32(header)) + header[20:]
        disk[own * sector : own * sector + 92] = header
    return disk


def fill_with_ext4(
    disk: bytearray,
    tree: Path,
    scratch: Path,
    parts: Sequence[Part] = LAYOUT,
    options: Sequence[str] = (),
) -> None:
    """Put an ext4 with the tree into the first of the parts."""
    _, _, begin, end = parts[0]
    with scratch.open("wb") as file:
        file.truncate((end - begin) * MIB)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", *options, "-d", str(tree), str(scratch)], check=True)
    disk[begin * MIB : end * MIB] = scratch.read_bytes()


def make_tree(folder: Path) -> Path:
    """Files of several sizes, a link, modes, and an os-release."""
    for name, data in {
        "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "boot/large": bytes(range(256)) * 16384,
        "home/empty": b"",
        "etc/fstab": b"LABEL=root / ext4 defaults 0 1\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "etc" / "os-release").symlink_to("../usr/lib/os-release")
    (folder / "home" / "empty").chmod(0o640)
    return folder


def listed(raw: Path, sector: int = 512) -> dict[int, tuple[int, int]]:
    """Begin and end of each partition in bytes, as libblkid reads the table."""
    words = ["partx", "--sector-size", str(sector), "-g", "-r", "-o", "NR,START,END", str(raw)]
    rows = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    found = (tuple(map(int, row.split())) for row in rows)
    return {number: (start * 512, (end + 1) * 512) for number, start, end in found}
