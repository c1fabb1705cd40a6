"""Files of a host, each whole or not at all: written beside its place, synced, and renamed into it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpucloud.inventory.reader import reason
from gpucloud.model.file import ACCESS_LIST, Attribute, Content, FileState
from gpucloud.model.unknown import Unknown

SIZE_LIMIT = 1024 * 1024
"""Bytes: files that people configure a host with have some thousand."""
_LINKS_LIMIT = 8
_PIECE = 1024 * 1024
_LABEL = "security.selinux"
_KEPT = ("security.capability", ACCESS_LIST)
_KEPT_KINDS = ("user.", "trusted.")
"""Extended attributes that are kept (xattr(7), acl(5)). Hashes of the content (security.ima, security.evm)
would be wrong for another one, and the kernel makes them itself."""
_GET_FLAGS = 0x8008_6601 if struct.calcsize("l") == 8 else 0x8004_6601
"""FS_IOC_GETFLAGS: _IOR('f', 1, long)."""
_FIXED = 0x10 | 0x20
"""FS_IMMUTABLE_FL and FS_APPEND_FL, of <linux/fs.h>."""


class Tree:
    """Files below ``root``, which stands for ``/``. A path that is a symbolic link means where it leads.

    Raises, in every method that changes something:
        OSError: the system refused.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def look(self, path: str) -> FileState | None | Unknown:
        """The file as it is; Unknown where it cannot be read, is too long, no text or no plain file."""
        try:
            return _look(self._real(path))
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            return Unknown(f"{path} is not UTF-8 text")
        except OSError as error:
            return Unknown(f"{path}: {reason(error)}")

    def put(self, path: str, state: FileState) -> None:
        """Make the file be so."""
        place = self._real(path)
        beside = _beside(place)
        beside.unlink(missing_ok=True)
        _write(beside, state)
        beside.rename(place)
        sync_folder(place.parent)

    def overwrite(self, path: str, content: str) -> None:
        """Write over a file of the same length where it lies: no block more is needed."""
        data = content.encode()
        with self._real(path).open("r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != len(data):
                raise OSError(errno.EFBIG, f"it is not {len(data)} bytes long")
            file.write(data)
            os.fsync(file.fileno())

    def copy(self, source: str, path: str) -> None:
        """Make the file hold what another holds, whatever its size; for its owner alone."""
        place = self._real(path)
        beside = _beside(place)
        beside.unlink(missing_ok=True)
        with self._real(source).open("rb") as old, beside.open("xb") as new:
            os.fchmod(new.fileno(), 0o600)
            shutil.copyfileobj(old, new, _PIECE)
            new.flush()
            os.fsync(new.fileno())
        beside.rename(place)
        sync_folder(place.parent)

    def remove(self, path: str) -> None:
        """Remove the file, and what an interrupted ``put`` may have left beside it."""
        place = self._real(path)
        if place.parent.is_dir():
            _beside(place).unlink(missing_ok=True)
            place.unlink(missing_ok=True)
            sync_folder(place.parent)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link; whatever is there is replaced."""
        place = self._at(path)
        beside = _beside(place)
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        beside.rename(place)
        sync_folder(place.parent)

    def unlink(self, path: str) -> None:
        """Remove a symbolic link, and what an interrupted ``link`` may have left beside it."""
        place = self._at(path)
        if place.parent.is_dir():
            _beside(place).unlink(missing_ok=True)
            place.unlink(missing_ok=True)
            sync_folder(place.parent)

    def tidy(self, path: str) -> None:
        """Remove only what an interrupted ``put`` may have left beside the file."""
        _beside(self._real(path)).unlink(missing_ok=True)

    def make_folder(self, path: str) -> None:
        """Make a folder in one that is there; fine where it is there already."""
        place = self._at(path)
        place.mkdir(mode=0o755, exist_ok=True)
        sync_folder(place.parent)

    def remove_folder(self, path: str) -> None:
        """Remove a folder that is empty; one that is not, or is gone, stays as it is."""
        place = self._at(path)
        with contextlib.suppress(FileNotFoundError, OSError):
            place.rmdir()
            sync_folder(place.parent)

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _real(self, path: str) -> Path:
        """Where the file is once links are followed; an absolute link starts at the root again."""
        place = self._at(path)
        for _ in range(_LINKS_LIMIT):
            if not place.is_symlink():
                return place
            target = place.readlink()
            place = self._at(str(target)) if target.is_absolute() else place.parent / target
        raise OSError(f"{path}: too many symbolic links")


def _look(place: Path) -> FileState:
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("not a plain file")
        data = file.read(SIZE_LIMIT + 1)
        if len(data) > SIZE_LIMIT:
            raise OSError(f"longer than {SIZE_LIMIT} bytes")
        text = Content(data.decode())
        mode = stat.S_IMODE(facts.st_mode)
        return FileState(
            text,
            mode,
            facts.st_uid,
            facts.st_gid,
            _label(descriptor),
            tuple(_attributes(descriptor)),
            facts.st_nlink,
            _is_fixed(descriptor),
        )


def _label(descriptor: int) -> str | None:
    try:
        return os.getxattr(descriptor, _LABEL).rstrip(b"\0").decode()
    except OSError:  # no SELinux here, or a file system without labels
        return None


def _attributes(descriptor: int) -> Iterator[Attribute]:
    try:
        names = sorted(os.listxattr(descriptor))
    except OSError:  # a file system without any
        return
    for name in names:
        if name in _KEPT or name.startswith(_KEPT_KINDS):
            yield Attribute(name, os.getxattr(descriptor, name).hex())


def _is_fixed(descriptor: int) -> bool:
    try:
        answer = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(struct.calcsize("l")))
    except OSError:  # a file system without such flags
        return False
    return bool(int.from_bytes(answer[:4], sys.byteorder) & _FIXED)


def _write(place: Path, state: FileState) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(place, flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(state.text.encode())
        file.flush()
        facts = os.fstat(descriptor)
        if (facts.st_uid, facts.st_gid) != (state.uid, state.gid):
            os.fchown(descriptor, state.uid, state.gid)
        if stat.S_IMODE(facts.st_mode) != state.mode:
            os.fchmod(descriptor, state.mode)
        _set_attributes(descriptor, state.attributes)
        if state.label is not None and _label(descriptor) != state.label:
            os.setxattr(descriptor, _LABEL, state.label.encode() + b"\0")
        os.fsync(descriptor)


def _set_attributes(descriptor: int, wanted: Sequence[Attribute]) -> None:
    """After owner and mode: a change of owner takes capabilities, and an access list has bits of the mode."""
    there = tuple(_attributes(descriptor))
    for each in there:
        if each.name not in {other.name for other in wanted}:
            os.removexattr(descriptor, each.name)  # what the folder gives to new files
    for each in wanted:
        if each not in there:
            os.setxattr(descriptor, each.name, bytes.fromhex(each.hexadecimal))


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.gpucloud-new")


def sync_folder(path: Path) -> None:
    """What is in the folder, and under which names, is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
