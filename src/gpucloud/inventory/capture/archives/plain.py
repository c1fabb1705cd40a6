"""Tar archives of the usual kind, read quickly: plain headers (v7, ustar, GNU) with GNU's long names.

Gives up on anything else, damage included: ``tarfile`` then reads the archive or says what is wrong with it.
It needs 20 µs for a header, and a big server has thousands. Format: tar(5) of libarchive, "basic tar format".
"""

from __future__ import annotations

from zlib import adler32

from gpucloud.inventory.capture.archives.bounds import HEADER_LIMIT, MEBIBYTE, MEMBER_LIMIT, Unpacked
from gpucloud.inventory.capture.archives.read import Members

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_FILE, _OLD_FILE = b"0", b"\0"
_LINK, _FOLDER = b"2", b"5"
_LONG_NAME, _LONG_TARGET = b"L", b"K"
_KNOWN = frozenset((_FILE, _OLD_FILE, _LINK, _FOLDER, _LONG_NAME, _LONG_TARGET))
_SPACES = 8 * ord(" ")
_ADLER = 65521


class UnusualError(Exception):
    """The archive has a shape that is left to ``tarfile``."""


class _Window:
    """A stretch of the stream that moves forward."""

    def __init__(self, stream: Unpacked) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next bytes of the stream."""
        end = self._at + size
        if end > len(self._data):
            self._fill(size)
            end = size
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _fill(self, size: int) -> None:
        pieces = [self._data[self._at :]]
        missing = size - len(pieces[0])
        while missing > 0:
            piece = self._stream.read(MEBIBYTE)
            if not piece:
                raise UnusualError
            pieces.append(piece)
            missing -= len(piece)
        self._data, self._at = b"".join(pieces), 0


def read_plain(stream: Unpacked, source: str) -> Members:
    """Read all members.

    Raises:
        UnusualError: it holds something else than plain members, or is damaged or cut short.
        Failure: it asks for too much, or a name leads out of it.
    """
    window, members = _Window(stream), Members(source)
    name = target = ""
    while (header := window.take(_BLOCK)) != _ZEROS:
        kind, size = _check(header)
        content = window.take(-(-size // _BLOCK) * _BLOCK)[:size] if size else b""
        if kind == _LONG_NAME:
            name = _text(content)
        elif kind == _LONG_TARGET:
            target = _text(content)
        else:
            target = target or (_text(header[157:257]) if kind == _LINK else "")
            _put(members, kind, name or _name(header), target, content)
            name = target = ""
    while stream.read(MEBIBYTE):  # what is left is checked for damage, and for its end
        pass
    if name or target or not stream.ends_with_zeros:
        raise UnusualError
    return members


def _put(members: Members, kind: bytes, name: str, target: str, content: bytes) -> None:
    members.budget.spend(name, len(content))
    if kind == _LINK:
        members.put(name, target)
    elif kind == _FOLDER:
        members.put(name, None)
    else:
        members.put(name, content)


def _check(header: bytes) -> tuple[bytes, int]:
    """The kind of a member and the length of what follows its header, both within limits."""
    kind = header[156:157]
    size = _octal(header[124:136])
    if kind not in _KNOWN or not _has_right_sum(header):
        raise UnusualError
    if kind == _OLD_FILE and _text(header[:100]).endswith("/"):  # how v7 writes a folder
        raise UnusualError
    is_naming = kind in (_LONG_NAME, _LONG_TARGET)
    if size > (HEADER_LIMIT if is_naming else MEMBER_LIMIT) or (size and kind in (_LINK, _FOLDER)):
        raise UnusualError
    return kind, size


def _has_right_sum(header: bytes) -> bool:
    """Claims that the bytes add up, with spaces where the sum itself stands.

    The lower half of Adler-32 is one and the sum modulo 65521 (RFC 1950), ten times faster than ``sum``.
    """
    rest = _octal(header[148:156]) + sum(header[148:156]) - _SPACES
    return (rest + 1) % _ADLER == adler32(header) & 0xFFFF


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits.isdigit():  # empty, GNU's base-256, or damage
        raise UnusualError
    try:
        return int(digits, 8)
    except ValueError:
        raise UnusualError from None


def _name(header: bytes) -> str:
    """The name, with the prefix that POSIX has and GNU has not."""
    name = _text(header[:100])
    has_prefix = header[257:263] == b"ustar\0" and header[345:346] != b"\0"
    return f"{_text(header[345:500])}/{name}" if has_prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")
