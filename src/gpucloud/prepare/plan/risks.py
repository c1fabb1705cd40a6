"""What could go wrong with a change of the running host, or what it costs, in words; empty: nothing known.

Sources: drivers/pci/pci.c, ``pci_reset_methods``; NVIDIA open-gpu-kernel-modules kernel-open/nvidia/nv-pci.c,
``nv_pci_remove`` (it waits while the device is open); drivers/firmware/sysfb.c (Linux 6.0 on).
"""

from __future__ import annotations

from collections.abc import Collection

from gpucloud.model.change import DetachConsole, ReleaseFramebuffer
from gpucloud.model.pci import PciAddress, PciClass, PciFunction
from gpucloud.prepare.plan.wording import join

_WAITS_FOR_USERS = "nvidia"
_USB = 0x0C03


def risk_of_loading(waiting: Collection[PciAddress]) -> str:
    """Of loading vfio-pci, where free functions wait for it that the plan is not for."""
    if not waiting:
        return ""
    return f"it takes {join(sorted(map(str, waiting)))} at once, whose override names it"


def risk_of_console(change: DetachConsole | ReleaseFramebuffer) -> str:
    """Of taking what the host shows on its screen."""
    if isinstance(change, DetachConsole):
        return "the host's screen shows nothing until undo: keep a way in over the network or a serial line"
    return "kernels from 6.0 on bring it back at the next boot only"


def risk_of_override(before: str | None) -> str:
    """Of setting an override where one stands."""
    return f"the override {before}, which somebody else set, is gone until undo" if before else ""


def risk_of_unbinding(function: PciFunction, driver: str) -> str:
    """Of taking a function from the host's driver."""
    if driver == _WAITS_FOR_USERS:
        return (
            "a program that opens the card meanwhile keeps the driver waiting; apply then gives up, and "
            "takes back the rest"
        )
    if isinstance(function.pci_class, PciClass) and function.pci_class.kind == _USB:
        return "what is plugged into the card's own USB port goes with it"
    return ""


def risk_of_giving(function: PciFunction) -> str:
    """Of giving a card to guests."""
    if function.reset_methods is None or function.reset_methods == ():
        return (
            "the kernel names no way to reset it alone: a second guest may find it as the first one left it "
            "(gpucloud explain reset-bug)"
        )
    return ""
