"""A server with eight H100 SXM5 and four NVSwitches on two Intel sockets, and more than 150 PCI functions.

Ids of the NVIDIA devices as in shared listings of such servers; the rest from the manuals of PCIe
switches (Broadcom PEX 89000), ConnectX-7 and Sapphire Rapids.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM32, MEM64, add_system

_GPU_BUSES = (0x10, 0x20, 0x40, 0x50, 0x90, 0xA0, 0xC0, 0xD0)
_NVSWITCH_BUS = 0x04
_LINK: dict[str, Any] = {
    "current_link_speed": "32.0 GT/s PCIe",
    "max_link_speed": "32.0 GT/s PCIe",
    "current_link_width": 16,
    "max_link_width": 16,
}
_GPU_BARS = (
    (0x2_0000_0000_0000, 16 << 20, MEM64),
    (0, 0, 0),
    (0x2_1000_0000_0000, 128 << 30, MEM64),
    (0, 0, 0),
    (0x2_2000_0000_0000, 32 << 20, MEM64),
)


def build_hgx(root: Path) -> HostTree:
    """Build the server below ``root``."""
    tree = HostTree(root)
    groups = count(10)
    for socket in (0, 1):
        for number in range(32):
            tree.function(
                f"0000:{0x7E + socket * 0x80:02x}:{number:02x}.0",
                "8086:3258",
                "0880",
                numa=socket,
                group=socket,
            )
    for index, bus in enumerate(_GPU_BUSES):
        _add_gpu(tree, index, bus, groups)
    _add_nvswitches(tree, groups)
    _add_board(tree, groups)
    for index in range(8):
        tree.holder(2000 + index, "nvidia-persiste", f"/dev/nvidia{index}")
    disk, card = tree.place("0000:02:00.0"), tree.place("0000:03:00.0")
    add_system(tree, root_disk=f"{disk}/nvme/nvme0/nvme0n1/nvme0n1p2", route=f"{card}/net/eno1")
    return tree


def _port(
    tree: HostTree, address: str, ids: str, group: int, *, numa: int, bus: int, below: str | None = None
) -> str:
    tree.function(
        address,
        ids,
        "0604",
        below=below,
        group=group,
        numa=numa,
        driver="pcieport",
        secondary_bus_number=bus,
        **_LINK,
    )
    return address


def _add_gpu(tree: HostTree, index: int, bus: int, groups: Iterator[int]) -> None:
    """A root port, a switch, and behind it a GPU, a network card, a disk and an empty slot."""
    numa = index // 4
    root = _port(tree, f"0000:{bus:02x}:01.0", "8086:352a", next(groups), numa=numa, bus=bus + 1)
    upper = _port(
        tree, f"0000:{bus + 1:02x}:00.0", "1000:c030", next(groups), numa=numa, bus=bus + 2, below=root
    )
    ports = [
        _port(
            tree,
            f"0000:{bus + 2:02x}:{slot:02x}.0",
            "1000:c030",
            next(groups),
            numa=numa,
            bus=bus + 3 + slot,
            below=upper,
        )
        for slot in range(4)
    ]
    gpu = f"0000:{bus + 3:02x}:00.0"
    tree.function(
        gpu,
        "10de:2330",
        "0302",
        below=ports[0],
        driver="nvidia",
        group=next(groups),
        numa=numa,
        subsystem="10de:16c1",
        bars=_GPU_BARS,
        reset_method="flr bus",
        sriov_totalvfs=16,
        sriov_numvfs=0,
        resource2_resize="000000000001ff00",
        **_LINK,
    )
    tree.write(
        f"proc/driver/nvidia/gpus/{gpu}/information", f"Model: \t NVIDIA H100\nDevice Minor: \t {index}"
    )
    for kind in ("card", "renderD"):
        tree.node(gpu, f"drm/{kind}{index + (1 if kind == 'card' else 128)}")
    tree.function(
        f"0000:{bus + 4:02x}:00.0",
        "15b3:1021",
        "0200",
        below=ports[1],
        driver="mlx5_core",
        group=next(groups),
    )
    tree.function(
        f"0000:{bus + 5:02x}:00.0", "144d:a80a", "0108", below=ports[2], driver="nvme", group=next(groups)
    )


def _add_nvswitches(tree: HostTree, groups: Iterator[int]) -> None:
    bus = _NVSWITCH_BUS
    root = _port(tree, f"0000:{bus:02x}:01.0", "8086:352a", next(groups), numa=0, bus=bus + 1)
    upper = _port(
        tree, f"0000:{bus + 1:02x}:00.0", "1000:c030", next(groups), numa=0, bus=bus + 2, below=root
    )
    for number in range(4):
        address = f"0000:{bus + 2:02x}:{number:02x}.0"
        port = _port(tree, address, "1000:c030", next(groups), numa=0, bus=bus + 3 + number, below=upper)
        switch = f"0000:{bus + 3 + number:02x}:00.0"
        bars = ((0xD000_0000 + (number << 25), 32 << 20, MEM32),)
        tree.function(
            switch, "10de:22a3", "0680", below=port, driver="nvidia-nvswitch", group=next(groups), bars=bars
        )


def _add_board(tree: HostTree, groups: Iterator[int]) -> None:
    """The boot disk, the management network, and the display chip of the management controller."""
    disk_port = _port(tree, "0000:00:01.0", "8086:352a", next(groups), numa=0, bus=2)
    tree.function("0000:02:00.0", "144d:a80a", "0108", below=disk_port, driver="nvme", group=next(groups))
    card_port = _port(tree, "0000:00:02.0", "8086:352a", next(groups), numa=0, bus=3)
    tree.function("0000:03:00.0", "8086:1563", "0200", below=card_port, driver="ixgbe", group=next(groups))
    bridge = "0000:e8:00.0"
    root = _port(tree, "0000:00:1c.0", "8086:1bb8", 6, numa=0, bus=0xE8)
    _port(tree, bridge, "1a03:1150", 6, numa=0, bus=0xE9, below=root)
    tree.function(
        "0000:e9:00.0",
        "1a03:2000",
        "0300",
        below=bridge,
        driver="ast",
        group=6,
        boot_vga=1,
        bars=((0x9000_0000, 64 << 20, MEM32),),
    )
    tree.node("0000:e9:00.0", "drm/card0")
    for device, (ids, kind, driver) in enumerate(
        (("8086:1bcd", "0c03", "xhci_hcd"), ("8086:1bd2", "0106", "ahci"), ("8086:1b81", "0601", None)),
        start=0x14,
    ):
        tree.function(f"0000:00:{device:02x}.0", ids, kind, driver=driver, group=next(groups))
