"""Through which interface a host cuts a card, told by what sysfs shows of it and of its virtual functions.

Sources: Documentation/ABI/testing/sysfs-bus-vfio-mdev (mdev), drivers/gpu/drm/i915/gvt (names of GVT-g's
types), NVIDIA vGPU software documentation (mdev of VFs until its vendor-specific VFIO framework, which has
a folder ``nvidia`` in each VF), Documentation/PCI/pci-iov-howto.rst (VFs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction, PciId, Sriov, VgpuType
from gpucloud.model.unknown import Unknown
from gpucloud.slices.profile import Interface

NVIDIA, AMD, INTEL = 0x10DE, 0x1002, 0x8086
_GVT = "i915-GVTg_"
Functions = Mapping[PciAddress, PciFunction]


def vendor_of(function: PciFunction) -> int | None:
    """The vendor's id; None where it could not be read."""
    return function.id.vendor if isinstance(function.id, PciId) else None


def vfs_of(function: PciFunction) -> tuple[PciAddress, ...] | Unknown:
    """The virtual functions of a card that are on."""
    sriov = function.sriov
    if isinstance(sriov, Sriov):
        return sriov.vfs
    return sriov if isinstance(sriov, Unknown) else ()


def seen_vfs(function: PciFunction, functions: Functions) -> tuple[PciFunction, ...]:
    """Those of them of which the host shows more than the address."""
    vfs = vfs_of(function)
    return () if isinstance(vfs, Unknown) else tuple(functions[each] for each in vfs if each in functions)


def unread_vfs(function: PciFunction, functions: Functions) -> Unknown | None:
    """What is said where the host shows no more than the address of some: None where it shows all."""
    vfs = vfs_of(function)
    unread = () if isinstance(vfs, Unknown) else tuple(each for each in vfs if each not in functions)
    if isinstance(vfs, Unknown) or not unread:
        return None
    return Unknown(
        f"{len(unread)} of its {len(vfs)} virtual functions were not read, of which the first is {unread[0]}"
    )


def recognise(unit: GpuUnit, functions: Functions) -> Interface | None | Unknown:
    """The interface of a card; None where the host shows none, Unknown where it cannot be told."""
    card = unit.primary
    unread = unread_vfs(card, functions)
    if unread is not None:
        return unread  # what they are cut into, and how many more fit beside, is not known either
    vfs = seen_vfs(card, functions)
    if any(isinstance(each.current_vgpu_type, int) or _has(each.vendor_vfio_types) for each in vfs):
        return Interface.VENDOR_VFIO
    if any(_has(each.mdev_types) for each in vfs):
        return Interface.MDEV_OF_VFS
    if isinstance(card.mdev_types, tuple) and card.mdev_types:
        is_intels = all(each.id.startswith(_GVT) for each in card.mdev_types)
        return Interface.GVT_G if is_intels else Interface.MDEV
    if vfs and vendor_of(card) != NVIDIA:
        return Interface.VFS
    deciding = (
        vfs_of(card),
        card.mdev_types,
        *(fact for each in vfs for fact in (each.mdev_types, each.vendor_vfio_types)),
    )
    return _first_unknown(deciding)


def nvidias_of(host: Host) -> list[PciAddress]:
    """Cards that NVIDIA's driver has, or may have where that was not read."""
    cards = (unit.primary for unit in host.units)
    return [
        card.address
        for card in cards
        if card.driver == "nvidia" or (isinstance(card.driver, Unknown) and vendor_of(card) == NVIDIA)
    ]


def _has(types: tuple[VgpuType, ...] | Unknown) -> bool:
    return isinstance(types, tuple) and bool(types)


def _first_unknown(facts: Iterable[object]) -> Unknown | None:
    return next((fact for fact in facts if isinstance(fact, Unknown)), None)
