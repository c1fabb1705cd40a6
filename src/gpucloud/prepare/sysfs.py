"""Where the kernel shows and takes each thing that prepare changes. Paths are as on the host."""

from __future__ import annotations

from gpucloud.model.pci import ParentName, PciAddress, Place

PCI = "/sys/bus/pci"
PLATFORM = "/sys/bus/platform"
MODULES = "/sys/module"
CONSOLES = "/sys/class/vtconsole"
GROUPS = "/sys/kernel/iommu_groups"
MDEVS = "/sys/bus/mdev/devices"
MDEV_PARENTS = "/sys/class/mdev_bus"
"""Of PCI functions and of others (drivers/vfio/mdev/mdev_core.c, ``mdev_register_parent``)."""
VFIO_DEVICES = ("/sys/class/vfio", "/sys/class/vfio-dev")
"""One entry for each IOMMU group, or function, that a vfio driver has (drivers/vfio/group.c, vfio_main.c)."""


def function(address: PciAddress, attribute: str) -> str:
    """An attribute of a PCI function."""
    return f"{PCI}/devices/{address}/{attribute}"


def parent(place: Place, attribute: str) -> str:
    """An attribute of what mediated devices are made of."""
    if isinstance(place, ParentName):
        return f"{MDEV_PARENTS}/{place}/{attribute}"
    return function(place, attribute)


def driver(name: str, attribute: str) -> str:
    """An attribute of a PCI driver: ``bind``, ``unbind``."""
    return f"{PCI}/drivers/{name}/{attribute}"


def platform_driver(name: str, attribute: str) -> str:
    """An attribute of a driver of the platform bus, where boot framebuffers are."""
    return f"{PLATFORM}/drivers/{name}/{attribute}"


def module(name: str) -> str:
    """The folder of a module in the kernel; the kernel writes ``_`` for ``-``."""
    return f"{MODULES}/{name.replace('-', '_')}"
