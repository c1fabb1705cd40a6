"""Machines that nova and gpucloud are both asked about: devices and interfaces as plain data."""

from __future__ import annotations

from typing import Any

from gpucloud.nova.machine import Device, DeviceType, Machine

Plain = dict[str, Any]


def _device(
    address: str, ids: str, kind: str = "type-PCI", node: int | None = 0, **more: str | None
) -> Plain:
    vendor, _, product = ids.partition(":")
    return {
        "address": address,
        "vendor_id": vendor,
        "product_id": product,
        "dev_type": kind,
        "numa_node": node,
        "parent_addr": more.get("parent"),
        "card_serial_number": more.get("serial"),
    }


def _vfs(parent: str, ids: str, count: int, node: int | None = 0, serial: str | None = None) -> list[Plain]:
    slot = parent.rpartition(".")[0]
    return [
        _device(f"{slot}.{number}", ids, "type-VF", node, parent=parent, serial=serial)
        for number in range(1, count + 1)
    ]


_DESKTOP = [
    _device("0000:00:00.0", "8086:3e30", node=None),
    _device("0000:01:00.0", "10de:1e87", node=None),
    _device("0000:01:00.1", "10de:10f8", node=None),
    _device("0000:02:00.0", "10de:1e87", node=None),
    _device("0000:02:00.1", "10de:10f8", node=None),
]
_TWO_SOCKETS = [
    _device("0000:3b:00.0", "10de:1eb8", "type-PF", 0),
    _device("0000:5e:00.0", "10de:1eb8", "type-PF", 0),
    _device("0000:86:00.0", "10de:1eb8", "type-PF", 1),
    _device("0000:af:00.0", "10de:1db4", "type-PCI", 1),
    _device("0000:d8:00.0", "1002:740f", "type-PCI", 3),
]
_SLICED = [
    _device("0000:25:00.0", "10de:25b6", "type-PF", 0),
    *_vfs("0000:25:00.0", "10de:25b6", 4),
    _device("0000:81:00.0", "15b3:101d", "type-PF", 1, serial="MT2000"),
    *_vfs("0000:81:00.0", "15b3:101e", 2, 1, "MT2000"),
    _device("0001:01:00.0", "10de:2bb5", "type-PCI", 1),
]
_WIDE = [
    _device("10000:01:00.0", "10de:1e87", node=None),
    _device("0000:01:00.0", "10de:1e87", node=None),
]
_VDPA = [
    _device("0000:81:00.0", "15b3:101d", "type-PF", 1),
    _device("0000:81:00.1", "15b3:101e", "vdpa", 1, parent="0000:81:00.0"),
    _device("0000:81:00.2", "15b3:101e", "type-VF", 1, parent="0000:81:00.0"),
]

PLAIN_MACHINES: dict[str, Plain] = {
    "desktop": {"devices": _DESKTOP, "interfaces": {"eth0": "virtio0"}},
    "two-sockets": {"devices": _TWO_SOCKETS, "interfaces": {}},
    "sliced": {
        "devices": _SLICED,
        "interfaces": {"ens1": "0000:81:00.0", "ens1v0": "0000:81:00.1", "usb0": "1-1:1.0"},
    },
    "wide": {"devices": _WIDE, "interfaces": {}},
    "vdpa": {"devices": _VDPA, "interfaces": {}},
    "nothing": {"devices": [], "interfaces": {}},
}
"""By name: devices in the libvirt driver's words, and what interfaces belong to."""


def machine_of(plain: Plain) -> Machine:
    """The same machine as gpucloud's value."""
    devices = [
        Device(
            each["address"],
            each["vendor_id"],
            each["product_id"],
            DeviceType(each["dev_type"]),
            each["parent_addr"],
            each["numa_node"],
            each["card_serial_number"],
        )
        for each in plain["devices"]
    ]
    return Machine({device.address: device for device in devices}, plain["interfaces"])


MACHINES = {name: machine_of(plain) for name, plain in PLAIN_MACHINES.items()}
