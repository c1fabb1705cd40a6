"""A host's files in memory: what an archive or a stream holds, with links followed inside it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from gpucloud.inventory.folder import IN_PLACE_OF_LINK, Listing
from gpucloud.inventory.paths import Linked, follow_last, link_text


class Tree(Linked):
    """Files, links and folders by absolute path. Methods raise OSError as ``os`` does on a disk.

    Fill it first, links to folders before what lies behind them; places are remembered once asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._folders: dict[str, set[str]] = {"": set()}

    def add_file(self, path: str, data: bytes) -> None:
        """Put a file at a place without links. What was there is replaced, except a folder."""
        if path not in self._folders:
            self._enter(path)
            self._links.pop(path, None)
            self._files[path] = data

    def add_link(self, path: str, target: str) -> None:
        """Put a link at a place without links. What was there is replaced, except a folder."""
        if path not in self._folders:
            self._enter(path)
            self._files.pop(path, None)
            self._links[path] = target

    def add_folder(self, path: str) -> None:
        """Make a folder and those above it. A file or link in the way stays: the folder is not made."""
        if path not in self._folders and path not in self._files and path not in self._links:
            self._enter(path)
            self._folders[path] = set()

    def entries(self) -> Iterator[tuple[str, bytes | str | None]]:
        """All entries by path: bytes of a file, text of a link's target, None for a folder."""
        places = {**self._files, **self._links, **dict.fromkeys(self._folders)}
        return iter(sorted(((path, places[path]) for path in places if path), key=lambda entry: entry[0]))

    def read(self, path: str, limit: int) -> bytes:
        """Read a file.

        Raises:
            OSError: ENOENT, EISDIR, ELOOP, or EFBIG if it is longer than ``limit``.
        """
        data = self._files.get(follow_last(self.place_of(path), self._links.get, self._target))
        if data is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"longer than {limit} bytes", path)
        return data

    def names(self, path: str) -> list[str]:
        """Name the entries of a folder, in no order."""
        names = self._folders.get(self.end_of(path))
        if names is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return list(names)

    def contents(self, path: str, wanted: frozenset[str], limit: int) -> Listing:
        """Name the entries of a folder, and read those that are wanted."""
        listing, end = Listing(self.names(path), {}, {}), self.end_of(path)
        for name in wanted.intersection(listing.names):
            target = self._links.get(f"{end}/{name}")
            if target is not None:
                listing.links[name] = target
                continue
            try:
                listing.texts[name] = self.read(f"{path}/{name}", limit).decode(errors="replace")
            except OSError as error:
                listing.texts[name] = error
        return listing

    def target(self, path: str) -> str | None:
        """Read a link's target; a file that holds a path may stand for a link (``link_text``).

        Raises:
            OSError: ENOENT, or EISDIR for a folder: a copy of what the link led to.
        """
        place = self.place_of(path)
        target = self._links.get(place)
        if target is not None:
            return target
        if place in self._files:
            return link_text(self._files[place])
        if place not in self._folders:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        raise OSError(errno.EISDIR, IN_PLACE_OF_LINK, path)

    def has_folder(self, path: str) -> bool:
        """Claims that there is a folder at the path."""
        return self.end_of(path) in self._folders

    def place_of(self, path: str) -> str:
        """The place of a path: links of all components but the last are followed."""
        return self._place(path)

    def end_of(self, path: str) -> str:
        """The folder that a path leads to, with all links followed."""
        return self._end(path)

    def _target(self, place: str) -> str | None:
        target = self._links.get(place)
        if target is None and place in self._files:
            return link_text(self._files[place])
        return target

    def _enter(self, path: str) -> None:
        """Name an entry in its folder, and make the folders above."""
        while path:
            parent, _, name = path.rpartition("/")
            known = parent in self._folders
            self._folders.setdefault(parent, set()).add(name)
            if known:
                return
            path = parent
