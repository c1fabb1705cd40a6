r"""A host's files in one, ``gpucloud/host.json``: thousands of members cost more to unpack than to read.

Folders are objects by name, from the host's root on; a file is its text, a link a list with its target::

    {"sys": {"bus": {"pci": {"devices": {"0000:01:00.0": ["../../../devices/pci0000:00/..."]}}}},
     "proc": {"cmdline": "ro quiet\n"}}

Text is UTF-8; a byte that is none stands as U+DC80 to U+DCFF (Python's ``surrogateescape``).
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable

from gpucloud.inventory.capture.allowlist import PACKED
from gpucloud.inventory.capture.archives.bounds import refuse
from gpucloud.inventory.folder import IN_PLACE_OF_LINK, Listing
from gpucloud.inventory.paths import LINK_LIMIT, NO_NAMES, Linked, follow_last

Entry = dict[str, "Entry"] | list[str] | str
Root = dict[str, Entry]
_SMALL = 1024 * 1024
"""Bytes in which nothing could stand that takes much memory; in longer ones entries are counted first."""
_ENTRY_LIMIT = 1_000_000
"""A server has about 25 entries for each of its functions; 16 MiB, the limit of the file, hold 16 000."""


def render_packed(entries: Iterable[tuple[str, bytes | str | None]]) -> bytes:
    """Write entries by path, each after its folder: bytes of a file, text of a link, None for a folder."""
    folders: dict[str, Root] = {"": {}}
    for path, entry in entries:
        above, _, name = path.rpartition("/")
        if entry is None:
            folders[above][name] = folders[path] = {}
        else:
            folders[above][name] = [entry] if isinstance(entry, str) else _text_of(entry)
    return json.dumps(folders[""], indent=1).encode() + b"\n"


def _text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def parse_packed(data: bytes, source: str) -> Packed:
    """Read a packed host.

    Raises:
        Failure: it is damaged, or asks for too much.
    """
    if len(data) > _SMALL and max(data.count(b'":'), data.count(b"[")) > _ENTRY_LIMIT:
        raise refuse(source, f"{PACKED[1:]} has more than {_ENTRY_LIMIT} entries")
    try:
        root = json.loads(data)
        if isinstance(root, dict) and _is_sound(root):
            return Packed(root)
    except (ValueError, RecursionError):
        pass
    raise refuse(source, f"its {PACKED[1:]} is damaged")


def _is_sound(folder: Root) -> bool:
    for name, entry in folder.items():
        if "/" in name or "\0" in name or name in NO_NAMES:
            return False
        if isinstance(entry, str):
            continue
        if not (_is_sound(entry) if isinstance(entry, dict) else _is_link(entry)):
            return False
    return True


def _is_link(entry: object) -> bool:
    if not isinstance(entry, list) or len(entry) != 1:
        return False
    return isinstance(entry[0], str) and 0 < len(entry[0]) <= LINK_LIMIT


class Packed(Linked):
    """Files of a packed host. Methods raise OSError as ``os`` does on a disk."""

    def __init__(self, root: Root) -> None:
        super().__init__()
        self._entries: dict[str, Entry | None] = {"": root}

    def read(self, path: str, limit: int) -> bytes:
        """Read a file.

        Raises:
            OSError: ENOENT, ELOOP, EFBIG if it is longer than ``limit``, EILSEQ if it stands for no bytes.
        """
        entry = self._entry(follow_last(self._place(path), self._target, self._target))
        if not isinstance(entry, str):
            raise _error(errno.ENOENT, path)
        try:
            data = entry.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise _error(errno.EILSEQ, path) from None
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"longer than {limit} bytes", path)
        return data

    def names(self, path: str) -> list[str]:
        """Name the entries of a folder."""
        return list(self._folder(path))

    def contents(self, path: str, wanted: frozenset[str], limit: int) -> Listing:
        """Name the entries of a folder, and read those that are wanted."""
        folder = self._folder(path)
        listing = Listing(folder, {}, {})
        for name in wanted.intersection(folder):
            entry = folder[name]
            if isinstance(entry, list):
                listing.links[name] = entry[0]
            elif isinstance(entry, str) and entry.isascii() and len(entry) <= limit:
                listing.texts[name] = entry
            else:
                listing.texts[name] = self._text(f"{path}/{name}", limit)
        return listing

    def target(self, path: str) -> str | None:
        """Read a link's target; None where there is a file, EISDIR where there is a folder."""
        entry = self._entry(self._place(path))
        if entry is None:
            raise _error(errno.ENOENT, path)
        if isinstance(entry, dict):
            raise OSError(errno.EISDIR, IN_PLACE_OF_LINK, path)
        return entry[0] if isinstance(entry, list) else None

    def has_folder(self, path: str) -> bool:
        """Claims that there is a folder at the path."""
        return isinstance(self._entry(self._end(path)), dict)

    def _text(self, path: str, limit: int) -> str | OSError:
        try:
            return self.read(path, limit).decode(errors="replace")
        except OSError as error:
            return error

    def _folder(self, path: str) -> Root:
        entry = self._entry(self._end(path))
        if not isinstance(entry, dict):
            raise _error(errno.ENOENT, path)
        return entry

    def _target(self, place: str) -> str | None:
        entry = self._entry(place)
        return entry[0] if isinstance(entry, list) else None

    def _entry(self, place: str) -> Entry | None:
        if place not in self._entries:
            parent, _, name = place.rpartition("/")
            folder = self._entry(parent)
            self._entries[place] = folder.get(name) if isinstance(folder, dict) else None
        return self._entries[place]


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
