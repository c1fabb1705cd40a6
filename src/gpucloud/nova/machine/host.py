"""A host's PCI functions as nova would be told of them by libvirt."""

from __future__ import annotations

from gpucloud.model.host import Host
from gpucloud.model.pci import PciFunction, PciId, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine.device import Device, DeviceType, Machine
from gpucloud.nova.machine.parents import listed_parents

_NO_INTERFACES = Unknown("which network interface belongs to which function is not part of a host's facts")


def machine_of(host: Host) -> Machine:
    """All functions of the host whose ids and kind are known; what is not known is named in ``unread``."""
    parents = listed_parents(host)
    if isinstance(host.functions, Unknown):
        unread_all = (f"PCI functions: {host.functions.why}",)
        return Machine(interfaces=_NO_INTERFACES, unread=unread_all, parents=parents)
    devices: dict[str, Device] = {}
    unread: list[str] = []
    for address, function in host.functions.items():
        kind = _type_of(function)
        if isinstance(function.id, Unknown):
            unread.append(f"{address}: ids: {function.id.why}")
        elif isinstance(kind, Unknown):
            unread.append(f"{address}: virtual functions: {kind.why}")
        else:
            if isinstance(function.numa_node, Unknown):
                unread.append(f"{address}: NUMA node: {function.numa_node.why}")
            devices[str(address)] = _device(function, function.id, kind)
    return Machine(devices, _NO_INTERFACES, tuple(unread), parents)


def _device(function: PciFunction, ids: PciId, kind: DeviceType) -> Device:
    node, types = function.numa_node, function.mdev_types
    is_vf = kind is DeviceType.VF
    return Device(
        address=str(function.address),
        vendor_id=f"{ids.vendor:04x}",
        product_id=f"{ids.device:04x}",
        type=kind,
        parent=str(function.physical_function) if is_vf else None,
        numa_node=None if isinstance(node, Unknown) or node < 0 else node,
        mdev_types=types if isinstance(types, Unknown) else tuple(each.id for each in types),
    )


def _type_of(function: PciFunction) -> DeviceType | Unknown:
    """As nova reads libvirt: ``virt_functions`` is a PF even with none on, ``phys_function`` a VF."""
    if isinstance(function.physical_function, Unknown):
        return function.physical_function
    if function.physical_function is not None:
        return DeviceType.VF
    if isinstance(function.sriov, Unknown):
        return function.sriov
    if isinstance(function.sriov, Sriov):
        if isinstance(function.sriov.total, Unknown):
            return function.sriov.total
        return DeviceType.PF if function.sriov.total > 0 else DeviceType.PCI
    return DeviceType.PCI
