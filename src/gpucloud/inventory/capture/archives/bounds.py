"""How much of an archive that nobody vouches for is read."""

from __future__ import annotations

import io

from gpucloud.inventory.reader import FILE_LIMIT
from gpucloud.model.failure import Failure

MEBIBYTE = 1024 * 1024
ARCHIVE_LIMIT = 64 * MEBIBYTE
"""Bytes of the archive as it lies on disk."""
MEMBER_LIMIT = FILE_LIMIT
TOTAL_LIMIT = 128 * MEBIBYTE
"""Bytes of all members, and of a whole tar archive when unpacked."""
COUNT_LIMIT = 100_000
"""Members. A server with 1000 PCI functions has about 30 000 files that matter."""
RATIO_LIMIT = 400
"""Unpacked to packed. A tar archive of sysfs, mostly padding, reaches about 150 with xz."""
RATIO_FLOOR = 16 * MEBIBYTE
"""Unpacked bytes up to which no ratio is suspicious."""
HEADER_LIMIT = MEBIBYTE
"""Bytes of a tar member that only names another one (pax headers, GNU long names)."""


def refuse(source: str, why: str) -> Failure:
    """The error for an archive that asks for too much or is none."""
    return Failure(f"capture {source} is refused: {why}", "make one with: gpucloud capture")


class Budget:
    """Counts members and bytes, and refuses what is over a limit."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._count = 0
        self._total = 0

    def spend(self, name: str, size: int) -> None:
        """Count a member before it is read.

        Raises:
            Failure: it is too long itself, or one too many.
        """
        if size < 0 or size > MEMBER_LIMIT:
            raise refuse(
                self._source, f"its member {name!r} claims {size} bytes; {MEMBER_LIMIT} are the limit"
            )
        self._count += 1
        self._total += size
        if self._count > COUNT_LIMIT:
            raise refuse(self._source, f"it has more than {COUNT_LIMIT} members")
        if self._total > TOTAL_LIMIT:
            raise refuse(self._source, f"its members are longer than {TOTAL_LIMIT} bytes together")


class Unpacked(io.RawIOBase):
    """An unpacked stream that stops with a Failure when it grows out of bounds.

    ``ends_with_zeros`` tells after the last read whether the archive had its end: a tar archive ends
    with blocks of zeros, and one that was cut between two members has none.
    """

    def __init__(self, stream: io.BufferedIOBase, packed_bytes: int, source: str) -> None:
        self._stream = stream
        self._packed_bytes = packed_bytes
        self._source = source
        self._total = 0
        self._tail = b""

    @property
    def ends_with_zeros(self) -> bool:
        return len(self._tail) == 512 and not self._tail.strip(b"\0")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size if 0 <= size <= MEBIBYTE else MEBIBYTE)
        self._total += len(data)
        if self._total > TOTAL_LIMIT:
            raise refuse(self._source, f"it unpacks to more than {TOTAL_LIMIT} bytes")
        if self._total > RATIO_FLOOR and self._total > RATIO_LIMIT * self._packed_bytes:
            raise refuse(self._source, f"it unpacks to more than {RATIO_LIMIT} times its size")
        self._tail = (self._tail + data)[-512:]
        return data
