"""All PCI functions of a host, by address."""

from __future__ import annotations

from dataclasses import replace

from gpucloud.inventory.pci.attributes import parse_addresses
from gpucloud.inventory.pci.device import DEVICES, Device, number
from gpucloud.inventory.pci.function import Names, Surroundings, read_function
from gpucloud.inventory.pci.groups import Groups
from gpucloud.inventory.pci.holders import read_openings
from gpucloud.inventory.pci.nodes import opened_as, read_nvidia_minors
from gpucloud.inventory.pci.numbered import Numbered, read_numbered
from gpucloud.inventory.pci.slices import join_slices
from gpucloud.inventory.reader import HostReader
from gpucloud.inventory.system.modules import read_aliases
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

Functions = dict[PciAddress, PciFunction]


def read_functions(
    reader: HostReader, names: Names, release: str | Unknown, groups: Groups | Unknown
) -> Functions | Unknown:
    """Read every function on the PCI bus.

    Args:
        reader: the host.
        names: where names of vendors and devices come from.
        release: the running kernel's, whose modules may claim the functions.
        groups: as their own folders list them; where these and all links of functions are missing, what
            links would show is unknown.
    """
    listed = reader.list_dir(DEVICES)
    if isinstance(listed, Unknown):
        return listed
    if listed is None:
        return Unknown(f"{DEVICES} is not there: no PCI, or sysfs is not mounted")
    absent: set[str] = set()
    devices = [Device(reader, address, absent) for address in sorted(parse_addresses(listed))]
    if isinstance(groups, Unknown) and not any(device.has_links for device in devices):
        for device in devices:
            device.lose_links()
    modaliases = {device.address: device.always("modalias", str) for device in devices}
    known = [alias for alias in modaliases.values() if isinstance(alias, str)]
    aliases = read_aliases(reader, release, known)
    numbered = read_numbered(reader)
    around = Surroundings(
        reader=reader,
        names=names,
        release=release,
        aliases=aliases,
        minors=read_nvidia_minors(reader),
        numbered=numbered,
        groups={} if isinstance(groups, Unknown) else groups.numbers,
        other_groups={} if isinstance(groups, Unknown) else groups.others,
        type_names={},
    )
    functions = {each.address: read_function(each, modaliases[each.address], around) for each in devices}
    _add_holders(functions, reader, numbered)
    _add_parents(functions, devices)
    join_slices(functions)
    return functions


def _add_holders(functions: Functions, reader: HostReader, numbered: Numbered | None) -> None:
    nodes = {address: function.device_nodes for address, function in functions.items()}
    asked = {node: node for known in nodes.values() if isinstance(known, tuple) for node in known}
    asked |= {number: node for node in asked if (number := opened_as(node, numbered)) is not None}
    openings = read_openings(reader, asked)
    for address, known in nodes.items():
        if known != ():
            functions[address] = replace(functions[address], holders=openings.of(known))


def _add_parents(functions: Functions, devices: list[Device]) -> None:
    """Find the bridges above in a flat capture by the buses that bridges say are behind them."""
    lost = [address for address, function in functions.items() if isinstance(function.parent, Unknown)]
    if not lost:
        return
    bridges = {}
    for device in devices:
        bus = device.value("secondary_bus_number", number)
        if isinstance(bus, int):
            bridges[device.address.domain, bus] = device.address
    for address in lost if bridges else ():
        parent = bridges.get((address.domain, address.bus))
        functions[address] = replace(functions[address], parent=parent)
