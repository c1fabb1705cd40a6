"""A desktop with AMD's processor, whose built-in GPU shares its slot with the board's devices."""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, add_system


def build_apu(root: Path) -> HostTree:
    """Build an AM5 desktop with a built-in GPU among platform devices, and a card of four functions."""
    tree = HostTree(root)
    for slot, bus in (("01.1", 1), ("08.1", 0x0D)):
        tree.function(f"0000:00:{slot}", "1022:14db", "0604", driver="pcieport", group=bus, numa=-1)
    upper, lower = "0000:01:00.0", "0000:02:00.0"
    tree.function(upper, "1002:1478", "0604", below="0000:00:01.1", driver="pcieport", group=14, numa=-1)
    tree.function(lower, "1002:1479", "0604", below=upper, driver="pcieport", group=15, numa=-1)
    card = (
        ("73bf", "0300", "amdgpu"),
        ("ab28", "0403", "snd_hda_intel"),
        ("73a6", "0c03", "xhci_hcd"),
        ("73a4", "0c80", None),
    )
    for number, (device, kind, driver) in enumerate(card):
        tree.function(
            f"0000:03:00.{number}",
            f"1002:{device}",
            kind,
            below=lower,
            driver=driver,
            group=16 + number,
            numa=-1,
        )
    apu = (
        ("1002:164e", "0300", "amdgpu"),
        ("1002:1640", "0403", "snd_hda_intel"),
        ("1022:1649", "1080", "ccp"),
        ("1022:15b6", "0c03", "xhci_hcd"),
        ("1022:15b7", "0c03", "xhci_hcd"),
        ("1022:15e3", "0403", "snd_hda_intel"),
    )
    for number, (ids, kind, driver) in enumerate(apu):
        tree.function(
            f"0000:0d:00.{number}",
            ids,
            kind,
            below="0000:00:08.1",
            driver=driver,
            group=24 + number,
            numa=-1,
            bars=((0xFC00_0000 + (number << 20), 1 << 20, MEM64),),
        )
    add_system(
        tree,
        arguments="root=/dev/nvme0n1p2 rw",
        vendor="AuthenticAMD",
        flags="fpu svm",
        table="IVRS",
        units=("ivhd0",),
    )
    return tree
