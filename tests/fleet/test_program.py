"""The program that travels: the same files give the same, and it runs wherever it is unpacked."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpucloud.fleet.collection import write_collection
from gpucloud.fleet.program import build_program, pack
from gpucloud.fleet.record import recording
from gpucloud.fleet.shipped import Shipped


def test_the_same_files_give_the_same_program(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n")
    files = [Shipped(tmp_path / "a.py", Path("a.py")), Shipped(tmp_path / "a.py", Path("b/c.py"))]
    first = pack(files)
    (tmp_path / "a.py").touch()
    assert pack(files[::-1]) == first
    (tmp_path / "a.py").write_text("two\n")
    assert pack(files).key != first.key


@pytest.mark.proof
def test_it_runs_with_nothing_but_python(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(build_program().archive)) as archive:
        assert not [name for name in archive.getnames() if name.endswith((".so", ".pyc"))]
        archive.extractall(tmp_path, filter="data")
    command = [sys.executable, "-S", "-I", str(tmp_path / "gpucloud"), "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("gpucloud ")
    serve = [sys.executable, "-S", "-I", str(tmp_path / "serve")]
    answered = subprocess.run(serve, input=b"{}", capture_output=True, check=False)
    assert b"the order does not speak as this gpucloud does" in answered.stdout


@pytest.mark.proof
def test_an_older_collection_is_replaced(tmp_path: Path) -> None:
    place = write_collection(tmp_path)
    (place / "plugins/modules/old.py").touch()
    assert write_collection(tmp_path) == place == tmp_path / "ansible_collections/gpucloud/host"
    assert not (place / "plugins/modules/old.py").exists()
    assert (place / "files/program.key").read_text().strip()


def test_records_are_kept_as_they_come_and_not_for_ever(tmp_path: Path) -> None:
    for minute in range(60):
        with recording(tmp_path / "fleet", datetime(2026, 1, 1, 0, minute, tzinfo=UTC)) as (path, keep):
            keep("a line\n")
            assert path.read_text() == "a line\n"
    assert len(list((tmp_path / "fleet").iterdir())) == 50
