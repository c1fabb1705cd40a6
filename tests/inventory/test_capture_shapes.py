"""Captures come in many shapes, and what they lack is told from what the host lacked."""

from __future__ import annotations

import dataclasses
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.hosts.builders.arc import build_arc
from tests.hosts.builders.laptop import build_laptop
from tests.inventory.build import NAMES, addresses, function, read

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown

pytestmark = pytest.mark.proof

GPU = "0000:3b:00.0"


def captured(path: Path) -> Host:
    return read_host(open_capture(path), NAMES)


def entries(root: Path) -> Iterator[Path]:
    return (Path(folder) / name for folder, folders, files in os.walk(root) for name in (*folders, *files))


def packed_tar(root: Path, path: Path, prefix: str, mode: str) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for each in entries(root):
            archive.add(each, prefix + str(each.relative_to(root)), recursive=False)
    return path


def packed_zip(root: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for each in entries(root):
            name = str(each.relative_to(root))
            if each.is_symlink():
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, str(each.readlink()))
            elif each.is_file():
                archive.write(each, name)
            else:
                archive.writestr(f"{name}/", b"")
    return path


def without_links(root: Path, copy: Path) -> Path:
    """Copy a tree as a system without symbolic links would: a file holds the target."""
    for each in entries(root):
        place = copy / each.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        if each.is_symlink():
            place.write_text(str(each.readlink()))
        elif each.is_file():
            place.write_bytes(each.read_bytes())
        else:
            place.mkdir(exist_ok=True)
    return copy


SHAPES: dict[str, Callable[[Path, Path], Path]] = {
    "a directory": lambda root, _: root,
    "a directory in a directory": lambda root, _: root.parent,
    "a tar archive": lambda root, to: packed_tar(root, to / "c.tar", "", "w"),
    "a gzip archive with ./ names": lambda root, to: packed_tar(root, to / "c.tar.gz", "./", "w:gz"),
    "an xz archive below one folder": lambda root, to: packed_tar(root, to / "c.tar.xz", "gpu01/", "w:xz"),
    "a bzip2 archive with absolute names": lambda root, to: packed_tar(root, to / "c.tbz", "/", "w:bz2"),
    "a zip archive": lambda root, to: packed_zip(root, to / "c.zip"),
    "a directory without links": lambda root, to: without_links(root, to / "copy"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_capture_gives_the_same_host(tmp_path: Path, shape: str) -> None:
    root = tmp_path / "in" / "host01"
    root.mkdir(parents=True)
    build_laptop(root)
    host = captured(SHAPES[shape](root, tmp_path))
    assert dataclasses.replace(host, source="") == dataclasses.replace(captured(root), source="")


def test_a_capture_and_the_running_host_are_read_alike_where_both_can_tell(tmp_path: Path) -> None:
    tree = build_laptop(tmp_path)
    assert captured(tmp_path).functions == read(tree).functions


def test_a_flat_capture_with_dangling_links_shows_drivers_groups_and_slices(tmp_path: Path) -> None:
    tree = HostTree(tmp_path, flat=True)
    tree.function(GPU, "10de:1db4", "0302", driver="nvidia", group=61, sriov_totalvfs=2, sriov_numvfs=1)
    tree.function("0000:3b:00.4", "10de:1db4", "0302", driver="vfio-pci", group=62)
    tree.vf(GPU, 0, "0000:3b:00.4")
    host = captured(tmp_path)
    gpu = function(host, GPU)
    assert (gpu.driver, gpu.iommu_group) == ("nvidia", 61)
    assert [unit.addresses for unit in host.units] == [addresses(GPU)]
    assert function(host, "0000:3b:00.4").physical_function == gpu.address


def test_a_flat_capture_finds_bridges_by_the_buses_behind_them(tmp_path: Path) -> None:
    tree = HostTree(tmp_path, flat=True)
    tree.function("0000:3a:00.0", "8086:2030", "0604", secondary_bus_number=0x3B)
    tree.function(GPU, "10de:1db4", "0302")
    host = captured(tmp_path)
    assert function(host, GPU).parent == addresses("0000:3a:00.0")[0]
    assert function(host, "0000:3a:00.0").parent is None


def test_a_flat_capture_without_those_does_not_know_the_bridges(tmp_path: Path) -> None:
    tree = build_arc(tmp_path, flat=True)
    assert isinstance(function(captured(tree.root), "0000:03:00.0").parent, Unknown)


def test_a_capture_of_the_bus_and_the_groups_says_what_it_does_not_hold(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302", driver="nvidia", group=61)
    host = captured(tmp_path)
    assert host.kernel.arguments == Unknown("proc/cmdline is not in the capture")
    assert host.kernel.available_modules == Unknown("proc/sys/kernel/osrelease is not in the capture")
    assert host.iommu.has_dmar == Unknown("sys/firmware/acpi/tables is not in the capture")
    assert host.security.is_secure_boot == Unknown("sys/firmware/efi is not in the capture")
    assert host.distribution.module_configuration == Unknown("etc/modprobe.d is not in the capture")
    assert host.kvm.has_device == Unknown("dev is not in the capture")
    assert isinstance(host.vital, Unknown)
    assert len(host.units) == 1


def test_a_capture_of_the_bus_alone_still_has_groups(tmp_path: Path) -> None:
    tree = HostTree(tmp_path / "whole", flat=True)
    tree.function(GPU, "10de:1db4", "0302", group=61)
    tree.function("0000:3b:00.1", "10de:10f2", "0403", group=61)
    (tmp_path / "part" / "sys").mkdir(parents=True)
    (tmp_path / "whole/sys/bus").rename(tmp_path / "part/sys/bus")
    groups = captured(tmp_path / "part").iommu.groups
    assert not isinstance(groups, Unknown)
    assert groups[61].members == addresses(GPU, "0000:3b:00.1")
    assert groups[61].type == Unknown("sys/kernel/iommu_groups is not in the capture")


def test_a_capture_of_the_groups_alone_knows_their_members(tmp_path: Path) -> None:
    tree = HostTree(tmp_path / "whole", flat=True)
    tree.function(GPU, "10de:1db4", "0302", group=61)
    (tmp_path / "part" / "sys").mkdir(parents=True)
    (tmp_path / "whole/sys/kernel").rename(tmp_path / "part/sys/kernel")
    host = captured(tmp_path / "part")
    assert host.functions == Unknown("sys/bus/pci/devices is not in the capture")
    assert not isinstance(host.iommu.groups, Unknown)
    assert host.iommu.groups[61].members == addresses(GPU)


def test_attributes_that_every_kernel_shows_are_unknown_and_optional_ones_absent(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    for name, text in (("class", "0x030200"), ("vendor", "0x10de"), ("device", "0x1db4")):
        tree.write(f"sys/bus/pci/devices/{GPU}/{name}", text)
    gpu = function(captured(tmp_path), GPU)
    assert gpu.numa_node == Unknown(f"sys/bus/pci/devices/{GPU}/numa_node is not in the capture")
    assert isinstance(gpu.bars, Unknown)
    assert isinstance(gpu.candidate_modules, Unknown)
    assert (gpu.driver, gpu.sriov, gpu.is_boot_vga, gpu.iommu_group) == (None, None, None, None)


def test_zeros_with_which_tar_pads_sysfs_are_no_text(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function(GPU, "10de:1db4", "0302")
    tree.write(f"{tree.place(GPU)}/class", b"0x030200\n".ljust(4096, b"\0"))
    assert captured(tmp_path).units[0].address == addresses(GPU)[0]


def test_an_empty_file_of_proc_was_not_captured(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.write("proc/cmdline", b"")
    arguments = captured(tmp_path).kernel.arguments
    assert isinstance(arguments, Unknown)
    assert "gpucloud capture" in arguments.why


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing", "no capture"), ("empty", "no capture"), ("two", "folder of 2 captures: a, b")],
)
def test_what_is_no_capture_is_said_to_be_none(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    for top in ("a", "b"):
        (tmp_path / "two" / top / "sys").mkdir(parents=True)
    with pytest.raises(Failure, match=said):
        open_capture(tmp_path / name)


def test_an_archive_without_a_host_is_said_to_hold_none(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    with pytest.raises(Failure, match="is no capture"):
        open_capture(tmp_path / "x.tar")
