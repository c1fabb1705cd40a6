"""Reasons that are no knowledge: what could not be read is never taken for a permission."""

from __future__ import annotations

from gpucloud.doctor.causes import Cause

_AS_ROOT = (
    "Run the same command as root",
    "Of a captured host: make a whole capture as root, sudo gpucloud capture",
)
_SHOWN = ("`gpucloud scan` ends with what is unknown, and why",)


def _unread(id_: str, title: str, what: str, *sources: str) -> Cause:
    return Cause(id_, title, what, _SHOWN, _AS_ROOT, "nothing", sources)


UNKNOWN = (
    _unread(
        "driver-unknown",
        "Which driver has a function of the card could not be read",
        "Undo gives every function back to the driver that had it. Where that is not known, nothing is "
        "taken.",
        "Linux Documentation/ABI/testing/sysfs-bus-pci: driver, driver_override",
    ),
    _unread(
        "groups-unknown",
        "The IOMMU group, or who else is in it, could not be read",
        "Who goes with the card is decided by its group. Where that is not known, nothing is taken on a "
        "guess.",
        "Linux Documentation/ABI/testing/sysfs-kernel-iommu_groups",
    ),
    _unread(
        "holders-unknown",
        "Who has the card open could not be seen",
        "Taking a card from a process that has it open can hang for ever, and only root sees the open "
        "files of "
        "all processes.",
        "proc(5): /proc/PID/fd needs the rights of ptrace",
        "NVIDIA open-gpu-kernel-modules, kernel-open/nvidia/nv-pci.c: nv_pci_remove()",
    ),
    _unread(
        "vital-unknown",
        "What the host's disk and network hang on could not be read",
        "A device that carries the root disk or the default route is never taken. Where it is not known "
        "which "
        "devices these are, none is.",
        "Linux Documentation/ABI/testing/sysfs-block; /proc/net/route, ipv6_route, fib_trie",
    ),
    _unread(
        "console-unknown",
        "Whether the console is on the card could not be read",
        "The card may be the last one that shows the host's console. --force accepts that as well, "
        "except where the text consoles could not be read (undo could then not bring the console back), or "
        "where a boot framebuffer that the running kernel cannot move may be inside a BAR that could not be "
        "read.",
        "Linux Documentation/fb/fbcon.rst",
    ),
)
