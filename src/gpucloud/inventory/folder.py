"""A directory of this machine seen as the root of a host; nothing in it leads outside."""

# Thousands of attributes are read for one scan: plain os calls on text cost a third of Path's.
# ruff: noqa: PTH112, PTH115, PTH208
from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from gpucloud.inventory.collect.envoy import FILE_LIMIT, FLAGS, Answer, read_file
from gpucloud.inventory.paths import Linked, follow_last, link_text

IN_PLACE_OF_LINK = "a folder stands for a link"
"""``cp -L`` and ``tar -h`` copy what a link leads to: where it led is lost."""

ReadFiles = Callable[[Sequence[str], int], list[Answer]]


class Listing(NamedTuple):
    """A folder with some of its files (text, or why there is none) and links (their targets)."""

    names: Collection[str]
    texts: dict[str, str | OSError]
    links: dict[str, str]


def read_here(paths: Sequence[str], limit: int) -> list[Answer]:
    """Read files in this process."""
    return [_attempt(path, limit) for path in paths]


def _attempt(path: str, limit: int) -> Answer:
    try:
        return read_unfollowed(path, limit)
    except OSError as error:
        return error


def read_unfollowed(path: str, limit: int = FILE_LIMIT) -> bytes:
    """Read a regular file whole; a link at the end of the path is an OSError (ELOOP)."""
    return read_file(path, limit, FLAGS | os.O_NOFOLLOW)


class Folder(Linked):
    """Files below ``root``, with links followed inside it. All methods raise OSError as ``os`` does.

    Args:
        root: the directory that stands for ``/``.
        has_text_links: files that hold a path may stand for symbolic links.
        read_files: reads files by their paths on this machine, without following a link at the end.
    """

    def __init__(
        self, root: Path, *, has_text_links: bool = False, read_files: ReadFiles = read_here
    ) -> None:
        super().__init__()
        self._read_files = read_files
        self._root = os.path.realpath(root).rstrip("/")
        self._has_text_links = has_text_links
        self._targets: dict[str, str | None] = {}

    def read(self, path: str, limit: int) -> bytes:
        """Read a regular file whole.

        Raises:
            OSError: EFBIG if it is longer than ``limit``; EINVAL for pipes, sockets and devices.
        """
        place = self._place(path)
        try:
            return self._read(place, limit)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        return self._read(follow_last(place, self._link_at, self._target), limit)

    def names(self, path: str) -> list[str]:
        """Name the entries of a folder, in no order."""
        return os.listdir(self._root + self._end(path) or "/")

    def contents(self, path: str, wanted: frozenset[str], limit: int) -> Listing:
        """Name the entries of a folder, and read those that are wanted."""
        folder = self._root + self._end(path)
        listing = Listing(os.listdir(folder or "/"), {}, {})
        chosen = wanted.intersection(listing.names)
        answers = self._read_files([f"{folder}/{name}" for name in chosen], limit)
        for name, answer in zip(chosen, answers, strict=True):
            if isinstance(answer, bytes):
                listing.texts[name] = answer.decode(errors="replace")
            elif answer.errno == errno.ELOOP:
                listing.links[name] = os.readlink(f"{folder}/{name}")
            else:
                listing.texts[name] = answer
        return listing

    def target(self, path: str) -> str | None:
        """Read a link's target; None where there is a file. What copied the link's end is EISDIR."""
        place = self._place(path)
        try:
            return os.readlink(self._root + place)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        if os.path.isdir(self._root + place):
            raise OSError(errno.EISDIR, IN_PLACE_OF_LINK, path)
        return self._text_target(place)

    def has_folder(self, path: str) -> bool:
        """Claims that there is a folder at the path."""
        return os.path.isdir(self._root + self._end(path))

    def _read(self, place: str, limit: int) -> bytes:
        answer = self._read_files([self._root + place], limit)[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    def _place(self, path: str) -> str:
        if "\0" in path:  # no name of the kernel has one, but a hostile capture may make us ask
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return super()._place(path)

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
