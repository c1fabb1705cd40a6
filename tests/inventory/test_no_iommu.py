"""Groups that vfio makes in its no-IOMMU mode look like the IOMMU's, and give nothing to guests.

As drivers/vfio/group.c has it: the group is named ``vfio-noiommu``, its node ``/dev/vfio/noiommu-N``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, function, read

from gpucloud.doctor.examine import examine
from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.finding import Level
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown

GPU = "0000:3b:00.0"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path / "host")
    tree.function(GPU, "10de:1db4", "0302", driver="vfio-pci", group=0)
    tree.write("sys/kernel/iommu_groups/0/type", "unknown")
    tree.write("sys/kernel/iommu_groups/0/name", "vfio-noiommu")
    return tree


def captured(tree: HostTree, path: Path) -> Host:
    path.write_bytes(render_capture(collect_here(str(tree.root))))
    return read_host(open_capture(path), NAMES)


def test_a_group_without_iommu_gives_nothing_to_guests(tree: HostTree, tmp_path: Path) -> None:
    for host in (read(tree), captured(tree, tmp_path / "c.tar.gz")):
        gpu = function(host, GPU)
        assert (gpu.iommu_group, host.iommu.groups) == (None, {})
        assert [(unit.groups, unit.uses) for unit in host.units] == [((), ())]
        assert [(group.number, group.members) for group in host.iommu.unprotected] == [(0, (gpu.address,))]


def test_who_has_such_a_group_open_holds_the_card(tree: HostTree) -> None:
    tree.holder(71, "dpdk-testpmd", "/dev/vfio/noiommu-0")
    gpu = function(read(tree), GPU)
    assert gpu.device_nodes == ("/dev/vfio/noiommu-0",)
    assert isinstance(gpu.holders, tuple)
    assert [holder.process for holder in gpu.holders] == ["dpdk-testpmd"]


def test_the_doctor_says_that_the_iommu_is_off_and_names_the_mode(tree: HostTree) -> None:
    tree.folder("sys/firmware/acpi/tables")
    found = next(one for one in examine(read(tree)) if one.cause == "iommu-disabled-firmware")
    assert found.level is Level.BLOCKER
    assert "enable_unsafe_noiommu_mode" in found.why
    assert "/sys/kernel/iommu_groups/0/name" in [each.key for each in found.evidence]


def test_a_card_that_the_iommu_leaves_out_is_found_among_others_with_groups(tree: HostTree) -> None:
    tree.function("0000:5e:00.0", "10de:1db4", "0302", driver="vfio-pci", group=1)
    host = read(tree)
    assert [unit.uses for unit in host.units] == [(), ("passthrough",)]
    found = [one for one in examine(host) if one.cause == "iommu-disabled-firmware"]
    assert [(one.units, one.level) for one in found] == [((host.units[0].address,), Level.BLOCKER)]


@pytest.mark.parametrize(("kind", "name"), [("unknown", "domain1"), ("DMA", None), ("unknown", None)])
def test_other_groups_are_the_iommus_whatever_they_are_called(
    kind: str, name: str | None, tree: HostTree, tmp_path: Path
) -> None:
    group = tmp_path / "host/sys/kernel/iommu_groups/0"
    (group / "type").write_text(f"{kind}\n")
    (group / "name").unlink()
    if name is not None:
        (group / "name").write_text(f"{name}\n")
    host = read(tree)
    assert (function(host, GPU).iommu_group, host.iommu.unprotected) == (0, ())
    assert host.units[0].uses == ("passthrough",)


def test_a_group_whose_name_cannot_be_read_may_be_either(tree: HostTree, tmp_path: Path) -> None:
    name = tmp_path / "host/sys/kernel/iommu_groups/0/name"
    name.unlink()
    name.mkdir()
    host = read(tree)
    why = Unknown("not a regular file: /sys/kernel/iommu_groups/0/name")
    assert (function(host, GPU).iommu_group, host.iommu.groups, host.units[0].uses) == (why, why, why)


def of_an_earlier_version(tree: HostTree, folder: Path) -> Host:
    """A capture of the tree as made before the names of groups were collected."""
    archive = folder.with_suffix(".tar.gz")
    archive.write_bytes(render_capture(collect_here(str(tree.root))))
    folder.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    for path in (folder / "gpucloud").iterdir():
        path.write_text(path.read_text().replace("iommu_groups/*/name", "iommu_groups/*/type"))
    return read_host(open_capture(folder), NAMES)


def test_a_group_of_mediated_devices_in_an_earlier_capture_spoils_no_other(
    tree: HostTree, tmp_path: Path
) -> None:
    for name in ("type", "name"):
        (tree.root / "sys/kernel/iommu_groups/0" / name).unlink()
    tree.write("sys/kernel/iommu_groups/0/type", "DMA-FQ")
    tree.link("sys/kernel/iommu_groups/90/devices/2d3a3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c", "../x")
    tree.write("sys/kernel/iommu_groups/90/type", "unknown")
    host = of_an_earlier_version(tree, tmp_path / "older")
    assert not isinstance(host.iommu.groups, Unknown)
    assert {number: group.type for number, group in host.iommu.groups.items()} == {0: "DMA-FQ"}
    assert host.units[0].groups == (0,)


def test_only_functions_of_an_unclear_group_are_unclear(tree: HostTree, tmp_path: Path) -> None:
    (tree.root / "sys/kernel/iommu_groups/0/name").unlink()
    tree.function("0000:5e:00.0", "10de:1db4", "0302", driver="vfio-pci", group=1)
    tree.write("sys/kernel/iommu_groups/1/type", "DMA-FQ")
    host = of_an_earlier_version(tree, tmp_path / "older")
    assert not isinstance(host.iommu.groups, Unknown)
    assert {number: group.type for number, group in host.iommu.groups.items()} == {1: "DMA-FQ"}
    assert isinstance(function(host, GPU).iommu_group, Unknown)
    assert function(host, "0000:5e:00.0").iommu_group == 1
    assert [unit.uses for unit in host.units][1] == ("passthrough",)
    assert isinstance(host.units[0].uses, Unknown)


def test_where_all_groups_are_unclear_the_iommu_is_not_off(tree: HostTree, tmp_path: Path) -> None:
    (tree.root / "sys/kernel/iommu_groups/0/name").unlink()
    assert isinstance(of_an_earlier_version(tree, tmp_path / "older").iommu.groups, Unknown)
