"""Bytes copied from file to file without their holes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from errno import ENXIO

_CHUNK = 4 * 1024 * 1024


def copy_range(source: int, start: int, target: int, at: int, length: int) -> None:
    """Copy the data of a range; where the source has a hole, the target stays as it is.

    Args:
        source: an open file.
        start: of the range, in bytes.
        target: another.
        at: where the range goes.
        length: of it.

    Raises:
        OSError: it cannot be read or written; as much as was copied is there.
    """
    for begin, end in _data(source, start, start + length):
        place = begin
        while place < end:
            chunk = os.pread(source, min(_CHUNK, end - place), place)
            if not chunk:
                return
            _write(target, chunk, at + place - start)
            place += len(chunk)


def _data(file: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where there is data, as lseek(2) tells; a file system that cannot tell says: everywhere."""
    while begin < end:
        try:
            begin = os.lseek(file, begin, os.SEEK_DATA)
        except OSError as error:
            if error.errno == ENXIO:  # no data up to the file's end
                return
            raise
        if begin >= end:
            return
        hole = min(end, os.lseek(file, begin, os.SEEK_HOLE))
        yield begin, hole
        begin = hole


def _write(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(file, view, at)
        view, at = view[done:], at + done
