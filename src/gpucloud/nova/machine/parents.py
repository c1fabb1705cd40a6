"""Parents of mediated devices that are no PCI functions, by the names that libvirt has for them."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.model.host import Host
from gpucloud.model.pci import MdevParent, ParentName
from gpucloud.model.unknown import Unknown

LISTED: Mapping[str, str] = {"mtty": "mtty_mtty"}
"""What the kernel calls a parent, to what libvirt does: subsystem and name of the device.

libvirt gives types of mediated devices to devices of few subsystems that are not PCI: css and matrix, which
are IBM's, and mtty. It lists no mdpy and no mbochs (libvirt, src/node_device/node_device_udev.c,
``udevGetDeviceType``, commit ab29ddfdf8; nova commit f412fac1ae).
"""


def libvirt_name(parent: ParentName) -> str | None:
    """Its name in libvirt, and so in nova; None where libvirt does not list it."""
    return LISTED.get(parent.text)


def listed_parents(host: Host) -> Mapping[str, tuple[str, ...] | Unknown] | Unknown:
    """Those of the host that libvirt lists, by its names, with the types that they offer."""
    if isinstance(host.mdev_parents, Unknown):
        return host.mdev_parents
    named = ((libvirt_name(parent.name), parent) for parent in host.mdev_parents)
    return {name: _types(parent) for name, parent in named if name is not None}


def _types(parent: MdevParent) -> tuple[str, ...] | Unknown:
    if isinstance(parent.types, Unknown):
        return parent.types
    return tuple(kind.id for kind in parent.types)
