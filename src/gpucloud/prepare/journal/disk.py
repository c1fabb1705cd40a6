"""What reaches the disk, and stays there when the power goes: every write is followed by fsync."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

_MODE = 0o600
_FOLDER_MODE = 0o700


class Disk(Protocol):
    """Writes that are on the disk when they return."""

    def make_folder(self, path: Path) -> None: ...

    def create(self, path: Path, data: bytes) -> None:
        """Write a new file."""

    def append(self, path: Path, data: bytes) -> None:
        """Add to a file; made if it is not there."""

    def cut(self, path: Path, length: int) -> None:
        """Keep only the first bytes of a file."""

    def rename(self, old: Path, new: Path) -> None: ...


class RealDisk:
    """The disk of this machine. For root's eyes only: plans name devices, guests and processes."""

    def make_folder(self, path: Path) -> None:
        path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        _sync_folder(path.parent)

    def create(self, path: Path, data: bytes) -> None:
        _write(path, data, os.O_CREAT | os.O_EXCL)
        _sync_folder(path.parent)

    def append(self, path: Path, data: bytes) -> None:
        is_new = not path.exists()
        _write(path, data, os.O_CREAT | os.O_APPEND)
        if is_new:
            _sync_folder(path.parent)

    def cut(self, path: Path, length: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, length)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        old.rename(new)
        _sync_folder(new.parent)


def _write(path: Path, data: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | flags, _MODE)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
