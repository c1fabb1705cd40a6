"""Functions whose class could not be read: each may be a GPU, so that "no GPU" would be no answer."""

from __future__ import annotations

from gpucloud.model.host import HERE, Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

TAR = (
    "tar czf /tmp/host.tar.gz --exclude='resource?' --exclude='resource?_wc' --exclude=rom"
    " sys/bus/pci/devices sys/kernel/iommu_groups sys/devices/pci*"
)
"""Run in /. ``sys/bus/pci/devices`` holds links only. Left out is what tar would read as long as a card's
memory is."""


def unclassified(host: Host) -> dict[PciAddress, Unknown]:
    """The functions of unknown class, and why it is."""
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    return {
        address: each.pci_class for address, each in functions.items() if isinstance(each.pci_class, Unknown)
    }


def say_unclassified(host: Host) -> str:
    """How many functions these are, and why, in words; empty where there are none."""
    unread = unclassified(host)
    if not unread or isinstance(host.functions, Unknown):
        return ""
    why = next(iter(unread.values())).why
    return f"the class of {len(unread)} of {len(host.functions)} functions could not be read ({why})"


def how_to_read_classes(host: Host) -> str:
    """What to do about them, as the second part of a ``Failure``."""
    if host.source == HERE:
        return "see what the kernel says of them: dmesg | grep -i pci"
    return (
        "take a capture that has sys/devices, too, where the links of the functions lead, with: gpucloud "
        f"capture; or by hand, in /: {TAR}"
    )
