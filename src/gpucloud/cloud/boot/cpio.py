"""Archives that the kernel unpacks as its first root file system: cpio in the "newc" form. Pure.

Source: Documentation/driver-api/early-userspace/buffer-format.rst of the Linux kernel.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

_MAGIC = "070701"
_ALIGNMENT = 4
_TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory or device of the archive. ``mode`` holds its type, as in ``st_mode``."""

    path: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)
    """Major and minor number of a device."""


def directory(path: str) -> Entry:
    """An empty directory that everyone may enter."""
    return Entry(path, stat.S_IFDIR | 0o755)


def program(path: str, content: bytes) -> Entry:
    """A file that everyone may run."""
    return Entry(path, stat.S_IFREG | 0o755, content)


def character_device(path: str, major: int, minor: int) -> Entry:
    """A character device for root alone."""
    return Entry(path, stat.S_IFCHR | 0o600, device=(major, minor))


def render_cpio(entries: Iterable[Entry]) -> bytes:
    """Write an archive; the same entries give the same bytes.

    Directories must come before what is in them.
    """
    parts = [_render(entry, number) for number, entry in enumerate(entries, start=1)]
    return b"".join([*parts, _render(Entry(_TRAILER, 0), 0)])


def _render(entry: Entry, number: int) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        number,
        entry.mode,
        0,  # owner
        0,  # group
        links,
        0,  # time
        len(entry.content),
        0,  # device of the archived file itself
        0,
        *entry.device,
        len(name),
        0,  # checksum, used by another form only
    )
    head = (_MAGIC + "".join(f"{field:08X}" for field in fields)).encode() + name
    return _padded(head) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGNMENT)
