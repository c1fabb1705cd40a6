"""The PCI devices of the machine on which nova reads its configuration, as nova sees them.

``machine_of`` makes them of a ``model.Host``, ``parse_devices`` of a list in JSON.
"""

from gpucloud.nova.machine.device import ELSEWHERE, Device, DeviceType, Machine
from gpucloud.nova.machine.host import machine_of
from gpucloud.nova.machine.listing import parse_devices
from gpucloud.nova.machine.parents import LISTED, libvirt_name

__all__ = [
    "ELSEWHERE",
    "LISTED",
    "Device",
    "DeviceType",
    "Machine",
    "libvirt_name",
    "machine_of",
    "parse_devices",
]
