"""Tar and zip archives into a ``Tree``. Nothing is unpacked to disk; every size is bounded first."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gpucloud.inventory.capture.archives.bounds import ARCHIVE_LIMIT, Budget, refuse
from gpucloud.inventory.capture.top import TOPS, is_of_host, no_host
from gpucloud.inventory.capture.tree import Tree
from gpucloud.inventory.paths import LINK_LIMIT
from gpucloud.model.failure import Exit, Failure

_KEPT = TOPS | {"lib", "usr", "boot", "efi", "dev", "run", "gpucloud"}
_NOTHING = ("", ".")


class Members:
    """What an archive holds, by the parts of each name: bytes of a file, text of a link, None a folder."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.budget = Budget(source)
        self.entries: dict[tuple[str, ...], bytes | str | None] = {}
        self._folders: dict[str, tuple[str, ...]] = {}

    def put(self, name: str, entry: bytes | str | None) -> None:
        """Take a member if a host's facts can be in it. A leading ``/`` or ``./`` means nothing.

        Raises:
            Failure: the name leads out of the archive, or a link is longer than the kernel allows.
        """
        parts = self.parts(name)
        if isinstance(entry, str) and len(entry) > LINK_LIMIT:
            raise refuse(self.source, f"its link {name[:200]!r} is longer than {LINK_LIMIT} characters")
        if not _KEPT.isdisjoint(parts[:2]):
            self.entries[parts] = entry

    def parts(self, name: str) -> tuple[str, ...]:
        """The parts of a member's name.

        Raises:
            Failure: the name leads out of the archive.
        """
        folder, _, last = name.rpartition("/")
        above = self._folders.get(folder)
        if above is None:
            above = self._folders[folder] = tuple(part for part in folder.split("/") if part not in _NOTHING)
        if last == ".." or ".." in above or "\0" in name:
            raise refuse(self.source, f"its member {name!r} leads out of it")
        return above if last in _NOTHING else (*above, last)

    def tree(self) -> Tree:
        """Put everything in its place below the folder that has ``sys``, ``proc`` or ``etc``."""
        top = self._top()
        tree = Tree()
        for parts, entry in self.entries.items():
            if parts[: len(top)] == top and len(parts) > len(top):
                _place(tree, "/" + "/".join(parts[len(top) :]), entry)
        return tree

    def _top(self) -> tuple[str, ...]:
        if any(map(is_of_host, self.entries)):
            return ()
        tops = {parts[:1] for parts in self.entries if is_of_host(parts[1:])}
        if len(tops) != 1:
            raise no_host(self.source)
        return tops.pop()


def read_archive(path: Path) -> Tree:
    """Read a tar (plain, gzip, bzip2, xz) or zip archive.

    Raises:
        Failure: it cannot be read, is damaged or cut short, or asks for too much.
    """
    source = str(path)
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                what = f"capture {source} is refused: it is neither a directory nor a file"
                raise Failure(what, "make one with: gpucloud capture", code=Exit.USAGE)
            if status.st_size > ARCHIVE_LIMIT:
                raise refuse(source, f"it is longer than {ARCHIVE_LIMIT} bytes")
            start = file.read(6)
            file.seek(0)
            if start.startswith(b"PK"):
                from gpucloud.inventory.capture.archives.zipped import read_zip

                return read_zip(file, source).tree()
            from gpucloud.inventory.capture.archives.tarred import read_tar

            return read_tar(file, start, status.st_size, source).tree()
    except OSError as error:
        raise Failure(
            f"capture {source} cannot be read: {error.strerror or error}", "is the path right, and whole?"
        ) from None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe must not make us wait for a writer


def _place(tree: Tree, path: str, entry: bytes | str | None) -> None:
    if entry is None:
        tree.add_folder(path)
    elif isinstance(entry, str):
        tree.add_link(path, entry)
    else:
        tree.add_file(path, entry)
