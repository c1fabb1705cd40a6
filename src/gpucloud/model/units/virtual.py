"""Virtual functions that guests get by themselves: units of their own for those who name one.

``Host.units`` has none of a card that is visible: it is a slice, and nothing takes one on a guess.
"""

from __future__ import annotations

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction, PciId
from gpucloud.model.unknown import Unknown

_NVIDIA = 0x10DE


def unit_to_give(host: Host, address: PciAddress) -> GpuUnit | None:
    """The unit at the address, or the virtual function there as one; None: neither is there.

    NVIDIA's virtual functions are none: a guest gets what the vGPU manager makes of them, a mediated device
    or a type written into one, and with vfio-pci it would get neither. Source: NVIDIA's vGPU software user
    guide, "Creating an NVIDIA vGPU on a Linux with KVM Hypervisor".
    """
    return host.unit_at(address) or _virtual_unit(host, address)


def slice_to_give(host: Host, address: PciAddress) -> GpuUnit | None:
    """As ``unit_to_give``, and also a virtual function that its vendor's driver has made a vGPU of.

    Only who gives it to a guest wants that one: nothing may bind it to another driver.
    """
    return unit_to_give(host, address) or _typed_unit(host, address)


def has_vgpu_type(function: PciFunction) -> bool:
    """Claims a vGPU over the vendor's own VFIO: a type is written into ``current_vgpu_type``.

    It stays with its driver, ``nvidia``, which is a VFIO driver then, and goes to a guest as it is. Source:
    NVIDIA's vGPU software user guide, "Creating an NVIDIA vGPU on a Linux with KVM Hypervisor that Uses a
    Vendor-Specific VFIO Framework".
    """
    return isinstance(function.current_vgpu_type, int) and function.current_vgpu_type > 0


def _virtual_unit(host: Host, address: PciAddress) -> GpuUnit | None:
    function = _virtual_function(host, address)
    return None if function is None or _is_made_by_its_driver(function) else _unit_of(host, function)


def _typed_unit(host: Host, address: PciAddress) -> GpuUnit | None:
    function = _virtual_function(host, address)
    return _unit_of(host, function) if function is not None and has_vgpu_type(function) else None


def _virtual_function(host: Host, address: PciAddress) -> PciFunction | None:
    function = None if isinstance(host.functions, Unknown) else host.functions.get(address)
    return None if function is None or card_of(host, function) is None else function


def _unit_of(host: Host, function: PciFunction) -> GpuUnit:
    group = function.iommu_group
    return GpuUnit(
        functions=(function,),
        groups=(group,) if isinstance(group, int) else (),
        group_peers=_peers(host, function),
        uses=("passthrough",) if isinstance(group, int) else (),
    )


def card_of(host: Host, function: PciFunction) -> GpuUnit | None:
    """The card whose virtual function it is; None: it is of no GPU that this host shows."""
    above = function.physical_function
    return host.unit_at(above) if isinstance(above, PciAddress) else None


def _is_made_by_its_driver(function: PciFunction) -> bool:
    is_nvidias = isinstance(function.id, PciId) and function.id.vendor == _NVIDIA
    return is_nvidias or any(
        isinstance(types, tuple) and bool(types)
        for types in (function.mdev_types, function.vendor_vfio_types)
    )


def _peers(host: Host, function: PciFunction) -> tuple[PciAddress, ...]:
    """Endpoints that share its IOMMU group."""
    groups, functions = host.iommu.groups, host.functions
    if isinstance(groups, Unknown) or isinstance(functions, Unknown):
        return ()
    group = groups.get(function.iommu_group) if isinstance(function.iommu_group, int) else None
    members = () if group is None else group.members
    return tuple(
        at for at in members if at != function.address and not (at in functions and functions[at].is_bridge)
    )
