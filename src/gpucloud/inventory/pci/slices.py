"""Slices of a card: SR-IOV virtual functions, mediated devices, NVIDIA's own VFIO types."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from gpucloud.inventory.pci.attributes import parse_numbers, vf_number
from gpucloud.inventory.pci.device import Attributes, Device, number
from gpucloud.model.pci import MediatedDevice, PciAddress, PciFunction, Sriov, VgpuType
from gpucloud.model.unknown import Unknown

_CREATABLE = "nvidia/creatable_vgpu_types"
_CURRENT = "nvidia/current_vgpu_type"
_MDEV = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|uuid-[0-9]{1,6}", re.ASCII | re.IGNORECASE)
"""Names of mediated devices: UUIDs, which captures number."""
_LISTED = "uuid-0"
"""No device has this name: whether a capture would have one that had."""
_TYPE_ID = re.compile(r"\w[\w.-]{0,63}", re.ASCII)
"""Ids of mediated types: ``nvidia-222``, ``i915-GVTg_V5_4``. They stand in lines that people type."""
_TYPE = re.compile(r"\s*([0-9]{1,9})\s*:\s*(\S.*?)\s*", re.ASCII)


def read_sriov(device: Device) -> Sriov | None | Unknown:
    """Read what a physical function says of its virtual functions; None where it can have none."""
    total = device.value("sriov_totalvfs", number)
    if not isinstance(total, int):
        return total
    enabled = device.always("sriov_numvfs", number)
    return Sriov(total=total, enabled=enabled, vfs=() if enabled == 0 else _vfs(device))


def _vfs(device: Device) -> tuple[PciAddress, ...] | Unknown:
    numbered = sorted((index, name) for name in device.names if (index := vf_number(name)) is not None)
    if not numbered:
        absent = device.link_name("virtfn0")  # not listed: only whether links were looked for
        return absent if isinstance(absent, Unknown) else ()
    found = []
    for _, name in numbered:
        target = device.link_name(name)
        try:
            found.append(PciAddress.parse(str(target)))
        except ValueError:
            said = target.why if isinstance(target, Unknown) else f"leads to {str(target)[:60]!r}"
            return Unknown(f"{name} of {device.address}: {said}")
    return tuple(found)


def join_slices(functions: dict[PciAddress, PciFunction]) -> None:
    """Let each end of ``virtfnN`` and ``physfn`` know what the other shows: a copy may have lost either.

    Where fewer are seen than ``sriov_numvfs`` counts (drivers/pci/iov.c), the card's are Unknown.
    """
    told: dict[PciAddress, set[PciAddress]] = defaultdict(set)
    for address, function in functions.items():
        if isinstance(function.physical_function, PciAddress):
            told[function.physical_function].add(address)
    for address, function in tuple(functions.items()):
        if not isinstance(function.sriov, Sriov):
            continue
        vfs = _joined(function.sriov, told.get(address, ()))
        if vfs != function.sriov.vfs:
            functions[address] = replace(functions[address], sriov=replace(function.sriov, vfs=vfs))
        for each in () if isinstance(vfs, Unknown) else vfs:
            if each in functions and not isinstance(functions[each].physical_function, PciAddress):
                functions[each] = replace(functions[each], physical_function=address)


def _joined(sriov: Sriov, told: Iterable[PciAddress]) -> tuple[PciAddress, ...] | Unknown:
    """All virtual functions of a card: their addresses rise with their numbers (PCI Express, VF Stride)."""
    linked = () if isinstance(sriov.vfs, Unknown) else sriov.vfs
    found = tuple(sorted({*linked, *told})) if not set(told) <= set(linked) else linked
    if isinstance(sriov.enabled, Unknown):
        return sriov.vfs if isinstance(sriov.vfs, Unknown) else found
    if len(found) < sriov.enabled:
        return Unknown(f"{sriov.enabled} virtual functions are on, of which {len(found)} can be seen")
    return found


def read_mdev_types(device: Attributes, known: dict[str, str]) -> tuple[VgpuType, ...] | Unknown:
    """Read the types of ``mdev_supported_types`` (Documentation/ABI/testing/sysfs-bus-vfio-mdev).

    Names are kept whole: NVIDIA's begin with the board's family, and Intel's types have none.

    Args:
        device: the function, or another parent.
        known: names by id, which functions before had; those of this one are added. An id begins with its
            driver's name (drivers/vfio/mdev/mdev_sysfs.c, ``mdev_type_add``) and is one type everywhere.
    """
    ids = device.listing("mdev_supported_types")
    if not isinstance(ids, tuple):
        return () if ids is None else ids
    strange = next((id_ for id_ in ids if not _TYPE_ID.fullmatch(id_)), None)
    if strange is not None:
        called = device.path.rpartition("/")[2]
        return Unknown(f"mdev_supported_types of {called} holds {strange[:60]!r}, which names no type")
    return tuple(_mdev_type(device, id_, known) for id_ in ids)


def _mdev_type(device: Attributes, id_: str, known: dict[str, str]) -> VgpuType:
    folder = f"mdev_supported_types/{id_}"
    name = known[id_] if id_ in known else device.text(f"{folder}/name")
    if isinstance(name, str):
        known[id_] = name
    return VgpuType(
        id=id_,
        name=name,
        available=device.always(f"{folder}/available_instances", number),
        description=device.text(f"{folder}/description") if name is None else None,
    )


def read_mdevs(
    device: Attributes, types: tuple[VgpuType, ...] | Unknown
) -> tuple[MediatedDevice, ...] | Unknown:
    """Read the mediated devices that were made of a function, which are folders in its own.

    Shapes: Documentation/driver-api/vfio-mediated-device.rst; drivers/vfio/mdev/mdev_core.c.

    Args:
        device: the function, or another parent.
        types: what it offers (``read_mdev_types``); without any it has no devices.
    """
    if isinstance(types, Unknown) or not types:
        return types if isinstance(types, Unknown) else ()
    names = sorted(name for name in device.names if _MDEV.fullmatch(name))
    if not names:
        unlisted = device.listing(_LISTED)
        return unlisted if isinstance(unlisted, Unknown) else ()
    return tuple(MediatedDevice(name, _type_of(device, name), _mdev_node(device, name)) for name in names)


def _type_of(device: Attributes, name: str) -> str | None | Unknown:
    id_ = device.link_name(f"{name}/mdev_type")
    if isinstance(id_, str) and not _TYPE_ID.fullmatch(id_):
        return Unknown(f"mdev_type of {name} leads to {id_[:60]!r}, which names no type")
    return id_


def _mdev_node(device: Attributes, name: str) -> str | None | Unknown:
    group = device.link_name(f"{name}/iommu_group")
    if not isinstance(group, str):
        return group
    number = parse_numbers([group])
    return f"/dev/vfio/{number[0]}" if number else Unknown(f"iommu_group of {name} leads to {group[:60]!r}")


def read_vendor_vfio_types(device: Device) -> tuple[VgpuType, ...] | Unknown:
    """Read NVIDIA's ``nvidia/creatable_vgpu_types`` of a virtual function, one vGPU each.

    The list shrinks as the card fills and is empty once the function has a vGPU: then the type it has
    is given, with none available.
    """
    folder = device.listing("nvidia")
    text = folder if folder is None or isinstance(folder, Unknown) else device.text(_CREATABLE)
    if not isinstance(text, str):
        return () if text is None else text
    types = parse_creatable_types(text)
    current = read_current_vgpu_type(device)
    if not isinstance(current, int) or current == 0 or any(int(type_.id) == current for type_ in types):
        return types
    return (VgpuType(id=str(current), name=None, available=0), *types)


def read_current_vgpu_type(device: Device) -> int | None | Unknown:
    """Read which type of vGPU a virtual function is over NVIDIA's own VFIO interface; 0: none."""
    folder = device.listing("nvidia")
    return folder if folder is None or isinstance(folder, Unknown) else device.value(_CURRENT, number)


def parse_creatable_types(text: str) -> tuple[VgpuType, ...]:
    """Read lines of ``ID : vGPU Name``, with that heading or without; other lines are none."""
    matches = (_TYPE.fullmatch(line) for line in text.splitlines())
    return tuple(VgpuType(id=match[1], name=match[2], available=1) for match in matches if match)
