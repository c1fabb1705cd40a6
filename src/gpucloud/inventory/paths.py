"""Symbolic links followed inside a root that nothing leads out of."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable

HOP_LIMIT = 40
"""Links followed for one path; the kernel's own limit (path_resolution(7))."""
LINK_LIMIT = 4095
"""Bytes of a link's target; the kernel's own limit (PATH_MAX less its end)."""
NO_NAMES = frozenset(("", ".", ".."))
"""Components of a path that name no entry of a folder."""


def follow(
    start: str, path: str, target_of: Callable[[str], str | None], plain: set[str] | None = None
) -> str:
    """Walk ``path`` from the folder ``start``, following every link on the way.

    Paths are absolute inside the root and the root itself is the empty text. Absolute targets begin
    at the root and ``..`` stops there, as in a chroot: nothing that a link says leads outside.

    Args:
        start: a folder, without links.
        path: what to walk; absolute or relative.
        target_of: the target of the link at a path, None where there is no link.
        plain: places known to be no links; those found on the way are added.

    Raises:
        OSError: ELOOP after ``HOP_LIMIT`` links.
    """
    here = "" if path.startswith("/") else start
    plain = set() if plain is None else plain
    parts = path.split("/")[::-1]
    hops = 0
    while parts:
        part = parts.pop()
        if part in ("", "."):
            continue
        if part == "..":
            here = here.rpartition("/")[0]
            continue
        place = f"{here}/{part}"
        target = None if place in plain else target_of(place)
        if target is None:
            plain.add(place)
            here = place
            continue
        hops += 1
        if hops > HOP_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        parts.extend(target.split("/")[::-1])
        if target.startswith("/"):
            here = ""
    return here


class Linked(ABC):
    """A tree of files whose links are followed inside it; where folders lead is remembered."""

    def __init__(self) -> None:
        self._ends = {"": ""}
        self._plain: set[str] = set()

    @abstractmethod
    def _target(self, place: str) -> str | None:
        """The target of a link to a folder at a place, as for ``follow``."""

    def _end(self, path: str) -> str:
        """The place that a path leads to, with all links followed."""
        end = self._ends.get(path)
        if end is None:
            parent, _, name = path.rpartition("/")
            start = self._end(parent)
            place = f"{start}/{name}"
            is_plain = place in self._plain or (name not in NO_NAMES and self._target(place) is None)
            end = self._ends[path] = place if is_plain else follow(start, name, self._target, self._plain)
        return end

    def _place(self, path: str) -> str:
        """The place of a path: links of all components but the last are followed."""
        parent, _, name = path.rpartition("/")
        return f"{self._end(parent)}/{name}"


def follow_last(
    place: str, link_at: Callable[[str], str | None], target_of: Callable[[str], str | None]
) -> str:
    """Follow a link in the last component to the file at its end.

    Args:
        place: a path without links before its last component.
        link_at: the target of a true link at a place; a file's text is none, for it may be the file.
        target_of: as for ``follow``, for the folders on the way.

    Raises:
        OSError: ELOOP after ``HOP_LIMIT`` links.
    """
    for _ in range(HOP_LIMIT):
        target = link_at(place)
        if target is None:
            return place
        start, _, name = target.rpartition("/")
        start = start or ("/" if target.startswith("/") else "")
        place = f"{follow(place.rpartition('/')[0], start, target_of)}/{name}"
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), place)


def link_text(content: bytes) -> str | None:
    """Take the content of a file for a link's target, if it can be one.

    Systems without symbolic links (and git and zip on them) keep a link as a file that holds its
    target: one line, a path, no longer than ``LINK_LIMIT``.
    """
    text = content.rstrip(b"\0\r\n")
    if not text or len(text) > LINK_LIMIT or b"\0" in text or b"\n" in text:
        return None
    return text.decode(errors="replace")
