"""The narrow way to a host: it can look and cannot change anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from gpucloud.model.unknown import Unknown

FILE_LIMIT = 16 * 1024 * 1024
"""Bytes of one file that are read at most: the longest files read are lists of module aliases."""


class Reader(Protocol):
    """A host to look at. Paths are absolute, as on the host: ``/sys/bus/pci/devices``.

    Every answer is the thing asked for, ``None`` where it was looked for and is not there, or
    ``Unknown`` where it could not be read or is not part of a capture.
    """

    @property
    def label(self) -> str:
        """Where the facts come from: ``this host``, ``USER@HOST`` or the path of a capture."""

    def read_bytes(self, path: str, limit: int = FILE_LIMIT) -> bytes | None | Unknown:
        """Read a whole file; one longer than ``limit`` is Unknown, never cut."""

    def read_text(self, path: str, limit: int = FILE_LIMIT) -> str | None | Unknown:
        """Read a whole file as UTF-8; bytes that are none become U+FFFD."""

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        """Name the entries of a folder, sorted."""

    def read_link(self, path: str) -> str | None | Unknown:
        """Read the target of a symbolic link as it is written; None for anything but a link."""


class Contents(NamedTuple):
    """A folder and some of its files."""

    names: frozenset[str]
    """All entries."""
    texts: Mapping[str, str | Unknown]
    """The files that were asked for and are there, by name."""
    links: Mapping[str, str]
    """Targets of the symbolic links that were asked for and are there, by name."""


class HostReader(Reader, Protocol):
    """A host whose folders can be read at once: a big server has thousands of attributes."""

    def read_folder(self, path: str, wanted: frozenset[str]) -> Contents | None | Unknown:
        """List a folder and read those files and links in it whose names are wanted."""

    def read_opened(self, path: str) -> str | None | Unknown:
        """Say what an open file of a process is, by its place ``/proc/PID/fd/N``.

        A device by its number, ``/dev/char/226:0``, whatever the name under which it was opened; anything
        else, or where numbers are not known, by its name.
        """


def needed(answer: str | None | Unknown, path: str) -> str | Unknown:
    """Turn "not there" into Unknown, for files that every Linux host has."""
    return Unknown(f"{path} is not there") if answer is None else answer


def reason(error: OSError) -> str:
    """Say why a read failed in the system's own words, in lower case: ``permission denied``."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
