"""The quick reader of plain tar archives takes what ``tarfile`` takes, or leaves it to that."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.inventory.capture.archives.bounds import Unpacked
from gpucloud.inventory.capture.archives.plain import UnusualError, read_plain
from gpucloud.inventory.capture.archives.read import Members
from gpucloud.inventory.capture.archives.tarred import read_tar

pytestmark = pytest.mark.proof

LONG = "sys/devices/" + "pci0000:00/" * 30
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE])
NAMES = st.builds(
    lambda top, rest: f"{top}/{rest}", st.sampled_from(["sys", "etc", LONG]), st.text("abé/", min_size=1)
)
MEMBERS = st.lists(st.tuples(NAMES, KINDS, NAMES, st.binary(max_size=1500)), max_size=8)
FORMATS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def pack(members: list[tuple[str, bytes, str, bytes]], form: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as out:
        for name, kind, target, data in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.SYMTYPE:
                info.linkname = target
            elif kind != tarfile.DIRTYPE:
                info.size = len(data)
            try:
                out.addfile(info, io.BytesIO(data))
            except ValueError:  # too long a name for ustar
                continue
    return packed.getvalue()


def plain(data: bytes) -> Members:
    return read_plain(Unpacked(io.BytesIO(data), len(data), "c.tar"), "c.tar")


@given(members=MEMBERS, form=FORMATS)
def test_what_is_read_quickly_is_what_tarfile_reads(
    members: list[tuple[str, bytes, str, bytes]], form: int
) -> None:
    data = pack(members, form)
    try:
        quick = plain(data).entries
    except UnusualError:
        assert form != tarfile.GNU_FORMAT or any(kind == tarfile.AREGTYPE for _, kind, _, _ in members)
        return
    assert quick == read_with_tarfile(data)


def read_with_tarfile(data: bytes) -> dict[tuple[str, ...], bytes | str | None]:
    members = Members("c.tar")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            content = archive.extractfile(info) if info.isfile() else None
            members.put(info.name, content.read() if content else info.linkname if info.issym() else None)
    return members.entries


@pytest.mark.parametrize("at", [100, 124, 148, 156])
def test_a_damaged_header_is_left_to_tarfile(at: int) -> None:
    data = bytearray(pack([("sys/a", tarfile.REGTYPE, "", b"x")], tarfile.GNU_FORMAT))
    data[at] ^= 0x55
    with pytest.raises(UnusualError):
        plain(bytes(data))


def test_hard_links_and_pipes_are_left_to_tarfile_and_read() -> None:
    data = pack(
        [("etc/a", tarfile.REGTYPE, "", b"text"), ("etc/b", tarfile.LNKTYPE, "etc/a", b"")],
        tarfile.GNU_FORMAT,
    )
    with pytest.raises(UnusualError):
        plain(data)
    assert set(read_tar(io.BytesIO(data), data[:6], len(data), "c.tar").entries) == {
        ("etc", "a"),
        ("etc", "b"),
    }
