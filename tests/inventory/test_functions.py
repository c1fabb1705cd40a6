"""PCI functions: every fact, and what is told apart from what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.host_tree import HostTree
from tests.inventory.build import addresses, function, read

from gpucloud.model.pci import Holder, Link, PciAddress, PciClass, PciId, Sriov, VgpuType
from gpucloud.model.unknown import Unknown

GPU = "0000:3b:00.0"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path)
    tree.function("0000:3a:00.0", "8086:2030", "0604", driver="pcieport", group=60)
    return tree


def add_gpu(tree: HostTree, **facts: Any) -> None:
    tree.function(GPU, "10de:1db4", "0302", below="0000:3a:00.0", driver="nvidia", group=61, **facts)


def test_what_a_function_is(tree: HostTree) -> None:
    add_gpu(tree, subsystem="10de:1214")
    gpu = function(read(tree), GPU)
    assert (gpu.id, gpu.pci_class, gpu.subsystem, gpu.revision) == (
        PciId(0x10DE, 0x1DB4),
        PciClass(0x030200),
        PciId(0x10DE, 0x1214),
        0xA1,
    )
    assert (gpu.vendor_name, gpu.device_name) == ("NVIDIA Corporation", "GV100GL [Tesla V100 PCIe 16GB]")
    assert gpu.name == "GV100GL [Tesla V100 PCIe 16GB]"


@pytest.mark.parametrize("modalias", ["", "pci:v00001234d00005678sv00000000sd00000000bc06sc04i00"])
def test_a_modalias_that_contradicts_the_class_is_not_believed(tree: HostTree, modalias: str) -> None:
    add_gpu(tree, subsystem="10de:1214", modalias=modalias)
    gpu = function(read(tree), GPU)
    assert (gpu.id, gpu.subsystem) == (PciId(0x10DE, 0x1DB4), PciId(0x10DE, 0x1214))


def test_who_has_it_and_who_is_above_it(tree: HostTree) -> None:
    add_gpu(tree)
    host = read(tree)
    gpu, bridge = function(host, GPU), function(host, "0000:3a:00.0")
    assert (gpu.driver, gpu.driver_override, gpu.iommu_group) == ("nvidia", None, 61)
    assert (gpu.parent, bridge.parent) == (PciAddress.parse("0000:3a:00.0"), None)


def test_a_function_without_driver_or_group_has_none_and_that_is_known(tree: HostTree) -> None:
    tree.function(GPU, "10de:1db4", "0302")
    gpu = function(read(tree), GPU)
    assert (gpu.driver, gpu.iommu_group, gpu.sriov, gpu.physical_function) == (None, None, None, None)
    assert (gpu.is_boot_vga, gpu.link, gpu.reset_methods, gpu.linked) == (None, None, None, ())


def test_an_override_is_the_driver_that_alone_may_take_it(tree: HostTree) -> None:
    add_gpu(tree, driver_override="vfio-pci")
    assert function(read(tree), GPU).driver_override == "vfio-pci"


def test_link_speed_and_width_against_the_maximum(tree: HostTree) -> None:
    add_gpu(
        tree,
        current_link_speed="Unknown",
        max_link_speed="16.0 GT/s PCIe",
        current_link_width=8,
        max_link_width=16,
    )
    assert function(read(tree), GPU).link == Link(Unknown("the kernel does not know the speed"), 16.0, 8, 16)


def test_resizable_bars_show_the_sizes_they_could_take(tree: HostTree) -> None:
    tree.function(
        GPU,
        "10de:1db4",
        "0302",
        bars=((0xB0000000, 16 << 20, 0x40200), (0x4000000000, 256 << 20, 0x14220C)),
        resource1_resize="0000000000000300",
    )
    bars = function(read(tree), GPU).bars
    assert isinstance(bars, tuple)
    assert [bar.resizable_bytes for bar in bars] == [None, (256 << 20, 512 << 20)]


def test_virtual_functions_are_in_order_and_know_their_card(tree: HostTree) -> None:
    add_gpu(tree, sriov_totalvfs=16, sriov_numvfs=2)
    for number, vf in enumerate(("0000:3b:00.5", "0000:3b:00.4")):
        tree.function(vf, "10de:1db4", "0302", below="0000:3a:00.0")
        tree.vf(GPU, number, vf)
    host = read(tree)
    assert function(host, GPU).sriov == Sriov(16, 2, addresses("0000:3b:00.5", "0000:3b:00.4"))
    assert function(host, "0000:3b:00.4").physical_function == PciAddress.parse(GPU)


def test_mediated_types_keep_their_whole_name_or_have_none(tree: HostTree) -> None:
    add_gpu(tree)
    folder = f"{tree.place(GPU)}/mdev_supported_types"
    tree.write(f"{folder}/nvidia-222/name", "GRID T4-1B")
    tree.write(f"{folder}/nvidia-222/available_instances", 16)
    tree.write(f"{folder}/i915-GVTg_V5_4/available_instances", 1)
    assert function(read(tree), GPU).mdev_types == (
        VgpuType("i915-GVTg_V5_4", None, 1),
        VgpuType("nvidia-222", "GRID T4-1B", 16),
    )


def test_a_vf_that_has_a_vgpu_shows_its_type_with_none_left(tree: HostTree) -> None:
    add_gpu(tree, nvidia__creatable_vgpu_types="ID    : vGPU Name", nvidia__current_vgpu_type=1145)
    assert function(read(tree), GPU).vendor_vfio_types == (VgpuType("1145", None, 0),)


def test_device_links_join_functions_both_ways(tree: HostTree) -> None:
    add_gpu(tree)
    tree.function("0000:3b:00.1", "10de:10f2", "0403", below="0000:3a:00.0")
    tree.linked(GPU, "0000:3b:00.1")
    host = read(tree)
    assert function(host, GPU).linked == addresses("0000:3b:00.1")
    assert function(host, "0000:3b:00.1").linked == addresses(GPU)


def test_device_nodes_of_every_kind(tree: HostTree) -> None:
    add_gpu(tree)
    for node in (
        "drm/card0",
        "drm/renderD128",
        "graphics/fb0",
        "sound/card1/controlC1",
        "sound/card1/pcmC1D3p",
    ):
        tree.node(GPU, node)
    tree.node(GPU, "i2c-3/i2c-dev/i2c-3")
    tree.folder(f"{tree.place(GPU)}/i2c-4")  # without i2c-dev an adapter has no node
    tree.write(f"proc/driver/nvidia/gpus/{GPU}/information", "Model: \t V100\nDevice Minor: \t 2")
    assert function(read(tree), GPU).device_nodes == (
        "/dev/dri/card0",
        "/dev/dri/renderD128",
        "/dev/fb0",
        "/dev/i2c-3",
        "/dev/snd/controlC1",
        "/dev/snd/pcmC1D3p",
        "/dev/nvidia2",
    )


@pytest.mark.parametrize("shown", ["nothing", "no minor", "unreadable"])
def test_holders_of_a_card_that_nvidia_has_are_unknown_without_its_number(tree: HostTree, shown: str) -> None:
    add_gpu(tree)
    tree.holder(812, "nvidia-persiste", "/dev/nvidia0")
    information = f"proc/driver/nvidia/gpus/{GPU}/information"
    if shown == "no minor":
        tree.write(information, "Model: \t V100")
    if shown == "unreadable":
        tree.folder(information)
    gpu = function(read(tree), GPU)
    assert isinstance(gpu.device_nodes, Unknown)
    assert isinstance(gpu.holders, Unknown)
    assert GPU in gpu.holders.why


def test_a_virtual_function_that_nvidia_has_needs_no_number(tree: HostTree) -> None:
    add_gpu(tree)
    tree.vf("0000:3a:00.0", 0, GPU)
    assert function(read(tree), GPU).device_nodes == ()


def test_a_function_with_vfio_has_the_nodes_of_its_group_and_its_own(tree: HostTree) -> None:
    tree.function(GPU, "10de:1db4", "0302", driver="vfio-pci", group=61)
    tree.node(GPU, "vfio-dev/vfio5")
    assert function(read(tree), GPU).device_nodes == ("/dev/vfio/devices/vfio5", "/dev/vfio/61")


def test_holders_are_processes_and_the_guests_that_qemu_runs(tree: HostTree) -> None:
    tree.function(GPU, "10de:1db4", "0302", driver="vfio-pci", group=61)
    tree.holder(
        77,
        "qemu-system-x86",
        "/dev/vfio/61",
        ("/usr/bin/qemu-system-x86_64", "-name", "guest=ml1,debug-threads=on"),
    )
    tree.holder(78, "bash", "/dev/null")
    assert function(read(tree), GPU).holders == (Holder(77, "qemu-system-x86", "/dev/vfio/61", "ml1"),)


def test_a_holder_whose_name_cannot_be_read_is_named_as_such_and_one_that_ended_is_none(
    tree: HostTree,
) -> None:
    add_gpu(tree)
    tree.write(f"proc/driver/nvidia/gpus/{GPU}/information", "Device Minor: 0")
    tree.node(GPU, "drm/card0")
    for pid in (11, 12):
        tree.holder(pid, "Xorg", "/dev/dri/card0")
    (tree.root / "proc/11/comm").unlink()
    (tree.root / "proc/12/cmdline").unlink()
    (tree.root / "proc/12/cmdline").mkdir()
    (holder,) = held(tree)
    assert (holder.pid, holder.process, holder.guest) == (12, "Xorg", None)
    assert holder.unread == Unknown("not a regular file: /proc/12/cmdline")


def held(tree: HostTree) -> tuple[Holder, ...]:
    holders = function(read(tree), GPU).holders
    assert isinstance(holders, tuple)
    return holders


def test_a_type_whose_name_cannot_be_read_is_known_to_have_one(tree: HostTree) -> None:
    add_gpu(tree)
    tree.folder(f"{tree.place(GPU)}/mdev_supported_types/nvidia-222/name")
    types = function(read(tree), GPU).mdev_types
    assert isinstance(types, tuple)
    (slice_type,) = types
    assert isinstance(slice_type.name, Unknown)


def test_kernels_before_5_15_do_not_name_reset_methods(tree: HostTree) -> None:
    add_gpu(tree)
    tree.write("proc/sys/kernel/osrelease", "5.4.0-156-generic")
    assert function(read(tree), GPU).reset_methods == Unknown("kernels before 5.15 do not say")
    tree.write("proc/sys/kernel/osrelease", "6.8.0-55-generic")
    assert function(read(tree), GPU).reset_methods is None


def test_an_attribute_that_is_not_understood_is_unknown_and_says_what_it_read(tree: HostTree) -> None:
    add_gpu(tree, numa_node="north")
    node = function(read(tree), GPU).numa_node
    assert isinstance(node, Unknown)
    assert "north" in node.why


def test_no_attribute_is_invented_where_the_kernel_shows_none(tree: HostTree) -> None:
    add_gpu(tree)
    (tree.root / tree.place(GPU) / "numa_node").unlink()
    node = function(read(tree), GPU).numa_node
    assert node == Unknown(f"/sys/bus/pci/devices/{GPU}/numa_node is not there")


def test_domains_above_0000_and_above_ffff_work(tree: HostTree) -> None:
    tree.function("0001:c8:00.0", "10de:1db4", "0302", group=1)
    tree.function("10000:e1:00.0", "10de:1db4", "0302", group=2)
    assert [str(unit.address) for unit in read(tree).units] == ["0001:c8:00.0", "10000:e1:00.0"]
