"""Tar archives, read as a stream: what is too long is refused at its header, before its bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from typing import BinaryIO, Self, cast

from gpucloud.inventory.capture.archives.bounds import HEADER_LIMIT, MEBIBYTE, MEMBER_LIMIT, Unpacked, refuse
from gpucloud.inventory.capture.archives.plain import UnusualError, read_plain
from gpucloud.inventory.capture.archives.read import Members

_NAMING = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError)


class _TooLongError(Exception):
    """A header that claims more than the limits."""


class _Header(tarfile.TarInfo):
    """A header that is looked at before anything behind it is read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.size > (HEADER_LIMIT if header.type in _NAMING else MEMBER_LIMIT):
            raise _TooLongError(
                f"its member {header.name!r} claims {header.size} bytes; {MEMBER_LIMIT} are the limit"
            )
        return header


def read_tar(file: BinaryIO, start: bytes, packed_bytes: int, source: str) -> Members:
    """Read all members: quickly where all are plain.

    Args:
        file: the archive, at its beginning.
        start: its first bytes, which tell how it is packed.
        packed_bytes: its length as it lies on disk.
        source: what to call it in errors.

    Raises:
        Failure: it is no tar archive, damaged, cut short, or asks for too much.
    """
    try:
        return read_plain(Unpacked(_unpacker(file, start), packed_bytes, source), source)
    except (UnusualError, *_DAMAGE, OSError):  # OSError: gzip's BadGzipFile, and bzip2's
        file.seek(0)
    return _read_any(Unpacked(_unpacker(file, start), packed_bytes, source), source)


def _read_any(unpacked: Unpacked, source: str) -> Members:
    """Read what ``tarfile`` reads, and say what is wrong with what it does not."""
    members = Members(source)
    try:
        with tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Header) as archive:
            while member := archive.next():
                members.budget.spend(member.name, member.size)
                _take(archive, member, members)
                # tarfile remembers every header it has seen, in a list that its stubs leave out
                archive.members.clear()  # type: ignore[attr-defined]
        while unpacked.read(MEBIBYTE):  # what is left is checked for damage, and for its end
            pass
    except _TooLongError as error:
        raise refuse(source, str(error)) from None
    except _DAMAGE:
        raise refuse(source, "it is no archive, or damaged, or cut short") from None
    if not unpacked.ends_with_zeros:
        raise refuse(source, "it is cut short")
    return members


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, members: Members) -> None:
    if member.isdir():
        members.put(member.name, None)
    elif member.issym():
        members.put(member.name, member.linkname)
    elif member.islnk():  # a hard link names another member by its whole name
        members.put(member.name, members.entries.get(members.parts(member.linkname), b""))
    elif member.isfile():
        content = archive.extractfile(member)
        members.put(member.name, content.read() if content else b"")
    else:  # a device or pipe: that it was there is all that is kept
        members.put(member.name, b"")


def _unpacker(file: BinaryIO, start: bytes) -> io.BufferedIOBase:
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if start.startswith(b"\xfd7zXZ\0"):
        return cast(io.BufferedIOBase, _Xz(file))
    return cast(io.BufferedIOBase, file)


class _Xz(io.RawIOBase):
    """An xz stream whose dictionary may not take more memory than the highest preset needs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=128 * MEBIBYTE)

    def read(self, size: int = -1) -> bytes:
        while not self._unpacker.eof:
            packed = self._file.read(65536) if self._unpacker.needs_input else b""
            if not packed and self._unpacker.needs_input:
                raise EOFError
            data = self._unpacker.decompress(packed, size)
            if data:
                return data
        return b""
