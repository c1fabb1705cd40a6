"""NVIDIA since Ampere: mediated devices on virtual functions of an A2; MIG on an A100, beside an H100.

Shapes: NVIDIA's user guide of its AI Enterprise 5.0 (VFs from function .4 on, one mdev each), the A2 of
harvester/pcidevices (tests/snapshots: 16 VFs, mdev era), and NVIDIA's MIG user guide ("Device Nodes and
Capabilities").
"""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, add_system

_VFS = 16
_TYPES = {"nvidia-745": "NVIDIA A2-1B", "nvidia-751": "NVIDIA A2-4Q", "nvidia-753": "NVIDIA A2-16Q"}
_MADE = "1b6f4c2a-7c0f-4c3a-9d2e-8a1f0d4e5b6c"


def build_a2_mdev(root: Path) -> HostTree:
    """Build a server with an A2 and an older kernel: 16 VFs are on, a guest has the only vGPU, an A2-4Q."""
    tree = HostTree(root)
    tree.function("0000:40:00.0", "8086:347a", "0604", driver="pcieport", group=70)
    tree.function(
        "0000:41:00.0",
        "10de:25b6",
        "0302",
        below="0000:40:00.0",
        driver="nvidia",
        group=71,
        subsystem="10de:157e",
        sriov_totalvfs=_VFS,
        sriov_numvfs=_VFS,
        reset_method="flr bus",
        bars=((0x3800_0000_0000, 16 << 30, MEM64),),
    )
    tree.write("proc/driver/nvidia/gpus/0000:41:00.0/information", "Device Minor: \t 0")
    for number in range(_VFS):
        _add_vf(tree, number)
    tree.holder(
        4711, "qemu-system-x86", "/dev/vfio/200", ("/usr/bin/qemu-system-x86_64", "-name", "guest=cad1")
    )
    add_system(tree)
    tree.folder("sys/module/nvidia_vgpu_vfio")
    return tree


def _add_vf(tree: HostTree, number: int) -> None:
    at = number + 4
    vf = f"0000:41:{at // 8:02x}.{at % 8}"
    tree.function(
        vf,
        "10de:25b6",
        "0302",
        below="0000:40:00.0",
        driver="nvidia",
        group=80 + number,
        subsystem="10de:0000",
    )
    tree.vf("0000:41:00.0", number, vf)
    place = tree.place(vf)
    for id_, name in _TYPES.items():
        folder = f"{place}/mdev_supported_types/{id_}"
        tree.write(f"{folder}/name", name)
        tree.write(f"{folder}/available_instances", int(number > 0 and id_ == "nvidia-751"))
        tree.write(f"{folder}/device_api", "vfio-pci")
    if number == 0:
        tree.link(f"{place}/{_MADE}/mdev_type", "../mdev_supported_types/nvidia-751")
        tree.link(f"{place}/{_MADE}/iommu_group", "../../../../../kernel/iommu_groups/200")


def build_mig(root: Path) -> HostTree:
    """Build a server with an A100 40 GB, which has two GPU instances, and an H100, which is whole."""
    tree = HostTree(root)
    for minor, (bus, ids) in enumerate(((0x3A, "10de:20f1"), (0x5A, "10de:2331"))):
        port, card = f"0000:{bus:02x}:00.0", f"0000:{bus + 1:02x}:00.0"
        tree.function(port, "8086:2030", "0604", driver="pcieport", group=60 + 2 * minor)
        tree.function(
            card,
            ids,
            "0302",
            below=port,
            driver="nvidia",
            group=61 + 2 * minor,
            subsystem="10de:145f",
            sriov_totalvfs=16,
            sriov_numvfs=0,
            reset_method="flr bus",
            bars=((0x3900_0000_0000 + (minor << 40), 64 << 30, MEM64),),
        )
        tree.write(f"proc/driver/nvidia/gpus/{card}/information", f"Device Minor: \t {minor}")
        tree.write(f"proc/driver/nvidia/capabilities/gpu{minor}/mig/access", "DeviceFileMinor: 1")
    for instance in (1, 5):
        place = f"proc/driver/nvidia/capabilities/gpu0/mig/gi{instance}"
        tree.write(f"{place}/access", "DeviceFileMinor: 3")
        tree.write(f"{place}/ci0/access", "DeviceFileMinor: 4")
    add_system(tree)
    return tree
