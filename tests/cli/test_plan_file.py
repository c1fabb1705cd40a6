"""A plan is written into a new file or over an older plan; what else is there stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.fake_host import card
from tests.prepare.site import Site, site_in

from gpucloud.cli.main import run
from gpucloud.cli.plans.file import read_plan
from gpucloud.cli.writing import replace_whole
from gpucloud.model.failure import Exit


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
