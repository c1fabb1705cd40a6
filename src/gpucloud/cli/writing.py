"""Files of the user's, replaced whole or not at all; who may read them stays as it is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EINVAL, ENODATA, ENOTSUP, EPERM
from itertools import count
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_ISDIR, S_ISREG

from gpucloud.model.failure import Exit, Failure

_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME = 120
"""Characters of a name that the new one beside it keeps: with its ends it is no longer than a name may be."""
_ACCESS = "system.posix_acl_access"
_NOT_GIVEN = (EPERM, EACCES, EINVAL, ENODATA, ENOTSUP)
"""Why an attribute stays behind: it is not this user's to set, or the file system has none (as in shutil)."""


def replace_whole(path: Path, data: bytes) -> None:
    """Write a file beside it, then put that in its place, with its owner, group, mode, label and access list.

    A link still leads to it. It is on the disk when this returns.

    Raises:
        Failure: it is no file, or this user cannot give one to its owner; what was there is as before.
        OSError: it cannot be written; what was there is as before.
    """
    place = path.resolve()
    old = _status(place)
    fresh = place.with_name(f".{place.name[:_NAME]}.{secrets.token_hex(8)}.gpucloud-new")
    with _settled(place.parent), _making(fresh, old) as file:
        _fill(file, data, place, old)
        fresh.replace(place)


def keep_copy(path: Path) -> Path:
    """Copy a file beside it, for those alone who may read it; gives the name, which nothing had.

    Raises:
        Failure: as of ``replace_whole``.
        OSError: it cannot be read, or the copy cannot be written; then there is none.
    """
    place = path.resolve()
    data, old = place.read_bytes(), place.stat()
    with _settled(path.parent):
        for kept in _free_names(path):
            with suppress(FileExistsError), _making(kept, old) as file:
                _fill(file, data, place, old)
                break
    return kept


def _free_names(path: Path) -> Iterator[Path]:
    """Names for a copy, which no service reads as a file of options."""
    return (path.with_name(f"{path.name}.before-gpucloud{f'.{n}' if n > 1 else ''}") for n in count(1))


def _status(place: Path) -> os.stat_result | None:
    """What is there; None where nothing is."""
    try:
        old = place.lstat()
    except FileNotFoundError:
        return None
    if not S_ISREG(old.st_mode) and not S_ISDIR(old.st_mode):
        raise Failure(f"{place} is no file that can be replaced", "name a file", code=Exit.USAGE)
    return old


@contextmanager
def _making(path: Path, old: os.stat_result | None) -> Iterator[int]:
    """A new file, nobody else's to read where it takes another one's place; gone where it is not filled."""
    file = os.open(path, _MAKE, 0o666 if old is None else 0o600)
    try:
        yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _fill(file: int, data: bytes, place: Path, old: os.stat_result | None) -> None:
    if old is not None:
        _give(file, place, old)
    with os.fdopen(file, "wb", closefd=False) as stream:
        stream.write(data)
    os.fsync(file)


def _give(file: int, place: Path, old: os.stat_result) -> None:
    """Give an empty file to the old one's owner and group, with its mode and attributes."""
    new = os.fstat(file)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(file, old.st_uid, old.st_gid)
        except OSError as error:
            raise Failure(
                f"{place} belongs to user {old.st_uid} and group {old.st_gid}, to whom this user cannot give "
                "the new file: it is left as it was",
                f"run it as root, or first take the file: sudo chown {os.geteuid()}:{os.getegid()} "
                f"{quote(str(place))}",
            ) from error
    with suppress(OSError):  # the list that the folder gives a new file lets others in: fchmod would open it
        os.removexattr(file, _ACCESS)
    os.fchmod(file, S_IMODE(old.st_mode))
    _give_attributes(file, place)


def _give_attributes(file: int, place: Path) -> None:
    """The label of SELinux, the access list, and the user's own, as far as they can be set here."""
    try:
        for name in os.listxattr(place):
            _give_attribute(file, place, name)
    except OSError as error:
        if error.errno not in _NOT_GIVEN:
            raise


def _give_attribute(file: int, place: Path, name: str) -> None:
    try:
        os.setxattr(file, name, os.getxattr(place, name))
    except OSError as error:
        if error.errno not in _NOT_GIVEN:
            raise


@contextmanager
def _settled(folder: Path) -> Iterator[None]:
    """Have the disk know what gets a name in a folder; one that cannot be opened is told before that."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield
        os.fsync(opened)
    finally:
        os.close(opened)
