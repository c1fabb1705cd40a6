"""IOMMU groups (Documentation/ABI/testing/sysfs-kernel-iommu_groups)."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.inventory.pci.attributes import parse_addresses, parse_numbers
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import IommuGroup, PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

_GROUPS = "/sys/kernel/iommu_groups"


def read_groups(reader: Reader) -> dict[int, IommuGroup] | Unknown:
    """Read all groups; none where no IOMMU is on. Members that are no PCI functions are left out.

    Unknown where the members of one cannot be read: half a group would be no guard.
    """
    names = reader.list_dir(_GROUPS)
    if isinstance(names, Unknown):
        return names
    groups: dict[int, IommuGroup] = {}
    for number in parse_numbers(names or ()):
        group = _group(reader, number)
        if isinstance(group, Unknown):
            return group
        groups[number] = group
    return groups


def groups_of(functions: Mapping[PciAddress, PciFunction], kind: Unknown) -> dict[int, IommuGroup]:
    """Gather the groups that functions say they are in, where the groups' folders cannot be read.

    Args:
        functions: all functions of the host.
        kind: why the folders, and with them the groups' types, could not be read.
    """
    members: dict[int, list[PciAddress]] = {}
    for address, function in functions.items():
        if isinstance(function.iommu_group, int):
            members.setdefault(function.iommu_group, []).append(address)
    return {number: IommuGroup(number, kind, tuple(members[number])) for number in sorted(members)}


def _group(reader: Reader, number: int) -> IommuGroup | Unknown:
    kind = reader.read_text(f"{_GROUPS}/{number}/type")
    members = reader.list_dir(f"{_GROUPS}/{number}/devices")
    if isinstance(members, Unknown):
        return members
    return IommuGroup(
        number=number,
        type=kind.strip() if isinstance(kind, str) else kind,
        members=tuple(sorted(parse_addresses(members or ()))),
    )
