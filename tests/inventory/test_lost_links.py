"""Copies that have no links, or folders in their place: what links told is unknown, and not "none"."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, function, read

from gpucloud.cli.main import run
from gpucloud.inventory import read_host
from gpucloud.inventory.capture.absences import ByManifest, ByRule
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.packed import Packed
from gpucloud.inventory.capture.reader import CaptureReader
from gpucloud.inventory.capture.tree import Tree
from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.reader import Reader
from gpucloud.model.failure import Exit
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown

GPU = "0000:3b:00.0"


def captured(path: Path) -> Host:
    return read_host(open_capture(path), NAMES)


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path / "host", flat=True)
    tree.function(GPU, "10de:1db4", "0302", driver="nvidia", group=61)
    return tree


def links_followed(root: Path, copy: Path) -> Path:
    """Copy as ``cp -rL`` does: what a link leads to stands in its place."""
    (root / "sys/bus/pci/drivers/nvidia").mkdir(parents=True)
    (root / "sys/bus/pci/drivers/nvidia/bind").write_text("")
    where = root / "sys/kernel/iommu_groups/61/devices"
    shutil.rmtree(where)  # its links and those of the function lead to each other, and cp would not end
    where.mkdir()
    (where / GPU).mkdir()
    for lost in ("driver", "iommu_group"):
        link = root / f"sys/bus/pci/devices/{GPU}/{lost}"
        link.unlink()
        link.mkdir()
    shutil.copytree(root, copy)
    return copy


def links_left_out(root: Path, copy: Path) -> Path:
    """Copy as to a file system without links."""
    shutil.copytree(root, copy, ignore=lambda place, names: [n for n in names if Path(place, n).is_symlink()])
    return copy


def test_a_folder_in_the_place_of_a_link_hides_what_it_told(tree: HostTree, tmp_path: Path) -> None:
    copy = links_followed(tree.root, tmp_path / "copy")
    gpu = function(captured(copy), GPU)
    assert isinstance(gpu.driver, Unknown)
    assert gpu.driver.why.startswith("a folder stands for a link")
    assert gpu.iommu_group == 61  # the groups' own folders tell it
    shutil.rmtree(copy / "sys/kernel")
    assert isinstance(function(captured(copy), GPU).iommu_group, Unknown)


@pytest.mark.parametrize("make", [links_followed, links_left_out])
def test_without_groups_and_links_nothing_is_said_of_group_driver_and_holders(
    make: Callable[[Path, Path], Path], tree: HostTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = make(tree.root, tmp_path / "copy")
    shutil.rmtree(copy / "sys/kernel")
    host = captured(copy)
    gpu = function(host, GPU)
    assert isinstance(host.iommu.groups, Unknown)
    assert [type(one) for one in (gpu.iommu_group, gpu.driver, gpu.holders)] == [Unknown] * 3
    assert run(["scan", "--from", str(copy)]) == Exit.FINE
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("3b:00.0"))
    assert "none" not in row
    assert row.count("?") >= 3
    run(["doctor", "--from", str(copy)])
    assert "iommu_group" in capsys.readouterr().out


def test_one_link_is_enough_to_show_that_links_were_taken(tree: HostTree, tmp_path: Path) -> None:
    tree.function("0000:3c:00.0", "10de:1db4", "0302")
    shutil.rmtree(tree.root / "sys/kernel")
    other = function(captured(tree.root), "0000:3c:00.0")
    assert (other.driver, other.iommu_group) == (None, None)


def test_of_the_running_host_nothing_is_lost(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    gpu = function(read(tree), GPU)
    assert (gpu.driver, gpu.iommu_group) == (None, None)


def test_every_reader_tells_a_folder_from_a_link_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "sys/a").mkdir(parents=True)
    in_memory = Tree()
    in_memory.add_folder("/sys/a")
    readers: list[Reader] = [
        LiveReader(tmp_path),
        open_capture(tmp_path),
        CaptureReader("c", in_memory, ByRule(), has_manifest=False),
        CaptureReader("c", Packed({"sys": {"a": {}}}), ByManifest(("/sys/*",), {}), has_manifest=True),
    ]
    for reader in readers:
        found = reader.read_link("/sys/a")
        assert isinstance(found, Unknown)
        assert found.why.startswith("a folder stands for a link")
        assert reader.read_link("/sys/b") is None
