"""A capture as a ``Reader``: files on disk or in memory, with a rule for what is missing."""

from __future__ import annotations

import errno
from typing import Protocol

from gpucloud.inventory.capture.absences import Absences
from gpucloud.inventory.folder import Listing
from gpucloud.inventory.reader import FILE_LIMIT, Contents, reason
from gpucloud.model.unknown import Unknown


class Files(Protocol):
    """What a directory (``Folder``) and an archive in memory (``Tree``) have in common."""

    def read(self, path: str, limit: int) -> bytes: ...

    def names(self, path: str) -> list[str]: ...

    def contents(self, path: str, wanted: frozenset[str], limit: int) -> Listing: ...

    def target(self, path: str) -> str | None: ...

    def has_folder(self, path: str) -> bool: ...


class CaptureReader:
    """Reads a capture.

    Text loses NUL bytes at its end: tar pads files that shrink while it reads them, and all of sysfs
    claims to be longer than it is. Without a manifest an empty file of /proc is Unknown: tar stores
    what /proc claims to be long, which is nothing.
    """

    def __init__(self, label: str, files: Files, absences: Absences, *, has_manifest: bool) -> None:
        self._label = label
        self._files = files
        self._absences = absences
        self._has_manifest = has_manifest

    @property
    def label(self) -> str:
        return self._label

    def read_bytes(self, path: str, limit: int = FILE_LIMIT) -> bytes | None | Unknown:
        try:
            return self._files.read(path, limit)
        except OSError as error:
            return self._refused(path, error)

    def read_text(self, path: str, limit: int = FILE_LIMIT) -> str | None | Unknown:
        try:
            data = self._files.read(path, limit)
        except OSError as error:
            return self._refused(path, error)
        text = data.rstrip(b"\0").decode(errors="replace")
        if not text and not self._has_manifest and path.startswith("/proc/"):
            return Unknown(f"{path[1:]} is empty in the capture, as tar stores it; use gpucloud capture")
        return text

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        try:
            names = tuple(sorted({*self._files.names(path), *self._absences.unread(path)}))
        except OSError as error:
            return self._refused(path, error)
        if names == () and self._has_manifest:  # empty on the host, or a folder that could not be read
            why = self._absences.why(path, has_folder=True)
            return () if why is None else why
        return names

    def read_link(self, path: str) -> str | None | Unknown:
        try:
            return self._files.target(path)
        except OSError as error:
            return self._refused(path, error)

    def read_opened(self, path: str) -> str | None | Unknown:
        return self.read_link(path)  # whoever made the capture has looked up the number

    def read_folder(self, path: str, wanted: frozenset[str]) -> Contents | None | Unknown:
        try:
            listing = self._files.contents(path, wanted, FILE_LIMIT)
        except OSError as error:
            return self._refused(path, error)
        unread = self._absences.unread(path)
        names = frozenset((*listing.names, *unread)) if unread else frozenset(listing.names)
        if not names and self._has_manifest:  # as list_dir has it
            why = self._absences.why(path, has_folder=True)
            if why is not None:
                return why
        texts: dict[str, str | Unknown] = {}
        for name, text in listing.texts.items():
            told = text.rstrip("\0") if isinstance(text, str) else self._refused(f"{path}/{name}", text)
            if told is not None:
                texts[name] = told
        return Contents(names, texts, listing.links)

    def _refused(self, path: str, error: OSError) -> Unknown | None:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return self._absences.why(path, has_folder=self._files.has_folder(path.rpartition("/")[0]))
        return Unknown(f"{reason(error)}: {path[1:]} in the capture")
