"""One PCI function, with every fact the kernel shows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple, Protocol

from gpucloud.inventory.pci.attributes import (
    parent_in,
    parse_class,
    parse_flag,
    parse_id,
    parse_linked,
    parse_modalias,
    parse_numa,
    parse_numbers,
    parse_override,
    parse_resize,
    parse_resource,
    parse_revision,
    parse_speed,
    parse_width,
    parse_words,
)
from gpucloud.inventory.pci.device import Device
from gpucloud.inventory.pci.nodes import Minors, read_nodes
from gpucloud.inventory.pci.numbered import Numbered
from gpucloud.inventory.pci.slices import (
    read_current_vgpu_type,
    read_mdev_types,
    read_mdevs,
    read_sriov,
    read_vendor_vfio_types,
)
from gpucloud.inventory.reader import HostReader
from gpucloud.inventory.system.modules import Aliases
from gpucloud.model.pci import Bar, Link, MediatedDevice, PciAddress, PciClass, PciFunction, PciId
from gpucloud.model.unknown import Unknown

_NO_ID = PciId(0, 0)
_RELEASE = re.compile(r"([0-9]+)\.([0-9]+)", re.ASCII)


class Names(Protocol):
    """Where names of vendors and devices come from."""

    def vendor(self, vendor: int) -> str | None: ...

    def device(self, device: PciId) -> str | None: ...


class Surroundings(NamedTuple):
    """What is read once for all functions."""

    reader: HostReader
    names: Names
    release: str | Unknown
    aliases: Aliases | Unknown
    minors: Minors
    numbered: Numbered | None
    groups: Mapping[PciAddress, int]
    """Numbers of groups by address, as the groups' own folders list them."""
    other_groups: Mapping[int, None | Unknown]
    """What stands for a group that is not the IOMMU's: none, or why it may be one."""
    type_names: dict[str, str]
    """Names of mdev types by id, gathered on the way: hundreds of virtual functions have the same."""


def read_function(device: Device, modalias: str | Unknown, around: Surroundings) -> PciFunction:
    """Read a function. Holders, and the parent in a flat capture, are found later for all at once."""
    pci_class = _class(device, modalias)
    id_, subsystem = _ids(device, modalias, pci_class)
    driver = device.link_name("driver")
    group = _group(device, around.groups)
    mdev_types = read_mdev_types(device, around.type_names)
    mdevs = read_mdevs(device, mdev_types)
    return PciFunction(
        address=device.address,
        id=id_,
        pci_class=pci_class,
        vendor_name=around.names.vendor(id_.vendor) if isinstance(id_, PciId) else None,
        device_name=around.names.device(id_) if isinstance(id_, PciId) else None,
        subsystem=subsystem,
        revision=device.always("revision", parse_revision),
        driver=driver,
        driver_override=_override(device),
        candidate_modules=_candidates(modalias, around.aliases),
        iommu_group=around.other_groups.get(group, group) if isinstance(group, int) else group,
        numa_node=device.always("numa_node", parse_numa),
        bars=_bars(device),
        reset_methods=_resets(device, around.release),
        power_state=device.text("power_state"),
        is_d3cold_allowed=device.value("d3cold_allowed", parse_flag),
        link=_link(device),
        sriov=read_sriov(device),
        physical_function=_physical_function(device),
        mdev_types=mdev_types,
        vendor_vfio_types=read_vendor_vfio_types(device),
        is_boot_vga=device.value("boot_vga", parse_flag),
        device_nodes=read_nodes(
            device, driver, _group_nodes(device, group, driver, mdevs, around), around.minors, around.numbered
        ),
        holders=(),
        linked=_linked(device),
        parent=_parent(device, around.reader),
        mdevs=mdevs,
        current_vgpu_type=read_current_vgpu_type(device),
    )


def _class(device: Device, modalias: str | Unknown) -> PciClass | Unknown:
    """The class; where its own file cannot be read, ``modalias`` tells it too."""
    shown = device.always("class", parse_class)
    told = parse_modalias(modalias) if isinstance(shown, Unknown) and isinstance(modalias, str) else None
    return shown if told is None else told[2]


def _ids(
    device: Device, modalias: str | Unknown, pci_class: PciClass | Unknown
) -> tuple[PciId | Unknown, PciId | None | Unknown]:
    """Ids of the function and its subsystem: all in ``modalias``, if that agrees with ``class``.

    Bridges have no subsystem, and zeros stand for it.
    """
    told = parse_modalias(modalias) if isinstance(modalias, str) else None
    if told is not None and told[2] == pci_class:
        return told[0], told[1] if told[1] != _NO_ID else None
    subsystem = _id(device, "subsystem_vendor", "subsystem_device")
    return _id(device, "vendor", "device"), subsystem if subsystem != _NO_ID else None


def _id(device: Device, *names: str) -> PciId | Unknown:
    vendor, product = (device.always(name, parse_id) for name in names)
    if isinstance(vendor, Unknown):
        return vendor
    return product if isinstance(product, Unknown) else PciId(vendor, product)


def _group(device: Device, listed: Mapping[PciAddress, int]) -> int | None | Unknown:
    name = device.link_name("iommu_group")
    numbers = parse_numbers([name]) if isinstance(name, str) else []
    if numbers:
        return numbers[0]
    if device.address in listed:
        return listed[device.address]
    return (
        Unknown(f"iommu_group of {device.address} leads to {name[:60]!r}") if isinstance(name, str) else name
    )


def _group_nodes(
    device: Device,
    group: int | None | Unknown,
    driver: str | None | Unknown,
    mdevs: tuple[MediatedDevice, ...] | Unknown,
    around: Surroundings,
) -> tuple[str, ...] | Unknown:
    """Nodes of VFIO groups through which guests have the function, or mediated devices of it."""
    own = _vfio_node(device, group, driver, around)
    nodes = [] if own is None else [own]
    if isinstance(mdevs, Unknown):
        return mdevs
    for mdev in mdevs:
        if isinstance(mdev.node, Unknown):
            return mdev.node
        nodes += [] if mdev.node is None else [mdev.node]
    return tuple(nodes)


def _vfio_node(
    device: Device, group: int | None | Unknown, driver: str | None | Unknown, around: Surroundings
) -> str | None:
    """The node of a group, which is there while a VFIO driver has the function (``vfio_create_group``).

    NVIDIA's own driver is one for a virtual function, and its name does not tell.
    """
    if not isinstance(group, int) or not isinstance(driver, str):
        return None
    prefix = "noiommu-" if around.other_groups.get(group, group) is None else ""
    node = f"/dev/vfio/{prefix}{group}"
    is_listed = around.numbered is not None and node in around.numbered.numbers
    return node if "vfio" in driver or ("physfn" in device.names and is_listed) else None


def _override(device: Device) -> str | None | Unknown:
    text = device.text("driver_override")
    return parse_override(text) if isinstance(text, str) else text


def _candidates(modalias: str | Unknown, aliases: Aliases | Unknown) -> tuple[str, ...] | Unknown:
    if isinstance(modalias, Unknown):
        return modalias
    return aliases if isinstance(aliases, Unknown) else aliases.modules_for(modalias)


def _bars(device: Device) -> tuple[Bar, ...] | Unknown:
    bars = device.always("resource", parse_resource)
    if isinstance(bars, Unknown):
        return bars
    return tuple(
        replace(bar, resizable_bytes=device.value(f"resource{bar.index}_resize", parse_resize))
        if f"resource{bar.index}_resize" in device.names
        else bar
        for bar in bars
    )


def _resets(device: Device, release: str | Unknown) -> tuple[str, ...] | None | Unknown:
    """Since 5.15 a function without ``reset_method`` cannot be reset; older kernels do not say how."""
    methods = device.value("reset_method", parse_words)
    if methods is None and isinstance(release, str) and not _says_resets(release):
        return Unknown("kernels before 5.15 do not say")
    return methods


@lru_cache(maxsize=64)
def _says_resets(release: str) -> bool:
    match = _RELEASE.match(release)
    return match is None or (int(match[1]), int(match[2])) >= (5, 15)


def _link(device: Device) -> Link | None | Unknown:
    """Conventional PCI has no link, and the kernel shows none of these attributes then."""
    shown = device.text("current_link_speed")
    if not isinstance(shown, str):
        return shown
    return Link(
        speed_gts=device.always("current_link_speed", parse_speed),
        max_speed_gts=device.always("max_link_speed", parse_speed),
        width=device.always("current_link_width", parse_width),
        max_width=device.always("max_link_width", parse_width),
    )


def _physical_function(device: Device) -> PciAddress | None | Unknown:
    name = device.link_name("physfn")
    if not isinstance(name, str):
        return name
    try:
        return PciAddress.parse(name)
    except ValueError:
        return Unknown(f"physfn of {device.address} leads to {name[:60]!r}")


def _linked(device: Device) -> tuple[PciAddress, ...] | Unknown:
    found = {parse_linked(name) for name in device.unusual if ":" in name}
    if not found:
        absent = device.link_name("consumer:")  # no link has this name: only whether links were looked for
        return absent if isinstance(absent, Unknown) else ()
    return tuple(sorted(address for address in found if address is not None))


def _parent(device: Device, reader: HostReader) -> PciAddress | None | Unknown:
    target = reader.read_link(device.path)
    if isinstance(target, str):
        try:
            return parent_in(target)
        except ValueError:
            return Unknown(f"{device.path} leads to {target[:60]!r}")
    if target is None or device.names:  # a file, or the function's folder itself, in the link's place
        return Unknown("the capture does not show which bridge is above")
    return target
