"""A desktop with Intel's Arc A770, whose audio is on another bus behind the card's own switch.

Without isolation at the root port everything of the card is in one group, with the board's audio in a
group that also has the ISA bridge: no companion of the card, though of the same vendor and class.
"""

from __future__ import annotations

from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.system import MEM64, add_system


def build_arc(root: Path, *, flat: bool = False) -> HostTree:
    """Build the desktop; ``flat`` leaves out which bridge is above which."""
    tree = HostTree(root, flat=flat)
    tree.function("0000:00:01.0", "8086:460d", "0604", driver="pcieport", group=12)
    tree.function("0000:01:00.0", "8086:4fa0", "0604", below="0000:00:01.0", driver="pcieport", group=12)
    tree.function("0000:02:01.0", "8086:4fa4", "0604", below="0000:01:00.0", driver="pcieport", group=12)
    tree.function("0000:02:04.0", "8086:4fa4", "0604", below="0000:01:00.0", driver="pcieport", group=12)
    tree.function(
        "0000:03:00.0",
        "8086:56a0",
        "0300",
        below="0000:02:01.0",
        driver="i915",
        group=12,
        boot_vga=1,
        bars=((0x8100_0000, 16 << 20, MEM64), (0, 0, 0), (0x60_0000_0000, 256 << 20, MEM64)),
        resource2_resize="0000000000007f00",
    )
    tree.function("0000:04:00.0", "8086:4f90", "0403", below="0000:02:04.0", driver="snd_hda_intel", group=12)
    tree.function("0000:00:1f.0", "8086:7a84", "0601", group=14)
    tree.function("0000:00:1f.3", "8086:7ad0", "0403", driver="snd_hda_intel", group=14)
    tree.function("0000:00:1f.4", "8086:7aa3", "0c05", driver="i801_smbus", group=14)
    add_system(tree, arguments="root=/dev/sda2 ro intel_iommu=on")
    return tree
