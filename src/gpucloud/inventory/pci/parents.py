"""Parents of mediated devices that are no PCI functions: the kernel's sample drivers have such.

Source: drivers/vfio/mdev/mdev_core.c, ``mdev_register_parent``: each parent, of whatever bus, has a
link of its name in /sys/class/mdev_bus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.inventory.pci.device import Attributes
from gpucloud.inventory.pci.holders import read_openings
from gpucloud.inventory.pci.nodes import opened_as
from gpucloud.inventory.pci.numbered import read_numbered
from gpucloud.inventory.pci.slices import read_mdev_types, read_mdevs
from gpucloud.inventory.reader import HostReader
from gpucloud.model.pci import MdevParent, MediatedDevice, ParentName
from gpucloud.model.unknown import Unknown

MDEV_BUS = "/sys/class/mdev_bus"


def read_mdev_parents(reader: HostReader) -> tuple[MdevParent, ...] | Unknown:
    """Read them, by name; none where the kernel has no mediated devices at all."""
    listed = reader.list_dir(MDEV_BUS)
    if not isinstance(listed, tuple):
        return () if listed is None else listed
    parents = tuple(_read(reader, name) for name in _names(listed))
    nodes = {node: node for parent in parents for node in _nodes(parent.mdevs)}
    if nodes:
        numbered = read_numbered(reader)
        nodes |= {number: node for node in nodes if (number := opened_as(node, numbered)) is not None}
    openings = read_openings(reader, nodes)
    return tuple(replace(each, holders=openings.of(_nodes(each.mdevs))) for each in parents)


def _names(listed: tuple[str, ...]) -> Iterator[ParentName]:
    for name in sorted(listed):
        try:
            yield ParentName.parse(name)
        except ValueError:
            continue  # a PCI function, which is read with its bus


def _read(reader: HostReader, name: ParentName) -> MdevParent:
    device = Attributes(reader, f"{MDEV_BUS}/{name}", set())
    types = read_mdev_types(device, {})
    return MdevParent(name, types, read_mdevs(device, types), ())


def _nodes(mdevs: tuple[MediatedDevice, ...] | Unknown) -> tuple[str, ...]:
    return () if isinstance(mdevs, Unknown) else tuple(e.node for e in mdevs if isinstance(e.node, str))
