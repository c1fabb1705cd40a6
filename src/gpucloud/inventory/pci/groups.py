"""IOMMU groups (Documentation/ABI/testing/sysfs-kernel-iommu_groups)."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.inventory.pci.functions import parse_addresses
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import IommuGroup, PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

_GROUPS = "/sys/kernel/iommu_groups"


def read_groups(reader: Reader) -> dict[int, IommuGroup] | Unknown:
    """Read all groups; none where no IOMMU is on. Members that are no PCI functions are left out."""
    names = reader.list_dir(_GROUPS)
    if isinstance(names, Unknown):
        return names
    numbers = sorted(int(name) for name in names or () if name.isascii() and name.isdigit())
    return {number: _group(reader, number) for number in numbers}


def groups_of(functions: Mapping[PciAddress, PciFunction]) -> dict[int, IommuGroup]:
    """Gather the groups that functions say they are in, for a capture without the groups' folders."""
    members: dict[int, list[PciAddress]] = {}
    for address, function in functions.items():
        if isinstance(function.iommu_group, int):
            members.setdefault(function.iommu_group, []).append(address)
    kind = Unknown(f"{_GROUPS[1:]} is not in the capture")
    return {number: IommuGroup(number, kind, tuple(members[number])) for number in sorted(members)}


def _group(reader: Reader, number: int) -> IommuGroup:
    kind = reader.read_text(f"{_GROUPS}/{number}/type")
    members = reader.list_dir(f"{_GROUPS}/{number}/devices")
    return IommuGroup(
        number=number,
        type=kind.strip() if isinstance(kind, str) else kind,
        members=tuple(sorted(parse_addresses(members if isinstance(members, tuple) else ()))),
    )
