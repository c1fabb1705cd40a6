from __future__ import annotations

import gzip
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.boot.cpio import Entry, directory, program, render_cpio
from gpucloud.lab.disk.initramfs import parse_initramfs
from gpucloud.lab.disk.tree import Node
from gpucloud.model.failure import Failure

FILES = st.dictionaries(st.text("abc/", min_size=1, max_size=9), st.binary(max_size=50), max_size=5)


def node(mode: int, content: bytes = b"") -> Node:
    return Node(mode, (0, 0), hashlib.sha256(content).hexdigest())


@given(FILES, FILES, st.integers(0, 3))
def test_what_was_written_is_found_plain_first_and_compressed_after_zeros(
    early: dict[str, bytes], main: dict[str, bytes], blocks: int
) -> None:
    parts = [
        render_cpio([program(name, content) for name, content in each.items()]) for each in (early, main)
    ]
    image = parts[0] + bytes(512 * blocks) + gzip.compress(parts[1])
    assert parse_initramfs(image) == {
        name: node(0o100755, content) for name, content in {**early, **main}.items()
    }


def test_times_and_inode_numbers_are_left_out() -> None:
    image = render_cpio([directory("etc"), Entry("etc/a", 0o100644, b"x")])
    number, time = slice(6, 14), slice(46, 54)
    other = bytearray(image)
    other[number], other[time] = b"0000ABCD", b"65000000"
    assert parse_initramfs(image) == {"etc": node(0o040755), "etc/a": node(0o100644, b"x")}
    assert parse_initramfs(bytes(other)) == parse_initramfs(image)


@pytest.mark.parametrize("image", [b"070701 short", b"\x28\xb5\x2f\xfd zstd", b"\x1f\x8b gone"])
def test_what_cannot_be_read_is_an_error_and_not_an_empty_image(image: bytes) -> None:
    with pytest.raises(Failure, match="initramfs"):
        parse_initramfs(image)
