"""A directory of this machine seen as the root of a host; nothing in it leads outside."""

# Thousands of attributes are read for one scan: plain os calls on text cost a third of Path's.
# ruff: noqa: PTH112, PTH115, PTH208
from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from gpucloud.inventory.paths import follow, follow_last, link_text

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_CHUNK = 16384


class Listing(NamedTuple):
    """A folder with some of its files (text, or why there is none) and links (their targets)."""

    names: Collection[str]
    texts: dict[str, str | OSError]
    links: dict[str, str]


class Folder:
    """Files below ``root``, with links followed inside it. All methods raise OSError as ``os`` does.

    Args:
        root: the directory that stands for ``/``.
        has_text_links: files that hold a path may stand for symbolic links.
    """

    def __init__(self, root: Path, *, has_text_links: bool = False) -> None:
        self._root = os.path.realpath(root).rstrip("/")
        self._has_text_links = has_text_links
        self._folders = {"": ""}
        self._targets: dict[str, str | None] = {}

    def read(self, path: str, limit: int) -> bytes:
        """Read a regular file whole.

        Raises:
            OSError: EFBIG if it is longer than ``limit``; EINVAL for pipes, sockets and devices.
        """
        place = self._place(path)
        try:
            descriptor = os.open(self._root + place, _FLAGS)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            descriptor = os.open(self._root + follow_last(place, self._link_at, self._target), _FLAGS)
        try:
            return _read_all(descriptor, limit)
        finally:
            os.close(descriptor)

    def names(self, path: str) -> list[str]:
        """Name the entries of a folder, in no order."""
        return os.listdir(self._root + self._folder(path) or "/")

    def contents(self, path: str, wanted: frozenset[str], limit: int) -> Listing:
        """Name the entries of a folder, and read those that are wanted."""
        folder = os.open(self._root + self._folder(path), _FLAGS | os.O_DIRECTORY)
        try:
            listing = Listing(os.listdir(folder), {}, {})
            for name in wanted.intersection(listing.names):
                try:
                    listing.texts[name] = _read_in(folder, name, limit)
                except OSError as error:
                    if error.errno == errno.ELOOP:
                        listing.links[name] = os.readlink(name, dir_fd=folder)
                    else:
                        listing.texts[name] = error
        finally:
            os.close(folder)
        return listing

    def target(self, path: str) -> str | None:
        """Read a link's target; None where there is something else."""
        place = self._place(path)
        try:
            return os.readlink(self._root + place)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return self._text_target(place)

    def has_folder(self, path: str) -> bool:
        """Claims that there is a folder at the path."""
        return os.path.isdir(self._root + self._folder(path))

    def _place(self, path: str) -> str:
        if "\0" in path:  # no name of the kernel has one, but a hostile capture may make us ask
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        parent, _, name = path.rpartition("/")
        return f"{self._folder(parent)}/{name}"

    def _folder(self, path: str) -> str:
        real = self._folders.get(path)
        if real is None:
            parent, _, name = path.rpartition("/")
            real = self._folders[path] = follow(self._folder(parent), name, self._target)
        return real

    def _link_at(self, place: str) -> str | None:
        try:
            return os.readlink(self._root + place)
        except OSError:  # no link, or nothing that can be looked at: whoever opens it learns which
            return None

    def _target(self, place: str) -> str | None:
        """The target of a folder that may be a link, remembered: all devices share the folders above."""
        if place not in self._targets:
            self._targets[place] = self._look_at(place)
        return self._targets[place]

    def _look_at(self, place: str) -> str | None:
        try:
            mode = os.lstat(self._root + place).st_mode
        except OSError:  # nothing that can be looked at: whoever opens it learns why
            return None
        if stat.S_ISLNK(mode):
            return self._link_at(place)
        return self._text_target(place) if stat.S_ISREG(mode) else None

    def _text_target(self, place: str) -> str | None:
        if not self._has_text_links:
            return None
        try:
            return link_text(self.read(place, 4096))
        except OSError:  # too long for a link, or nothing that can be read
            return None


def _read_in(folder: int, name: str, limit: int) -> str:
    descriptor = os.open(name, _FLAGS, dir_fd=folder)
    try:
        return _read_all(descriptor, limit).decode(errors="replace")
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, limit: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if status.st_size > limit:
        raise OSError(errno.EFBIG, f"longer than {limit} bytes")
    size = status.st_size
    data = os.read(descriptor, size + 1 if size else _CHUNK)
    if size and len(data) <= size:
        return data  # sysfs says 4096 and gives less; /proc says 0 and gives it in pieces
    pieces = [data]
    length = len(data)
    while data and length <= limit:
        data = os.read(descriptor, _CHUNK)
        pieces.append(data)
        length += len(data)
    if length > limit:
        raise OSError(errno.EFBIG, f"longer than {limit} bytes")
    return b"".join(pieces)
