"""Files that are no text, and how to make text of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file, told by its first bytes."""

    name: str
    magic: bytes
    then: str
    """What to do; ``{path}`` is the file."""
    offset: int = 0


_PIPE = "| gpucloud doctor --evidence -"
_CAPTURE = "(a capture: gpucloud doctor --from {path})"
_FORMATS = (
    Format("compressed (gzip)", b"\x1f\x8b", f"zcat {{path}} {_PIPE} {_CAPTURE}"),
    Format("compressed (xz)", b"\xfd7zXZ\x00", f"xzcat {{path}} {_PIPE}"),
    Format("compressed (zstd)", b"\x28\xb5\x2f\xfd", f"zstdcat {{path}} {_PIPE}"),
    Format("compressed (bzip2)", b"BZh", f"bzcat {{path}} {_PIPE}"),
    Format("a zip archive", b"PK\x03\x04", "unpack it, and give the folder"),
    Format("a tar archive", b"ustar", f"unpack it, and give the folder {_CAPTURE}", 257),
    Format("a journal of systemd", b"LPKSHHRH", f"journalctl --file {{path}} {_PIPE}"),
    Format("a picture", b"\x89PNG\r\n", "copy its text into a file"),
    Format("a picture", b"\xff\xd8\xff", "copy its text into a file"),
    Format("a PDF", b"%PDF-", "copy its text into a file"),
    Format("a program", b"\x7fELF", "give text: logs, listings, configuration"),
)


def format_of(first: bytes) -> Format | None:
    """What the first bytes of a file say it is; None where it may be text."""
    return next((one for one in _FORMATS if first[one.offset :].startswith(one.magic)), None)
