"""Mediated devices: the vGPUs that were made of a card, and the guests that have them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, function, read
from tests.inventory.test_nodes import captured, holders

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.pci import MediatedDevice
from gpucloud.model.unknown import Unknown

GPU, VF = "0000:3b:00.0", "0000:3b:00.4"
UUIDS = ("2d3a3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c", "7d3a3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c")
QEMU = ("/usr/bin/qemu-system-x86_64", "-name", "guest=win1,debug-threads=on")


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path / "host")
    tree.function(GPU, "10de:1eb8", "0302", driver="nvidia", group=61)
    tree.write(f"proc/driver/nvidia/gpus/{GPU}/information", "Device Minor: \t 0")
    tree.write(f"{tree.place(GPU)}/mdev_supported_types/nvidia-233/name", "GRID T4-8Q")
    tree.write(f"{tree.place(GPU)}/mdev_supported_types/nvidia-233/available_instances", 0)
    return tree


def add_mdev(tree: HostTree, uuid: str, group: int) -> None:
    """As ``mdev_device_create`` of drivers/vfio/mdev/mdev_core.c leaves it, with the node of its group."""
    place = f"{tree.place(GPU)}/{uuid}"
    tree.link(f"{place}/mdev_type", "../mdev_supported_types/nvidia-233")
    tree.link(f"{place}/iommu_group", f"../../../../kernel/iommu_groups/{group}")
    tree.link(f"sys/kernel/iommu_groups/{group}/devices/{uuid}", f"../../../../../{place}")
    tree.write(f"sys/kernel/iommu_groups/{group}/type", "unknown")
    tree.write(f"sys/devices/virtual/vfio/{group}/uevent", f"DEVNAME=vfio/{group}")
    tree.link(f"sys/dev/char/511:{group}", f"../../devices/virtual/vfio/{group}")


def test_a_guest_that_has_a_vgpu_holds_its_card(tree: HostTree) -> None:
    for group, uuid in enumerate(UUIDS, start=90):
        add_mdev(tree, uuid, group)
    tree.holder(4242, "qemu-system-x86", "/dev/vfio/91", QEMU)
    card = function(read(tree), GPU)
    assert card.mdevs == (
        MediatedDevice(UUIDS[0], "nvidia-233", "/dev/vfio/90"),
        MediatedDevice(UUIDS[1], "nvidia-233", "/dev/vfio/91"),
    )
    assert isinstance(card.holders, tuple)
    assert [holder.guest for holder in card.holders] == ["win1"]


def test_a_capture_tells_how_many_there_are_and_who_has_them_but_not_their_uuids(
    tree: HostTree, tmp_path: Path
) -> None:
    for group, uuid in enumerate(UUIDS, start=90):
        add_mdev(tree, uuid, group)
    tree.holder(4242, "qemu-system-x86", "/dev/vfio/91", QEMU)
    host = captured(tree, tmp_path / "c.tar.gz")
    mdevs = function(host, GPU).mdevs
    assert isinstance(mdevs, tuple)
    assert sorted((mdev.name, mdev.type) for mdev in mdevs) == [
        ("uuid-1", "nvidia-233"),
        ("uuid-2", "nvidia-233"),
    ]
    assert {mdev.node for mdev in mdevs} == {"/dev/vfio/90", "/dev/vfio/91"}
    assert holders(host, GPU) == [("qemu-system-x86", "/dev/vfio/91")]


def test_a_card_that_offers_them_and_has_none_has_none(tree: HostTree, tmp_path: Path) -> None:
    for host in (read(tree), captured(tree, tmp_path / "c.tar.gz")):
        assert function(host, GPU).mdevs == ()


def test_an_older_capture_does_not_say_whether_there_are_any(tree: HostTree, tmp_path: Path) -> None:
    add_mdev(tree, UUIDS[0], 90)
    archive, folder = tmp_path / "c.tar.gz", tmp_path / "older"
    archive.write_bytes(render_capture(collect_here(str(tree.root))))
    folder.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    for path in folder.rglob("*.json"):
        text = path.read_text()
        path.write_text(text.replace("[0-9a-fu]*-*/", "none/").replace("uuid-1", "none"))
    older = function(read_host(open_capture(folder), NAMES), GPU)
    assert isinstance(older.mdevs, Unknown)
    assert isinstance(older.holders, Unknown)


def test_a_device_whose_group_cannot_be_told_hides_who_has_it(tree: HostTree) -> None:
    tree.link(f"{tree.place(GPU)}/{UUIDS[0]}/iommu_group", "../../elsewhere")
    card = function(read(tree), GPU)
    assert isinstance(card.device_nodes, Unknown)
    assert isinstance(card.holders, Unknown)


def test_a_guest_holds_the_virtual_function_that_nvidias_driver_cut_for_it(tree: HostTree) -> None:
    tree.function(VF, "10de:25b6", "0302", driver="nvidia", group=80)
    tree.vf(GPU, 0, VF)
    assert function(read(tree), VF).device_nodes == ()
    tree.write("sys/devices/virtual/vfio/80/uevent", "DEVNAME=vfio/80")
    tree.link("sys/dev/char/511:80", "../../devices/virtual/vfio/80")
    tree.holder(4242, "qemu-system-x86", "/dev/vfio/80", QEMU)
    host = read(tree)
    assert function(host, VF).device_nodes == ("/dev/vfio/80",)
    assert holders(host, VF) == [("qemu-system-x86", "/dev/vfio/80")]


@pytest.mark.parametrize("id_", ["$(id)", "nvidia-9;reboot #", "nvidia 9", "..", "a" * 65, "`id`"])
def test_a_folder_that_no_driver_would_make_is_no_type(tree: HostTree, id_: str) -> None:
    """Ids stand in lines that people type as root."""
    add_mdev(tree, UUIDS[0], 90)
    place = f"{tree.place(GPU)}/{UUIDS[0]}/mdev_type"
    (tree.root / place).unlink()
    tree.link(place, f"../mdev_supported_types/{id_}")
    mdevs = function(read(tree), GPU).mdevs
    assert isinstance(mdevs, tuple)
    assert isinstance(mdevs[0].type, Unknown)
    if id_ != "..":
        tree.write(f"{tree.place(GPU)}/mdev_supported_types/{id_}/name", "GRID T4-4Q")
        assert isinstance(function(read(tree), GPU).mdev_types, Unknown)
