"""Bytes of unknown origin into text: encodings told by their marks, binary stretches left out and counted."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PIECE_BYTES = 1 << 20
MOST_BYTES = 256_000_000
"""How much of one input is read."""
_BLOCK_BYTES = 4096
_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\r\f\b\x1b\x00"))
"""Bytes that no text has; terminal codes, and the zeros between arguments, are none of them."""
_NOT_CONTROLS = bytes(set(range(256)) - set(_CONTROLS))
_MOST_CONTROLS, _MOST_ZEROS = 0.03, 0.4
_LOST = re.compile(rb"\x00{16,}")
"""What a file system leaves of a log that was being written when the power failed."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Read = Callable[[int], bytes]
"""Gives up to so many next bytes, none at the end."""


@dataclass
class Account:
    """What was read of one input so far."""

    bytes_read: int = 0
    bytes_binary: int = 0
    is_cut: bool = False
    """There was more than is read of one input."""

    def notes(self) -> Iterator[str]:
        """What was left out, in words."""
        if self.bytes_binary:
            yield f"{self.bytes_binary} of {self.bytes_read} bytes are binary"
        if self.is_cut:
            yield f"what follows the first {MOST_BYTES // 1_000_000} MB"


def read_text(read: Read, account: Account) -> Iterator[str]:
    """Text in pieces; bytes that do not fit the encoding become U+FFFD, and line numbers stay right."""
    piece = read(PIECE_BYTES)
    encoding = _encoding(piece)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while piece and account.bytes_read < MOST_BYTES:
        account.bytes_read += len(piece)
        yield from (
            _decode(decoder, piece, account) if encoding.startswith("utf-8") else (decoder.decode(piece),)
        )
        piece = read(PIECE_BYTES)
    account.is_cut = bool(piece)
    yield decoder.decode(b"", final=True)


def _encoding(first: bytes) -> str:
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding
    half = max(len(first) // 2, 1)
    if first[1::2].count(0) > 0.6 * half and first[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if first[::2].count(0) > 0.6 * half and first[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return "utf-8"


def _decode(decoder: codecs.IncrementalDecoder, piece: bytes, account: Account) -> Iterator[str]:
    if not piece.translate(None, _NOT_CONTROLS) and b"\x00" not in piece:
        yield decoder.decode(piece)
        return
    kept = _LOST.sub(b" ", piece)
    account.bytes_binary += len(piece) - len(kept)
    for start in range(0, len(kept), _BLOCK_BYTES):
        block = kept[start : start + _BLOCK_BYTES]
        if _is_binary(block):
            account.bytes_binary += len(block)
            yield decoder.decode(b"", final=True)
            yield " " + "\n" * block.count(b"\n")
        else:
            yield decoder.decode(block)


def _is_binary(block: bytes) -> bool:
    """Claims a stretch that is no text: compressed data and machine code have control bytes all over.

    A few are left in: logs lose bytes, and arguments in /proc/PID/cmdline end with zeros.
    """
    controls = len(block.translate(None, _NOT_CONTROLS))
    return controls > max(8, _MOST_CONTROLS * len(block)) or block.count(0) > max(8, _MOST_ZEROS * len(block))
