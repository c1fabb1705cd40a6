"""Who has a slice open, looked at just before it is taken away: whatever asks for it, a guest keeps its own.

Plans, undo and a start look as well, and say it better; but between their look and the write a guest may have
come, and what carries on with a plan that was cut off looks at no plan. A driver that takes a slice from its
user waits for it without end (drivers/vfio/vfio_main.c, ``vfio_unregister_group_dev``), or takes it away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gpucloud.inventory.pci.attributes import parse_addresses
from gpucloud.inventory.pci.device import Device
from gpucloud.inventory.pci.holders import read_openings
from gpucloud.inventory.pci.nodes import opened_as, read_nodes
from gpucloud.inventory.pci.numbered import Numbered, read_numbered
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import StepError, known

if TYPE_CHECKING:
    from gpucloud.inventory.reader import HostReader
    from gpucloud.model.pci import Holder, PciAddress
    from gpucloud.prepare.system import System


def refuse_used_mdev(uuid: str, system: System) -> None:
    """Leave a mediated device with whoever has it open.

    Raises:
        StepError: somebody has, or who has could not be seen.
    """
    reader = system.reader()
    nodes = tuple(_mdev_nodes(f"{sysfs.MDEVS}/{uuid}", reader))
    refuse_used_nodes({uuid: nodes}, reader, read_numbered(reader))


def refuse_used_function(address: PciAddress, system: System) -> None:
    """Leave a virtual function with whoever has it open; errors as of ``refuse_used_mdev``."""
    _refuse_used_functions((address,), system)


def refuse_used_vfs(card: PciAddress, system: System) -> None:
    """Leave all virtual functions of a card where one is in use; errors as of ``refuse_used_mdev``."""
    _refuse_used_functions(vfs_there(card, system), system)


def refuse_used_vgpus(card: PciAddress, system: System) -> None:
    """Leave a card of which a vGPU is in use, be it of itself or of a virtual function.

    Raises:
        StepError: somebody has one open, or who has could not be seen.
    """
    refuse_used_vfs(card, system)
    reader = system.reader()
    own = _mdevs_by_parent(reader).get(str(card), [])
    nodes = {folder.rpartition("/")[2]: tuple(_mdev_nodes(folder, reader)) for folder in own}
    refuse_used_nodes(nodes, reader, read_numbered(reader))


def vfs_there(card: PciAddress, system: System) -> tuple[PciAddress, ...]:
    """The virtual functions that a card has now, by address.

    Raises:
        StepError: they cannot be listed.
    """
    folder = sysfs.function(card, "").rstrip("/")
    names = known(system.list_dir(folder)) or ()
    links = (known(system.read_link(f"{folder}/{name}")) for name in names if name.startswith("virtfn"))
    return tuple(sorted(parse_addresses([link.rpartition("/")[2] for link in links if link is not None])))


def _refuse_used_functions(functions: tuple[PciAddress, ...], system: System) -> None:
    reader = system.reader()
    numbered, mdevs = read_numbered(reader), _mdevs_by_parent(reader)
    nodes = {
        str(address): _function_nodes(address, mdevs.get(str(address), []), reader, numbered)
        for address in functions
    }
    refuse_used_nodes(nodes, reader, numbered)


def _mdevs_by_parent(reader: HostReader) -> dict[str, list[str]]:
    """Folders of mediated devices by the name of what they were made of (drivers/vfio/mdev/mdev_core.c)."""
    found: dict[str, list[str]] = {}
    for uuid in known(reader.list_dir(sysfs.MDEVS)) or ():
        target = known(reader.read_link(f"{sysfs.MDEVS}/{uuid}"))
        if target is not None:
            found.setdefault(target.split("/")[-2], []).append(f"{sysfs.MDEVS}/{uuid}")
    return found


def _function_nodes(
    address: PciAddress, mdevs: list[str], reader: HostReader, numbered: Numbered | None
) -> tuple[str, ...]:
    """All nodes of a virtual function, those of its group and of what was made of it among them."""
    device = Device(reader, address, set())
    group = known(device.link_name("iommu_group"))
    groups = [] if group is None else [f"/dev/vfio/{group}", f"/dev/vfio/noiommu-{group}"]
    groups += [node for mdev in mdevs for node in _mdev_nodes(mdev, reader)]
    return known(read_nodes(device, device.link_name("driver"), tuple(groups), {}, numbered)) or ()


def _mdev_nodes(folder: str, reader: HostReader) -> Iterator[str]:
    """The node of its group, and its own; one that has neither can be opened by nobody."""
    group = known(reader.read_link(f"{folder}/iommu_group"))
    if group is not None:
        yield f"/dev/vfio/{group.rpartition('/')[2]}"
    for name in known(reader.list_dir(f"{folder}/vfio-dev")) or ():
        yield f"/dev/vfio/devices/{name}"


def refuse_used_nodes(
    nodes: Mapping[str, tuple[str, ...]],
    reader: HostReader,
    numbered: Numbered | None,
    *,
    numbers: Mapping[str, str] | None = None,
    but: str | None = None,
) -> None:
    """Look once for all slices.

    Args:
        nodes: of each slice by its name.
        reader: the host.
        numbered: all nodes that the kernel lists.
        numbers: of nodes that it does not list, as ``opened_as``.
        but: a program that may have them.

    Raises:
        StepError: somebody has one open, or who has could not be seen.
    """
    asked = {node: node for each in nodes.values() for node in each}
    asked |= {number: node for node in asked if (number := opened_as(node, numbered)) is not None}
    asked |= {number: node for node, number in (numbers or {}).items()}
    openings = read_openings(reader, asked)
    for name, own in nodes.items():
        holders = openings.of(own)
        if isinstance(holders, Unknown):
            raise StepError(f"who uses {name} could not be seen ({holders.why}), so it stays")
        users = [holder for holder in holders if holder.process != but]
        if users:
            who = ", ".join(dict.fromkeys(map(_call, users)))
            raise StepError(f"{who} uses {name}, so it stays; end that first")


def _call(holder: Holder) -> str:
    return f"guest {holder.guest}" if holder.guest else f"{holder.process} ({holder.pid})"
