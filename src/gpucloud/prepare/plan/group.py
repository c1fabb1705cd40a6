"""The IOMMU group decides: VFIO gives a guest the whole group or nothing of it.

A member that a plan was not asked for is never taken silently: it is named, with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host, Vital
from gpucloud.model.pci import IommuGroup, PciAddress, PciFunction
from gpucloud.model.plan import Refusal
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan.vfio import leaves_group_viable
from gpucloud.prepare.plan.wording import call_function, call_unit, join, name_units

_DOCTOR = "see what is missing: gpucloud doctor"


def group_refusals(host: Host, unit: GpuUnit, asked: Sequence[GpuUnit]) -> Iterator[Refusal]:
    """Why the groups of the unit cannot be given whole; nothing where they can."""
    groups = host.iommu.groups
    if isinstance(groups, Unknown):
        yield _unreadable(unit, f"the IOMMU groups are not known: {groups.why}")
    elif (reason := _without_group(unit)) is not None:
        yield reason
    else:
        yield from _peers(host, unit, asked, groups)


def members_of(host: Host, unit: GpuUnit) -> tuple[PciAddress, ...]:
    """Every function of the unit's groups, bridges included, and of the unit; in order, each once."""
    members = set(unit.addresses)
    if not isinstance(host.iommu.groups, Unknown):
        for number in unit.groups:
            members.update(group.members if (group := host.iommu.groups.get(number)) else ())
    return tuple(sorted(members))


def _without_group(unit: GpuUnit) -> Refusal | None:
    for function in unit.functions:
        if isinstance(function.iommu_group, Unknown):
            return _unreadable(
                unit, f"the group of {function.address} is not known: {function.iommu_group.why}"
            )
        if function.iommu_group is None:
            return Refusal(
                unit.address,
                "no-iommu-group",
                f"{call_unit(unit)}: {function.address} has no IOMMU group, so vfio-pci refuses it: "
                "the IOMMU is off in the firmware or the kernel was not asked for it",
                _DOCTOR,
            )
    return None


def _unreadable(unit: GpuUnit, why: str) -> Refusal:
    return Refusal(
        unit.address,
        "groups-unknown",
        f"{call_unit(unit)}: {why}; nothing is taken on a guess",
        "read the host as root, or take a whole capture: sudo gpucloud capture",
    )


def _peers(
    host: Host, unit: GpuUnit, asked: Sequence[GpuUnit], groups: Mapping[int, IommuGroup]
) -> Iterator[Refusal]:
    mine = {address for each in asked for address in each.addresses}
    others: dict[PciAddress, GpuUnit] = {}
    for number in unit.groups:
        group = groups.get(number)
        if group is None:
            yield _unreadable(unit, f"IOMMU group {number} is not listed")
            continue
        for address in (member for member in group.members if member not in mine):
            other = host.unit_at(address)
            refusal = _judge(host, unit, number, address)
            if refusal is not None and other is not None and refusal.cause != "peer-is-vital":
                others[other.address] = other
            elif refusal is not None:
                yield refusal
    if others:
        yield _shared_with_units(unit, asked, tuple(others.values()))


def _judge(host: Host, unit: GpuUnit, number: int, address: PciAddress) -> Refusal | None:
    """Why this member keeps the group from guests; None where it does not."""
    peer = None if isinstance(host.functions, Unknown) else host.functions.get(address)
    if peer is None:
        return _unreadable(unit, f"{address} is in IOMMU group {number} and could not be read")
    if isinstance(peer.driver, Unknown):
        return _unreadable(
            unit, f"the driver of {address} in IOMMU group {number} is not known: {peer.driver.why}"
        )
    if leaves_group_viable(peer.driver):
        return None
    what = (
        f"{call_unit(unit)}: IOMMU group {number} also holds {call_function(peer)}, which {peer.driver} has"
    )
    carries = [vital.carries for vital in vitals(host) if vital.address == address]
    if carries:
        return Refusal(
            unit.address,
            "peer-is-vital",
            f"{what} and which carries the {join(carries)}; VFIO gives the whole group or nothing of it",
            "move the GPU or the other device to another slot, or turn ACS on in the firmware",
        )
    return _ordinary_peer(unit, peer, what)


def vitals(host: Host) -> tuple[Vital, ...]:
    """What the host cannot do without, as far as it is known."""
    return () if isinstance(host.vital, Unknown) else host.vital


def _ordinary_peer(unit: GpuUnit, peer: PciFunction, what: str) -> Refusal:
    if peer.is_bridge:
        return Refusal(
            unit.address,
            "bridge-driver",
            f"{what}; this driver of a bridge uses the kernel's DMA, so VFIO refuses the group",
            f"take the driver off the bridge first: echo {peer.address} "
            f"> /sys/bus/pci/devices/{peer.address}/driver/unbind",
        )
    return Refusal(
        unit.address,
        "acs-missing",
        f"{what}; VFIO gives the whole group or nothing of it, and gpucloud takes only GPU units",
        "if the host can do without it: "
        f"echo {peer.address} > /sys/bus/pci/devices/{peer.address}/driver/unbind; "
        "if not, move the GPU to another slot or turn ACS on in the firmware",
    )


def _shared_with_units(unit: GpuUnit, asked: Sequence[GpuUnit], others: Sequence[GpuUnit]) -> Refusal:
    together = sorted({each.address for each in (*asked, *others)})
    return Refusal(
        unit.address,
        "group-shared",
        f"{call_unit(unit)}: its IOMMU group also holds {join([call_unit(other) for other in others])}, "
        "which the host uses; VFIO gives the whole group or nothing of it",
        f"give them together: gpucloud plan {name_units(together)}",
    )
