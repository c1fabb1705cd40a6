"""The partition table of a disk that grows: its last partition ends where the disk now ends. Pure.

Sources: UEFI Specification 2.10, 5.2.3 (protective MBR), 5.3.2 (GPT header), 5.3.3 (entries).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

HEAD_BYTES = 256 * 1024
"""Holds the table with sectors of 512 and of 4096 bytes."""
_ALIGNED = 1024 * 1024
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_MOST_ENTRY_BYTES = 128 * 1024
_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
_MOST_MBR_SECTORS = 0xFFFFFFFF
_NO_HOME = {
    uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"): "an EFI system partition",
    uuid.UUID("21686148-6449-6e6f-744e-656564454649"): "a BIOS boot partition",
    uuid.UUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"): "swap",
    uuid.UUID("de94bba4-06d1-4d40-a16a-bfd50179d6ac"): "Windows' recovery partition",
    uuid.UUID("e3c9e316-0b5c-4db8-817d-f92df00215ae"): "Microsoft's reserved partition",
}


@dataclass(frozen=True, slots=True)
class Growth:
    """The last partition in the larger disk, in bytes, and what must be written for that.

    Args:
        number: of the partition, from 1.
        start: of it.
        end: of it, before.
        new_end: of it, after.
        patches: bytes by where they belong.
    """

    number: int
    start: int
    end: int
    new_end: int
    patches: tuple[tuple[int, bytes], ...]


def grow_table(head: bytes, tail: bytes, size: int, new_size: int) -> Growth:
    """Plan it.

    Args:
        head: the disk's first ``HEAD_BYTES``.
        tail: its last sectors, where a GPT has its second header: at least 4096 bytes.
        size: of the disk, in bytes.
        new_size: larger.

    Raises:
        ValueError: the table is damaged, or its last partition is none that can grow; says why.
    """
    head = head.ljust(HEAD_BYTES, b"\0")
    for sector in (512, 4096):
        if head[sector : sector + 8] == b"EFI PART":
            return _grow_gpt(head, tail, size // sector, new_size // sector, sector)
    return _grow_mbr(head, size, new_size)


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    at: int
    """In the array, in bytes."""
    first: int
    last: int
    kind: uuid.UUID


def _grow_gpt(head: bytes, tail: bytes, old: int, new: int, sector: int) -> Growth:
    """Old and new sizes in sectors."""
    fields = list(_HEADER.unpack_from(head, sector))
    length, count, entry_bytes = fields[2], fields[11], fields[12]
    begin = fields[10] * sector
    entries = head[begin : begin + count * entry_bytes]
    _check_gpt(head[sector : sector + length], fields, entries)
    last = _last(_entries(entries, entry_bytes))
    array_sectors = -(-len(entries) // sector)
    usable = new - array_sectors - 2
    if last.last >= old:
        raise ValueError("its partitions end beyond the disk")
    if last.last > usable:
        raise ValueError("its last partition leaves no room for the second table: ask for a larger disk")
    new_last = max(last.last, (usable + 1) * sector // _ALIGNED * _ALIGNED // sector - 1)
    grown = bytearray(entries)
    struct.pack_into("<Q", grown, last.at + 40, new_last)
    fields[13] = crc32(bytes(grown))
    fields[8] = usable
    first = _sealed(fields, head[sector : sector + length], 1, new - 1, fields[10])
    second = _sealed(fields, head[sector : sector + length], new - 1, 1, new - 1 - array_sectors)
    stale = old * sector - sector if tail[-sector:][:8] == b"EFI PART" else None
    return Growth(
        last.number,
        last.first * sector,
        (last.last + 1) * sector,
        (new_last + 1) * sector,
        (
            *(() if stale is None else ((stale, bytes(sector)),)),
            (0, _protective(head[:512], new)),
            (sector, first),
            (begin, bytes(grown)),
            ((new - 1 - array_sectors) * sector, bytes(grown)),
            ((new - 1) * sector, second.ljust(sector, b"\0")),
        ),
    )


def _check_gpt(header: bytes, fields: Sequence[int], entries: bytes) -> None:
    """Refuse what a firmware would refuse, and what could not be read whole."""
    length, count, entry_bytes = fields[2], fields[11], fields[12]
    if not 92 <= length <= 512 or len(header) != length:
        raise ValueError("its partition table has a header of a length that none has")
    if entry_bytes < 128 or entry_bytes % 8 or not 0 < count * entry_bytes <= _MOST_ENTRY_BYTES:
        raise ValueError("its partition table has entries of a size or number that none has")
    plain = header[:16] + bytes(4) + header[20:]
    if crc32(plain) != fields[3] or len(entries) != count * entry_bytes or crc32(entries) != fields[13]:
        raise ValueError("its partition table is damaged: a checksum is wrong")


def _entries(entries: bytes, entry_bytes: int) -> list[_Entry]:
    found = []
    for at in range(0, len(entries), entry_bytes):
        kind, first, last = (
            uuid.UUID(bytes_le=entries[at : at + 16]),
            *struct.unpack_from("<QQ", entries, at + 32),
        )
        if kind.int:
            found.append(_Entry(at // entry_bytes + 1, at, first, last, kind))
    return found


def _last(entries: Sequence[_Entry]) -> _Entry:
    """The one that lies last, wherever it stands in the table.

    Raises:
        ValueError: there is none, it overlaps another, or it is no place for a file system that grows.
    """
    if not entries:
        raise ValueError("it has no partitions")
    last = max(entries, key=lambda entry: entry.last)
    if any(last.first <= other.last for other in entries if other is not last) or last.first > last.last:
        raise ValueError("its partitions overlap")
    if last.kind in _NO_HOME:
        raise ValueError(
            f"its last partition, {last.number}, is {_NO_HOME[last.kind]}: nothing can grow there"
        )
    return last


def _sealed(fields: Sequence[int | bytes], was: bytes, own: int, other: int, array: int) -> bytes:
    """A header with its places and its checksum; what lies behind the known fields stays."""
    said = [*fields]
    said[3], said[5], said[6], said[10] = 0, own, other, array
    plain = _HEADER.pack(*said) + was[_HEADER.size :]
    said[3] = crc32(plain)
    return _HEADER.pack(*said) + was[_HEADER.size :]


def _protective(boot: bytes, sectors: int) -> bytes:
    """The MBR that covers the disk for who knows no GPT; one with other entries beside it stays as it is."""
    changed = bytearray(boot)
    for at in range(446, 510, 16):
        if changed[at + 4] == _PROTECTIVE:
            (start,) = struct.unpack_from("<I", changed, at + 8)
            if start >= sectors:
                raise ValueError("its protective MBR begins beyond the disk")
            struct.pack_into("<I", changed, at + 12, min(sectors - start, _MOST_MBR_SECTORS))
            break
    return bytes(changed)


def _grow_mbr(head: bytes, size: int, new_size: int) -> Growth:
    if head[510:512] != b"\x55\xaa":
        raise ValueError("it has no partition table")
    found = [
        (start + count, start, number, kind)
        for number in range(4)
        for kind, start, count in [struct.unpack_from("<4xB3xII", head, 446 + 16 * number)]
        if kind
    ]
    if not found:
        raise ValueError("it has no partitions")
    if any(kind == _PROTECTIVE for *_, kind in found):
        raise ValueError("its partition table is a GPT that is damaged: it has no first header")
    if any(kind in _EXTENDED for *_, kind in found):
        raise ValueError("its partition table is an MBR with an extended partition, which is not grown here")
    end, start, number, kind = max(found)
    if end * 512 > size or start == end:
        raise ValueError("its partitions end beyond the disk, or hold nothing")
    if any(start < other_end for other_end, *_ in found if other_end != end) or kind in (0xEF, 0x82, 0x27):
        raise ValueError(f"its last partition, {number + 1}, overlaps others or is no place for files")
    new_end = max(end, min(new_size // _ALIGNED * _ALIGNED // 512, _MOST_MBR_SECTORS))
    boot = bytearray(head[:512])
    struct.pack_into("<I", boot, 446 + 16 * number + 12, new_end - start)
    return Growth(number + 1, start * 512, end * 512, new_end * 512, ((0, bytes(boot)),))
