"""Groups that vfio makes in its no-IOMMU mode look like the IOMMU's, and give nothing to guests.

As drivers/vfio/group.c has it: the group is named ``vfio-noiommu``, its node ``/dev/vfio/noiommu-N``.
"""

from __future__ import annotations

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
