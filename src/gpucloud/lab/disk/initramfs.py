"""What is in an initramfs: it is made anew with other times in it, so its own bytes say little.

Source: Documentation/driver-api/early-userspace/buffer-format.rst: archives one after the other, each plain
or compressed, with zeros between them.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator

from gpucloud.lab.disk.tree import Node
from gpucloud.model.failure import Failure

_PLAIN, _GZIP = b"070701", b"\x1f\x8b"
_FIELDS, _HEAD = 13, 110
_MODE, _USER, _GROUP, _SIZE, _NAME_SIZE = 1, 2, 3, 6, 11
_END = "TRAILER!!!"


def parse_initramfs(image: bytes) -> dict[str, Node]:
    """All that is in an image, by path; inode numbers and times are left out.

    Raises:
        Failure: it is compressed otherwise than with gzip, or cut short.
    """
    found: dict[str, Node] = {}
    rest = image
    while rest := rest.lstrip(b"\0"):
        if rest.startswith(_GZIP):
            rest = _unpacked(rest)
        elif rest.startswith(_PLAIN):
            length = 0
            for name, node, length in _members(rest):  # noqa: B007 - the last end is where the archive ends
                found[name] = node
            rest = rest[length:]
        else:
            raise Failure(f"an initramfs goes on with bytes that are no archive: {rest[:6]!r}")
    found.pop(_END, None)
    return found


def _unpacked(rest: bytes) -> bytes:
    try:
        return gzip.decompress(rest)
    except (OSError, EOFError, zlib.error) as error:
        raise Failure(f"an initramfs cannot be unpacked: {error}") from error


def _members(archive: bytes) -> Iterator[tuple[str, Node, int]]:
    """Name, what it is, and where the next one begins; the last is the archive's own end."""
    at, name = 0, ""
    while name != _END:
        head = archive[at : at + _HEAD]
        if not head.startswith(_PLAIN) or len(head) < _HEAD:
            raise Failure("an initramfs is cut short")
        fields = [int(head[6 + 8 * number : 14 + 8 * number], 16) for number in range(_FIELDS)]
        begin = at + _HEAD
        name = archive[begin : begin + fields[_NAME_SIZE] - 1].decode(errors="replace")
        begin = _aligned(begin + fields[_NAME_SIZE])
        content = archive[begin : begin + fields[_SIZE]]
        at = _aligned(begin + fields[_SIZE])
        digest = hashlib.sha256(content).hexdigest()
        yield name, Node(fields[_MODE], (fields[_USER], fields[_GROUP]), digest), at


def _aligned(offset: int) -> int:
    return -(-offset // 4) * 4
