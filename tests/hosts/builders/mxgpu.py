"""A server with an AMD FirePro S7150 that gim has cut into four virtual functions (MxGPU).

Ids: pci.ids; up to 16 VFs: GPUOpen-LibrariesAndSDKs/MxGPU-Virtualization, README.
"""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, add_system


def build_mxgpu(root: Path) -> HostTree:
    """Build it; a guest has the second virtual function."""
    tree = HostTree(root)
    tree.function("0000:82:00.0", "10b5:8747", "0604", driver="pcieport", group=40)
    tree.function(
        "0000:83:00.0",
        "1002:6929",
        "0300",
        below="0000:82:00.0",
        driver="gim",
        group=41,
        subsystem="1002:030c",
        sriov_totalvfs=16,
        sriov_numvfs=4,
        reset_method="bus",
        bars=((0x3A00_0000_0000, 256 << 20, MEM64),),
    )
    for number in range(4):
        vf = f"0000:83:02.{number}"
        tree.function(vf, "1002:692f", "0300", below="0000:82:00.0", driver="vfio-pci", group=50 + number)
        tree.vf("0000:83:00.0", number, vf)
        tree.node(vf, f"vfio-dev/vfio{number}")
    tree.holder(
        5151,
        "qemu-system-x86",
        "/dev/vfio/51",
        ("/usr/bin/qemu-system-x86_64", "-name", "guest=desk7,debug-threads=on"),
    )
    add_system(tree, arguments="intel_iommu=on")
    return tree
