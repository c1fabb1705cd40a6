"""A plan is written into a new file or over an older plan; what else is there stays as it is."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from socket import AF_UNIX, socket

import pytest
from tests.prepare.fake_host import card
from tests.prepare.site import Site, site_in

from gpucloud.cli.main import run
from gpucloud.cli.plans.file import read_plan, takes_text, write_plan
from gpucloud.cli.writing import replace_whole
from gpucloud.model.failure import Exit, Failure


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, 12)])


def write(site: Site, unit: str, path: Path | str) -> int:
    return run(["plan", "--unit", unit, "--output", str(path)], site.desk)


def test_an_older_plan_is_replaced_and_that_is_said(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    assert write(site, "3b:00.0", path) == Exit.FINE
    assert f"{path} is written; now: gpucloud apply {path}" in capsys.readouterr().err
    path.chmod(0o640)
    assert write(site, "3c:00.0", path) == Exit.FINE
    assert f"{path} is written in place of an older plan; now:" in capsys.readouterr().err
    assert [unit.short for unit in read_plan(path).units] == ["3c:00.0"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir() if "plan" in one.name] == ["plan.json"]


@pytest.mark.parametrize("text", ["notes", '{"format": 1}'])
def test_any_other_file_stays(
    text: str, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    assert write(site, "3b:00.0", path) == Exit.USAGE
    assert "is already there, and is no plan as gpucloud wrote it; remove it" in capsys.readouterr().err
    assert path.read_text() == text


def test_a_plan_that_somebody_edited_stays(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write(site, "3b:00.0", path)
    path.write_text(path.read_text().replace("vfio-pci", "pci-stub", 1))
    edited = path.read_text()
    assert write(site, "3b:00.0", path) == Exit.USAGE
    assert path.read_text() == edited


@pytest.mark.parametrize("path", ["/dev/null", "/dev/fd/1", "{folder}/empty"])
def test_what_holds_nothing_takes_a_plan_as_it_is(path: str, site: Site, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    path = path.format(folder=tmp_path)
    assert write(site, "3b:00.0", path) == Exit.FINE


def test_a_pipe_that_nobody_reads_is_refused_at_once(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert write(site, "3b:00.0", tmp_path / "pipe") == Exit.USAGE
    assert f"nobody reads the pipe {tmp_path}/pipe; begin to read it first" in capsys.readouterr().err


def test_who_reads_a_pipe_gets_the_plan(site: Site, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        held = os.open(pipe, os.O_WRONLY)  # comes back when the reader is there
        assert write(site, "3b:00.0", pipe) == Exit.FINE
        os.close(held)
        assert reader.communicate(timeout=60)[0].startswith(b"{")


def test_a_long_plan_waits_for_its_reader(tmp_path: Path) -> None:
    pipe, data = tmp_path / "pipe", b"x" * 1_000_000
    os.mkfifo(pipe)
    with subprocess.Popen(["wc", "-c", pipe], stdout=subprocess.PIPE) as reader:
        held = os.open(pipe, os.O_WRONLY)
        assert not write_plan(pipe, data)
        os.close(held)
        assert reader.communicate(timeout=60)[0].split()[0] == b"1000000"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/urandom", "socket"])
def test_nothing_else_takes_a_plan(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with socket(AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(Failure, match=f"{path} is no file, and no plan is written into it") as caught:
            write_plan(Path(path), b"plan")
    assert caught.value.code is Exit.USAGE


def test_a_disk_takes_no_plan_whatever_its_name() -> None:
    disk = os.makedev(8, 0)
    assert not takes_text(stat.S_IFBLK | 0o660, disk, is_stream=False)
    assert not takes_text(stat.S_IFBLK | 0o660, os.makedev(1, 3), is_stream=True)
    assert takes_text(stat.S_IFCHR | 0o666, os.makedev(136, 0), is_stream=True)


def test_what_cannot_be_replaced_is_as_before_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_whole(tmp_path / "folder", b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_a_link_still_leads_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    replace_whole(tmp_path / "link", b"new")
    assert ((tmp_path / "real").read_text(), (tmp_path / "link").is_symlink()) == ("new", True)
