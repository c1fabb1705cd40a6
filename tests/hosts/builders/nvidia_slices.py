"""NVIDIA's two generations of slices: mediated devices on a T4, vendor VFIO on an A2 with 16 VFs.

Shapes of the A2 (ids, functions from .4 on, types) as captured by others; see the hosts' READMEs.
"""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM32, MEM64, add_system

_TYPES = (("nvidia-222", "GRID T4-1B", 16), ("nvidia-230", "GRID T4-1Q", 16), ("nvidia-233", "GRID T4-8Q", 2))
"""With how many fit on an empty card (NVIDIA's virtual GPU software user guide, Tesla T4)."""
_LIST = "ID    : vGPU Name\n745   : NVIDIA A2-1B\n750   : NVIDIA A2-2Q\n"


def build_t4(root: Path) -> HostTree:
    """Build a server with a T4 that announces 16 VFs, has none, and offers mediated devices."""
    tree = HostTree(root)
    tree.function("0000:3a:00.0", "8086:2030", "0604", driver="pcieport", group=60)
    tree.function(
        "0000:3b:00.0",
        "10de:1eb8",
        "0302",
        below="0000:3a:00.0",
        driver="nvidia",
        group=61,
        subsystem="10de:12a2",
        sriov_totalvfs=16,
        sriov_numvfs=0,
        reset_method="bus",
        bars=((0xB700_0000, 16 << 20, MEM32), (0x3900_0000_0000, 256 << 20, MEM64)),
    )
    tree.write("proc/driver/nvidia/gpus/0000:3b:00.0/information", "Device Minor: \t 0")
    for id_, name, fits in _TYPES:
        folder = f"{tree.place('0000:3b:00.0')}/mdev_supported_types/{id_}"
        tree.write(f"{folder}/name", name)
        tree.write(f"{folder}/available_instances", fits)
        tree.write(f"{folder}/device_api", "vfio-pci")
        tree.folder(f"{folder}/devices")
    tree.link(
        "sys/kernel/iommu_groups/90/devices/2d3a3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c", "../../../../devices/x"
    )
    add_system(tree)
    return tree


def build_a2(root: Path) -> HostTree:
    """Build a server with an A2 whose 16 VFs are enabled; one VF has a vGPU, one is with a guest."""
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
        sriov_totalvfs=16,
        sriov_numvfs=16,
        reset_method="flr bus",
        bars=(
            (0xB000_0000, 16 << 20, MEM32),
            (0x3800_0000_0000, 16 << 30, MEM64),
            (0, 0, 0),
            (0x3900_0000_0000, 32 << 20, MEM64),
        ),
    )
    tree.write("proc/driver/nvidia/gpus/0000:41:00.0/information", "Device Minor: \t 0")
    for number in range(16):
        _add_vf(tree, number)
    add_system(tree)
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
        reset_method="flr",
        d3cold_allowed=0,
    )
    tree.vf("0000:41:00.0", number, vf)
    taken = number == 0
    tree.write(f"{tree.place(vf)}/nvidia/current_vgpu_type", 745 if taken else 0)
    tree.write(f"{tree.place(vf)}/nvidia/creatable_vgpu_types", b"" if taken else _LIST.encode())
