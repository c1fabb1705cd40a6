"""The functions that a card of the laboratory can have: what QEMU emulates, and what holds it on a host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Emulated:
    """One PCI function.

    Attributes:
        qemu: the QEMU device; ``{id}`` stands for the function's id.
        needs: devices that are plugged into it, by a bus whose name starts with the function's id.
        shown_as: vendor and device id, as ``lspci -nn`` shows them.
        before: a device that has to be there first.
        blocks_saving: QEMU refuses to save a server that has it.
    """

    qemu: str
    shown_as: str
    needs: tuple[str, ...] = ()
    before: str | None = None
    blocks_saving: bool = False


FUNCTIONS = {
    "rage128": Emulated("ati-vga", "1002:5046"),
    "radeon-rv100": Emulated("ati-vga,model=rv100", "1002:5159"),
    "bochs-display": Emulated("bochs-display", "1234:1111"),
    "hda-audio": Emulated("intel-hda", "8086:2668", needs=("hda-duplex,audiodev=silence",)),
    "usb": Emulated("qemu-xhci", "1b36:000d"),
    "nvme-vfs": Emulated(
        "nvme,serial=gpucloud-lab,subsys={id}-subsystem,sriov_max_vfs=4,sriov_vq_flexible=8,"
        "sriov_vi_flexible=4,max_ioqpairs=10,msix_qsize=5",
        "1b36:0010",
        before="nvme-subsys,id={id}-subsystem",
        blocks_saving=True,
    ),
}
"""Name in a topology file, and what it stands for."""

SAMPLES = ("mtty", "mdpy", "mbochs")
"""Sample drivers of the kernel that make mediated devices of nothing: serial ports, and two displays."""
