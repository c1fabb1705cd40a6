"""Zip archives."""

from __future__ import annotations

import io
import lzma
import stat
import zipfile
import zlib
from typing import BinaryIO

from gpucloud.inventory.capture.archives.bounds import COUNT_LIMIT, MEMBER_LIMIT, refuse
from gpucloud.inventory.capture.archives.read import Members

_ENTRY = b"PK\x01\x02"
_DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
"""LZMA is left out: its header names a dictionary of up to 4 GiB, and zipfile sets it no limit."""


def read_zip(file: BinaryIO, source: str) -> Members:
    """Read all members. A member is read no further than it claims to be long.

    Raises:
        Failure: it is damaged, cut short, encrypted, or asks for too much.
    """
    members = Members(source)
    data = file.read()
    if data.count(_ENTRY) > COUNT_LIMIT:  # zipfile makes an object of each before anyone can look
        raise refuse(source, f"it has more than {COUNT_LIMIT} members")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                members.budget.spend(member.filename, member.file_size)
                if member.compress_type not in _PACKED:
                    raise refuse(source, f"its member {member.filename!r} is packed in an unusual way")
                _take(archive, member, members)
    except _DAMAGE as error:
        raise refuse(source, f"it is damaged, cut short or encrypted ({type(error).__name__})") from None
    return members


def _take(archive: zipfile.ZipFile, member: zipfile.ZipInfo, members: Members) -> None:
    if member.is_dir():
        members.put(member.filename, None)
        return
    with archive.open(member) as content:
        data = content.read(min(member.file_size, MEMBER_LIMIT))
    if stat.S_ISLNK(member.external_attr >> 16):
        members.put(member.filename, data.decode(errors="replace"))
    else:
        members.put(member.filename, data)
