"""A server with two AMD Instinct MI300X, which are processing accelerators (class 1200), on EPYC."""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, add_system

_BUSES = (0x05, 0x15)


def build_instinct(root: Path) -> HostTree:
    """Build the server; one card is with ``gim`` and has eight virtual functions, the other with amdgpu."""
    tree = HostTree(root)
    for index, bus in enumerate(_BUSES):
        port, upper, lower = (f"0000:{bus - step:02x}:0{slot}.0" for step, slot in ((3, 1), (2, 0), (1, 0)))
        tree.function(port, "1022:14ab", "0604", driver="pcieport", group=20 + index, numa=index)
        tree.function(upper, "1002:1500", "0604", below=port, driver="pcieport", group=30 + index, numa=index)
        tree.function(
            lower, "1002:1501", "0604", below=upper, driver="pcieport", group=40 + index, numa=index
        )
        tree.function(
            f"0000:{bus:02x}:00.0",
            "1002:74a1",
            "1200",
            below=lower,
            driver="gim" if index == 0 else "amdgpu",
            group=50 + index,
            numa=index,
            subsystem="1002:74a1",
            sriov_totalvfs=8,
            sriov_numvfs=8 if index == 0 else 0,
            bars=((0x1_0000_0000_0000 + (index << 40), 256 << 30, MEM64),),
        )
    for number in range(8):
        vf = f"0000:05:02.{number}"
        tree.function(vf, "1002:74b5", "1200", below="0000:04:00.0", driver="vfio-pci", group=60 + number)
        tree.vf("0000:05:00.0", number, vf)
        tree.node(vf, f"vfio-dev/vfio{number}")
    tree.node("0000:15:00.0", "drm/card1")
    tree.node("0000:15:00.0", "drm/renderD128")
    tree.holder(
        4242,
        "qemu-system-x86",
        "/dev/vfio/63",
        ("/usr/bin/qemu-system-x86_64", "-name", "guest=ml7,debug-threads=on"),
    )
    add_system(
        tree,
        arguments="iommu=pt console=ttyS0",
        vendor="AuthenticAMD",
        flags="fpu svm sse4a",
        table="IVRS",
        units=("ivhd0", "ivhd1"),
    )
    return tree
