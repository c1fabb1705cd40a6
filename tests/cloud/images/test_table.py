"""The partition table of a larger disk, read by libblkid; damaged and hostile ones are refused in words."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.images.disks import ESP, LINUX, MIB, SWAP, gpt_disk, listed

from gpucloud.cloud.images.table import HEAD_BYTES, Growth, grow_table

LAYOUT = ((1, LINUX, 4, 7), (15, ESP, 1, 4))
DISK = gpt_disk(LAYOUT, 8)


def grown(disk: bytearray, new_mib: int) -> tuple[Growth, bytearray]:
    growth = grow_table(bytes(disk[:HEAD_BYTES]), bytes(disk[-4096:]), len(disk), new_mib * MIB)
    larger = disk + bytearray(new_mib * MIB - len(disk))
    for at, data in growth.patches:
        larger[at : at + len(data)] = data
    return growth, larger


@pytest.mark.proof
@pytest.mark.parametrize("sector", [512, 4096])
def test_the_last_partition_ends_where_the_disk_does_and_both_tables_say_so(
    sector: int, tmp_path: Path
) -> None:
    growth, disk = grown(gpt_disk(LAYOUT, 8, sector), 12)
    assert (growth.number, growth.start, growth.end, growth.new_end) == (1, 4 * MIB, 7 * MIB, 11 * MIB)
    raw = tmp_path / "raw"
    raw.write_bytes(disk)
    wanted = {1: (4 * MIB, 11 * MIB), 15: (1 * MIB, 4 * MIB)}
    assert listed(raw, sector) == wanted
    disk[sector : sector + 8] = bytes(8)
    raw.write_bytes(disk)
    assert listed(raw, sector) == wanted, "the second header is not as good as the first"


def test_nothing_but_the_tables_changes_and_the_old_second_header_goes() -> None:
    before = DISK.copy()
    before[5 * MIB] = 7
    _, after = grown(before, 12)
    assert after[34 * 512 : len(before) - 33 * 512] == before[34 * 512 : len(before) - 33 * 512]
    assert after[len(before) - 512 : len(before)] == bytes(512)


def test_the_same_size_gives_the_last_partition_what_is_free() -> None:
    growth, _ = grown(gpt_disk(((1, LINUX, 4, 5), (15, ESP, 1, 4)), 8), 8)
    assert (growth.end, growth.new_end) == (5 * MIB, 7 * MIB)


def _mbr(*parts: tuple[int, int, int]) -> bytearray:
    disk = bytearray(10 * MIB)
    disk[510:512] = b"\x55\xaa"
    for number, (kind, begin, end) in enumerate(parts):
        struct.pack_into("<4xB3xII", disk, 446 + 16 * number, kind, begin * 2048, (end - begin) * 2048)
    return disk


@pytest.mark.proof
def test_an_mbr_grows_too(tmp_path: Path) -> None:
    growth, disk = grown(_mbr((0x83, 2, 10), (0x82, 1, 2)), 12)
    assert (growth.number, growth.new_end) == (1, 12 * MIB)
    (tmp_path / "raw").write_bytes(disk)
    assert listed(tmp_path / "raw") == {1: (2 * MIB, 12 * MIB), 2: (1 * MIB, 2 * MIB)}


@pytest.mark.parametrize(
    ("disk", "why"),
    [
        (gpt_disk(((1, LINUX, 4, 5), (2, SWAP, 5, 7)), 8), "partition, 2, is swap"),
        (gpt_disk(((1, LINUX, 4, 5), (2, ESP, 5, 7)), 8), "is an EFI system partition"),
        (gpt_disk(((1, LINUX, 4, 7), (2, LINUX, 3, 5)), 8), "overlap"),
        (gpt_disk((), 8), "no partitions"),
        (gpt_disk(((1, LINUX, 4, 9),), 8), "beyond the disk"),
        (_mbr((0x83, 1, 2), (0x05, 2, 9)), "extended"),
        (_mbr((0x83, 1, 2), (0x82, 2, 9)), "no place for files"),
        (_mbr((0x83, 1, 11)), "beyond the disk"),
        (_mbr((0x83, 1, 1)), "hold nothing"),
        (_mbr(), "no partitions"),
        (bytearray(MIB), "no partition table"),
        (bytearray(0), "no partition table"),
    ],
)
def test_what_cannot_grow_is_refused_with_the_reason(disk: bytearray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        grown(disk, 12)


def test_a_protective_mbr_that_begins_beyond_the_disk_is_refused() -> None:
    disk = DISK.copy()
    disk[446 + 8 : 446 + 12] = b"\xff" * 4
    with pytest.raises(ValueError, match="protective MBR"):
        grown(disk, 12)


def test_a_partition_up_to_the_last_sector_keeps_its_end_from_the_second_table() -> None:
    with pytest.raises(ValueError, match="no room for the second table"):
        grown(gpt_disk(((1, LINUX, 4, 8),), 8), 8)
    assert grown(gpt_disk(((1, LINUX, 4, 8),), 8), 9)[0].new_end == 8 * MIB


@given(st.integers(512, 92 + 512 - 1), st.integers(1, 255))
def test_a_header_that_any_byte_was_changed_of_is_refused(at: int, by: int) -> None:
    disk = DISK[:HEAD_BYTES]
    disk[at] ^= by
    with pytest.raises(ValueError, match=r"table|partition"):
        grow_table(bytes(disk), bytes(DISK[-4096:]), len(DISK), 12 * MIB)


@given(st.binary(max_size=2048), st.sampled_from([0, 446, 512, 1024]))
def test_hostile_tables_end_in_a_value_error_at_worst(noise: bytes, at: int) -> None:
    disk = DISK[:HEAD_BYTES]
    disk[at : at + len(noise)] = noise
    try:
        growth = grow_table(bytes(disk), bytes(DISK[-4096:]), len(DISK), 12 * MIB)
    except ValueError:
        return
    assert growth.start < growth.end <= growth.new_end <= 12 * MIB
