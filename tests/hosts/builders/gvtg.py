"""A workstation whose processor's GPU is cut by GVT-g, with types as mdevctl's README lists them."""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, add_system

_CARD = "0000:00:02.0"
_TYPES = (
    ("i915-GVTg_V5_8", 64, 384, "1024x768", 2, 3),
    ("i915-GVTg_V5_4", 128, 512, "1920x1200", 4, 1),
    ("i915-GVTg_V5_2", 256, 1024, "1920x1200", 8, 0),
)
_MADE = "9f1e8a64-2d3a-4f2f-a0b1-5b0f9d7c1e22"


def build_gvtg(root: Path) -> HostTree:
    """Build it; one device of the middle size is made, and nobody has it."""
    tree = HostTree(root)
    tree.function(
        _CARD,
        "8086:3e92",
        "0300",
        driver="i915",
        group=0,
        subsystem="1028:085c",
        bars=((0xC000_0000, 256 << 20, MEM64),),
        boot_vga=1,
        reset_method="flr",
    )
    place = tree.place(_CARD)
    for id_, low, high, resolution, weight, room in _TYPES:
        folder = f"{place}/mdev_supported_types/{id_}"
        lines = (
            f"low_gm_size: {low}MB",
            f"high_gm_size: {high}MB",
            "fence: 4",
            f"resolution: {resolution}",
            f"weight: {weight}",
        )
        tree.write(f"{folder}/description", "\n".join(lines))
        tree.write(f"{folder}/available_instances", room)
        tree.write(f"{folder}/device_api", "vfio-pci")
    tree.link(f"{place}/{_MADE}/mdev_type", "../mdev_supported_types/i915-GVTg_V5_4")
    tree.link(f"{place}/{_MADE}/iommu_group", "../../../kernel/iommu_groups/20")
    add_system(tree, arguments="intel_iommu=on i915.enable_gvt=1")
    tree.folder("sys/module/kvmgt")
    return tree
