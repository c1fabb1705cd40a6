"""The functions that a card of the laboratory can have: what QEMU emulates, and what holds it on a host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Emulated:
    """One PCI function.

    Attributes:
        qemu: the QEMU device.
        needs: devices that are plugged into it, by a bus whose name starts with the function's id.
        shown_as: vendor and device id, as ``lspci -nn`` shows them.
    """

    qemu: str
    shown_as: str
    needs: tuple[str, ...] = ()


FUNCTIONS = {
    "rage128": Emulated("ati-vga", "1002:5046"),
    "radeon-rv100": Emulated("ati-vga,model=rv100", "1002:5159"),
    "bochs-display": Emulated("bochs-display", "1234:1111"),
    "hda-audio": Emulated("intel-hda", "8086:2668", needs=("hda-duplex,audiodev=silence",)),
    "usb": Emulated("qemu-xhci", "1b36:000d"),
}
"""Name in a topology file, and what it stands for."""
