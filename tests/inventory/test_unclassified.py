"""A capture whose links lead nowhere shows functions and no classes: whether it has a GPU is not known."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.hosts.builders.laptop import build_laptop

from gpucloud.cli.main import run
from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.model.failure import Exit
from gpucloud.model.units.unclassified import TAR

LISTS = ("sys/bus/pci", "sys/kernel/iommu_groups")


def archive(root: Path, path: Path, *folders: str) -> str:
    with tarfile.open(path, "w") as out:
        for folder in folders:
            out.add(root / folder, folder)
    return str(path)


@pytest.fixture
def dangling(tmp_path: Path) -> str:
    """What somebody gets who takes the two folders that have the names of functions and groups."""
    build_laptop(tmp_path / "host")
    return archive(tmp_path / "host", tmp_path / "c.tar", *LISTS)


@pytest.mark.parametrize("words", [["scan"], ["scan", "--format", "json"]])
def test_scan_does_not_say_that_there_is_no_gpu(
    dangling: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--from", dangling]) == Exit.ERROR
    printed = capsys.readouterr()
    told = printed.out + printed.err
    assert "No GPU" not in told
    assert "no GPU can be told on" in told
    assert "functions could not be read" in told
    assert "sys/devices" in told


def test_doctor_does_not_either_and_nothing_found_is_not_fine(
    dangling: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--level", "blocker", "--from", dangling]) == Exit.ERROR
    told = " ".join(capsys.readouterr().out.split())
    assert "no GPU is among them" not in told
    assert "functions could not be read" in told
    assert "sys/devices/pci*" in told


def test_plan_does_not_say_that_one_of_them_is_no_gpu(
    dangling: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--from", dangling, "--unit", "01:00.0"]) == Exit.ERROR
    told = capsys.readouterr().err
    assert "whether 0000:01:00.0 is a GPU cannot be said" in told
    assert "sys/devices" in told
    assert run(["plan", "--from", dangling]) == Exit.USAGE
    assert "functions could not be read" in capsys.readouterr().err


def test_the_command_that_is_given_makes_a_capture_that_shows_the_units(tmp_path: Path) -> None:
    root = build_laptop(tmp_path / "host").root
    made = tmp_path / "made.tar.gz"
    command = TAR.replace("/tmp/host.tar.gz", str(made))
    subprocess.run(["/bin/sh", "-ec", command], cwd=root, check=True, timeout=60)
    found, whole = read_host(open_capture(made)), read_host(open_capture(root))
    assert [unit.addresses for unit in found.units] == [unit.addresses for unit in whole.units]
    assert [unit.groups for unit in found.units] == [unit.groups for unit in whole.units]


def test_a_capture_without_links_to_devices_is_scanned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_laptop(tmp_path / "host")
    path = archive(tmp_path / "host", tmp_path / "c.tar", *LISTS, "sys/devices")
    assert run(["scan", "--from", path]) == Exit.FINE
    assert "may be GPUs" not in capsys.readouterr().out


def test_the_reference_gives_the_same_command() -> None:
    page = Path(__file__).parents[2] / "docs/reference/captures.md"
    assert f"cd / && {TAR}\n" in page.read_text()
