"""A laptop: Intel's built-in GPU shows the screen, NVIDIA's shares the slot of its audio function."""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM32, MEM64, add_system


def build_laptop(root: Path) -> HostTree:
    """Build a Raptor Lake laptop with an RTX 4070 Mobile, its disk behind Intel VMD."""
    tree = HostTree(root)
    tree.function("0000:00:00.0", "8086:a706", "0600", group=1, numa=-1)
    tree.function(
        "0000:00:02.0",
        "8086:a7a0",
        "0300",
        driver="i915",
        group=0,
        numa=-1,
        boot_vga=1,
        sriov_totalvfs=7,
        sriov_numvfs=0,
        reset_method="flr",
        bars=((0x60_0000_0000, 16 << 20, MEM64), (0, 0, 0), (0x40_0000_0000, 256 << 20, MEM64)),
    )
    for node in ("drm/card1", "drm/renderD128", "graphics/fb0", "i2c-3/i2c-dev/i2c-3"):
        tree.node("0000:00:02.0", node)
    tree.function("0000:00:1f.3", "8086:51ca", "0403", driver="sof-audio-pci-intel-tgl", group=15, numa=-1)
    _add_mobile_card(tree)
    _add_vmd(tree)
    tree.function("0000:00:14.3", "8086:51f1", "0280", driver="iwlwifi", group=9, numa=-1)
    tree.holder(1811, "gnome-shell", "/dev/dri/card1")
    tree.holder(1903, "wireplumber", "/dev/snd/controlC1")
    disk = tree.place("10000:e1:00.0")
    add_system(
        tree,
        arguments="root=/dev/nvme0n1p2 ro quiet splash",
        units=("dmar0", "dmar1"),
        root_disk=f"{disk}/nvme/nvme0/nvme0n1/nvme0n1p2",
        route=f"{tree.place('0000:00:14.3')}/net/wlp0s20f3",
    )
    tree.write(
        "proc/iomem",
        "00000000-00000fff : Reserved\n4000000000-7fffffffff : PCI Bus 0000:00\n"
        "  4000000000-400fffffff : 0000:00:02.0\n    4000000000-40008cffff : BOOTFB\n"
        "      4000000000-40008cffff : simplefb",
    )
    return tree


def _add_mobile_card(tree: HostTree) -> None:
    tree.function("0000:00:01.0", "8086:a70d", "0604", group=2, driver="pcieport", numa=-1)
    tree.function(
        "0000:01:00.0",
        "10de:2860",
        "0300",
        below="0000:00:01.0",
        driver="nvidia",
        group=16,
        numa=-1,
        boot_vga=0,
        power_state="D3cold",
        bars=((0x8400_0000, 16 << 20, MEM32), (0x60_0100_0000, 8 << 30, MEM64)),
        resource1_resize="0000000000003fc0",
        current_link_speed="2.5 GT/s PCIe",
        max_link_speed="16.0 GT/s PCIe",
        current_link_width=8,
        max_link_width=8,
        reset_method="flr bus",
    )
    tree.function(
        "0000:01:00.1", "10de:22bd", "0403", below="0000:00:01.0", driver="snd_hda_intel", group=16, numa=-1
    )
    tree.write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: \t 0")
    tree.node("0000:01:00.1", "sound/card1/controlC1")
    tree.node("0000:01:00.1", "sound/card1/pcmC1D3p")
    tree.linked("0000:01:00.0", "0000:01:00.1")


def _add_vmd(tree: HostTree) -> None:
    """VMD makes a PCI domain of its own, which the kernel counts from 10000 on."""
    tree.function("0000:00:0e.0", "8086:a77f", "0104", driver="vmd", group=5, numa=-1)
    bus = f"{tree.place('0000:00:0e.0')}/pci10000:e0"
    tree.function("10000:e0:06.0", "8086:a74d", "0604", root_bus=bus, group=5, driver="pcieport", numa=-1)
    tree.function(
        "10000:e1:00.0", "15b7:5030", "0108", below="10000:e0:06.0", driver="nvme", group=5, numa=-1
    )
