"""A PCI device and a machine, with the facts that nova decides by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpucloud.model.unknown import Unknown

NOT_SAID = Unknown("the list of devices has no mdev_types")
NO_PARENTS = Unknown("a list of devices holds PCI functions alone")


class DeviceType(StrEnum):
    """What nova calls a device, after libvirt's capabilities of it (``nova/objects/fields.py``)."""

    PCI = "type-PCI"
    PF = "type-PF"
    """It could have virtual functions, whether any are on or not."""
    VF = "type-VF"
    VDPA = "vdpa"


@dataclass(frozen=True, slots=True)
class Device:
    """One PCI function. Ids are four hex digits in lower case, addresses as the kernel prints them."""

    address: str
    vendor_id: str
    product_id: str
    type: DeviceType
    parent: str | None = None
    """The physical function of a VF."""
    numa_node: int | None = None
    """None: the firmware does not say; nova treats that as a place of its own."""
    card_serial: str | None = None
    """The serial number in its vital product data, which ``remote_managed`` needs."""
    mdev_types: tuple[str, ...] | Unknown = NOT_SAID
    """Types of mediated devices that it offers: ``nvidia-474``; none for most."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Devices by address, and what network interfaces belong to."""

    devices: Mapping[str, Device] = field(default_factory=dict)
    interfaces: Mapping[str, str] | Unknown = field(default_factory=dict)
    """Interface to the name its ``device`` link ends in: ``0000:3b:00.0``, or ``virtio0``."""
    unread: tuple[str, ...] = ()
    """What could not be read, in words: devices left out, places of devices that count as not said."""
    parents: Mapping[str, tuple[str, ...] | Unknown] | Unknown = NO_PARENTS
    """Parents of mediated devices that are no PCI functions, by libvirt's names, with their types."""

    def is_physical_function(self, address: str) -> bool:
        """Whether sysfs has a device with exactly this name that could have VFs."""
        device = self.devices.get(address)
        return device is not None and device.type is DeviceType.PF


ELSEWHERE = Machine()
"""A machine without any of the devices: a controller that reads the same nova.conf."""
