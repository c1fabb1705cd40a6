"""IOMMU groups (Documentation/ABI/testing/sysfs-kernel-iommu_groups)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gpucloud.inventory.pci.attributes import parse_addresses, parse_numbers
from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import IommuGroup, PciAddress, PciFunction
from gpucloud.model.unknown import Unknown

_GROUPS = "/sys/kernel/iommu_groups"
_MADE_BY_VFIO = "vfio-noiommu"
"""The name of such a group: drivers/vfio/group.c, ``vfio_noiommu_group_alloc``."""
_NO_DOMAIN = "unknown"
"""The type of a group that has no domain (drivers/iommu/iommu.c, ``iommu_group_show_type``)."""


class Groups(NamedTuple):
    """All groups of a host, by who made them."""

    by_iommu: dict[int, IommuGroup]
    by_vfio: dict[int, IommuGroup]
    """Of functions without an IOMMU: "device assignment to virtual machines is also not possible with this
    mode since there is no IOMMU to provide DMA translation" (drivers/vfio/Kconfig, VFIO_NOIOMMU)."""
    unclear: dict[int, tuple[IommuGroup, Unknown]]
    """The others that have PCI functions, and why it cannot be said who made them."""

    @property
    def numbers(self) -> dict[PciAddress, int]:
        """The number of its group by function."""
        unclear = (group for group, _ in self.unclear.values())
        groups = (*self.by_iommu.values(), *self.by_vfio.values(), *unclear)
        return {address: group.number for group in groups for address in group.members}

    @property
    def others(self) -> dict[int, None | Unknown]:
        """What stands for a group that is not the IOMMU's: none, or that it may be one."""
        return {**dict.fromkeys(self.by_vfio), **{number: why for number, (_, why) in self.unclear.items()}}

    @property
    def of_iommu(self) -> dict[int, IommuGroup] | Unknown:
        """Those of the IOMMU; not "none" where some are known and it cannot be said whose they are."""
        unclear = next(iter(self.unclear.values()), None)
        return self.by_iommu if self.by_iommu or unclear is None else unclear[1]


def read_groups(reader: Reader) -> Groups | Unknown:
    """Read all groups; none where no IOMMU is on. Members that are no PCI functions are left out.

    Unknown where the members of one cannot be read: half a group would be no guard.
    """
    names = reader.list_dir(_GROUPS)
    if isinstance(names, Unknown):
        return names
    groups = Groups({}, {}, {})
    for number in parse_numbers(names or ()):
        group = _group(reader, number)
        if isinstance(group, Unknown):
            return group
        is_by_vfio = _is_by_vfio(reader, group)
        if isinstance(is_by_vfio, Unknown):
            if group.members:  # mediated devices have groups of their own, of no domain that the IOMMU has
                groups.unclear[number] = group, is_by_vfio
        else:
            (groups.by_vfio if is_by_vfio else groups.by_iommu)[number] = group
    return groups


def _is_by_vfio(reader: Reader, group: IommuGroup) -> bool | Unknown:
    """Claims a group that vfio made. One whose domain has a type is the IOMMU's: its name is not read."""
    if isinstance(group.type, str) and group.type != _NO_DOMAIN:
        return False
    name = reader.read_text(f"{_GROUPS}/{group.number}/name")
    if isinstance(name, Unknown) and isinstance(group.type, Unknown):  # a list of members, and nothing else
        return False
    return name if isinstance(name, Unknown) else name is not None and name.strip() == _MADE_BY_VFIO


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
