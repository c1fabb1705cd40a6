"""Archives are what the kernel and cpio read."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.boot.cpio import Entry, character_device, directory, program, render_cpio

NAMES = st.text("abcxyz0189-._", min_size=1, max_size=40)
ENTRIES = st.lists(st.builds(program, NAMES, st.binary(max_size=200)), max_size=8)


def _read(archive: bytes) -> list[Entry]:
    """Read an archive by the kernel's description of the form, independent of the writer."""
    entries: list[Entry] = []
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        at += -(-(110 + name_size) // 4) * 4
        if name == "TRAILER!!!":
            assert at == len(archive)
            return entries
        entries.append(Entry(name, mode, archive[at : at + size], (fields[9], fields[10])))
        at += -(-size // 4) * 4


@given(ENTRIES)
def test_what_is_written_is_read_back(entries: list[Entry]) -> None:
    assert _read(render_cpio(entries)) == entries


def test_kinds_of_files_are_kept() -> None:
    archive = [directory("bin"), program("bin/a", b"#!/bin/sh\n"), character_device("dev", 5, 1)]
    kinds = [stat.S_IFMT(entry.mode) for entry in _read(render_cpio(archive))]
    assert kinds == [stat.S_IFDIR, stat.S_IFREG, stat.S_IFCHR]
    assert _read(render_cpio(archive))[2].device == (5, 1)


def test_busybox_unpacks_it(tmp_path: Path) -> None:
    archive = render_cpio([directory("etc"), program("etc/hello", b"world")])
    subprocess.run(["busybox", "cpio", "-i"], input=archive, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "etc/hello").read_bytes() == b"world"
    assert (tmp_path / "etc/hello").stat().st_mode & 0o111
