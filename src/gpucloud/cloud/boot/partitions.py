"""How a disk wants to be started, read from its first sectors. Pure; the content is hostile.

Sources: UEFI Specification 2.10, 5.2 and 5.3 (MBR, GPT); GRUB manual, "BIOS installation".
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from gpucloud.cloud.definition.parts import Firmware

HEAD_BYTES = 64 * 1024
"""Holds the partition table with sectors of 512 and of 4096 bytes."""

_ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
_MBR_ESP = 0xEF
_MOST_ENTRIES = 128


def find_firmwares(head: bytes) -> tuple[Firmware, ...]:
    """Say which firmware can start a disk, the better one first.

    UEFI where there is an EFI system partition, BIOS where there is a BIOS boot partition or boot code.
    An image that can do both is better off with UEFI: a BIOS runs the old start-up program in the ROM
    of a card that was given to the guest, and hangs where that expects more of the machine.

    Raises:
        ValueError: nothing on the disk can be started; says what is missing.
    """
    if head[510:512] != b"\x55\xaa":
        raise ValueError("it has no boot sector")
    has_code = any(head[:440])
    kinds = {partition.kind for partition in _gpt(head)}
    has_esp = _ESP in kinds if kinds else _MBR_ESP in dict(_mbr(head))
    # Tools write boot code to GPT disks that are not meant for BIOS: next to an ESP it is no sign.
    has_bios = _BIOS_BOOT in kinds or (has_code and not (kinds and has_esp))
    found = {Firmware.UEFI: has_esp, Firmware.BIOS: has_bios}
    if not any(found.values()):
        raise ValueError("it has neither an EFI system partition nor code for a BIOS")
    return tuple(firmware for firmware, is_there in found.items() if is_there)


def find_end(head: bytes) -> int:
    """Say where the last partition of a disk ends, in bytes: one that is cut short is smaller than that."""
    gpt = [partition.end for partition in _gpt(head)]
    return max(gpt or [end for _, end in _mbr(head)], default=0)


@dataclass(frozen=True, slots=True)
class _Partition:
    kind: uuid.UUID
    end: int
    """In bytes."""


def _gpt(head: bytes) -> Iterable[_Partition]:
    """The partitions of a GPT disk; nothing where it is none."""
    for sector in (512, 4096):
        header = head[sector : sector + 92]
        if header[:8] == b"EFI PART" and len(header) == 92:
            first, count, size = struct.unpack_from("<QII", header, 72)
            yield from _entries(head, first * sector, min(count, _MOST_ENTRIES), size, sector)
            return


def _entries(head: bytes, at: int, count: int, size: int, sector: int) -> Iterable[_Partition]:
    for number in range(count):
        start = at + number * size
        entry = head[start : start + 48]
        if len(entry) == 48 and any(entry[:16]):
            (last,) = struct.unpack_from("<Q", entry, 40)
            yield _Partition(uuid.UUID(bytes_le=entry[:16]), (last + 1) * sector)


def _mbr(head: bytes) -> Iterable[tuple[int, int]]:
    """Type and end in bytes of each primary partition."""
    for number in range(4):
        kind, start, count = struct.unpack_from("<4xB3xII", head.ljust(512, b"\0"), 446 + 16 * number)
        if kind:
            yield kind, (start + count) * 512
