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
from gpucloud.prepare.plan.wording import AS_ROOT, call_function, call_unit, join, name_units

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


def has_no_groups(host: Host) -> bool:
    """Claims that the IOMMU is off: it is set up before any driver is, so groups do not come later.

    Source: Linux drivers/iommu/iommu.c, iommu_init(); Intel's and AMD's in pci_iommu_init().
    """
    return not isinstance(host.iommu.groups, Unknown) and not host.iommu.groups


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
        AS_ROOT,
    )


def _peers(
    host: Host, unit: GpuUnit, asked: Sequence[GpuUnit], groups: Mapping[int, IommuGroup]
) -> Iterator[Refusal]:
    spoilers = tuple(_spoilers(host, unit, asked, groups))
    found = [host.unit_at(address) for _, address, _ in spoilers]
    if others := {other.address: other for other in found if other is not None}:
        yield _shared_with_units(unit, asked, tuple(others.values()))
    for (number, _, peer), other in zip(spoilers, found, strict=True):
        if other is None and peer is not None and isinstance(peer.driver, str):
            yield _stranger(host, unit, number, peer, peer.driver)
    unread = [str(at) for _, at, peer in spoilers if peer is None or isinstance(peer.driver, Unknown)]
    if unread:
        yield _unreadable(unit, f"the drivers of {join(unread)}, in its IOMMU group, could not be read")
    if missing := [str(number) for number in unit.groups if number not in groups]:
        yield _unreadable(unit, f"IOMMU group {join(missing)} is not listed")


def _spoilers(
    host: Host, unit: GpuUnit, asked: Sequence[GpuUnit], groups: Mapping[int, IommuGroup]
) -> Iterator[tuple[int, PciAddress, PciFunction | None]]:
    """Members that were not asked for and keep a group from guests, or may do so."""
    mine = {address for each in asked for address in each.addresses}
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    for number in unit.groups:
        for address in groups[number].members if number in groups else ():
            peer = functions.get(address)
            is_harmless = (
                peer is not None and not isinstance(peer.driver, Unknown) and leaves_group_viable(peer.driver)
            )
            if address not in mine and not is_harmless:
                yield number, address, peer


def _stranger(host: Host, unit: GpuUnit, number: int, peer: PciFunction, driver: str) -> Refusal:
    """A member that is no GPU and keeps the group from guests."""
    what = f"{call_unit(unit)}: IOMMU group {number} also holds {call_function(peer)}, which {driver} has"
    carries = [vital.carries for vital in vitals(host) if vital.address == peer.address]
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
        "and VFIO gives the whole group or nothing of it",
        f"give them together: gpucloud plan {name_units(together)}",
    )
