"""What shares an IOMMU group with a GPU, and what that means for guests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from gpucloud.doctor.case import Blind, Case, device_path, list_units
from gpucloud.doctor.intent import cards, is_given_away, is_on_host_driver, stakes
from gpucloud.doctor.remedy import REBOOT, give_away
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress, PciClass, PciFunction
from gpucloud.model.unknown import Unknown

ACS = "acs-missing"
_STORAGE, _NETWORK = 0x01, 0x02
_WITH_DRIVERS = (_STORAGE, _NETWORK, 0x04, 0x0C, 0x0D, 0x10, 0x12)
"""Storage, network, multimedia, serial buses, wireless, encryption, accelerators."""
_LOGGED = re.compile(r"Adding (?:device \S+ )?to (?:iommu )?group")
"""How the kernel says that it put a device into a group. Source: Linux drivers/iommu/iommu.c."""
_MOST_PEERS = 256
"""Members of a group that are looked at for one card: a whole server without ACS has fewer."""
_MOST_NAMED = 32
"""Devices that one finding names."""


@rule
def shared_with_host_device(case: Case) -> Answers:
    """A GPU shares its group with a device that the host needs: vfio takes the group whole or not at all."""
    for unit in cards(case):
        strangers = tuple(islice(_strangers(case, unit), _MOST_NAMED))
        if strangers:
            yield _shared(case, unit, strangers)


@rule
def cards_share_groups(case: Case) -> Answers:
    """Several GPUs sit in one group: only one guest can have them, so fewer guests can have a GPU."""
    if isinstance(case.host.iommu.groups, Unknown):
        if case.host.units:
            yield Blind(ACS, "IOMMU groups", case.host.iommu.groups.why)
        return
    units = cards(case)
    clusters = _clusters(units)
    crowded = tuple(cluster for cluster in clusters if len(cluster) > 1)
    if not crowded:
        return
    yield Finding(
        cause=ACS,
        level=Level.INFO,
        title=f"{len(units)} GPUs in {len(clusters)} groups: at most {len(clusters)} guests can have one; "
        + "; ".join(f"{list_units(cluster)} go together" for cluster in crowded),
        evidence=tuple(_membership(case, unit) for cluster in crowded for unit in cluster),
        why="Devices of one group can reach each other past the IOMMU, because the switch or port above them "
        "has no access control (ACS). vfio gives a group to one guest only.",
        fix=Fix(
            "Sell such cards together, in one guest. To part them: turn ACS on in the firmware (or "
            "update it), "
            "or move a card to a slot under another root port.",
            costs=f"{REBOOT} to change the firmware; none to sell them together",
        ),
        confidence=0.9,
        units=tuple(unit.address for cluster in crowded for unit in cluster),
    )


@rule
def group_partly_given(case: Case) -> Answers:
    """One GPU of a group is given to vfio while another GPU of it is on a host driver: not viable."""
    for unit in cards(case):
        if not is_given_away(unit.primary):
            continue
        found = (case.unit_at(peer) for peer in unit.group_peers[:_MOST_PEERS])
        others = {other.address: other for other in found if other is not None}
        holding = tuple(
            other
            for _, other in sorted(others.items())
            if any(is_on_host_driver(function) for function in other.functions)
        )[:_MOST_NAMED]
        if holding:
            yield _partly(case, unit, holding)


def _partly(case: Case, unit: GpuUnit, holding: tuple[GpuUnit, ...]) -> Finding:
    return Finding(
        cause=ACS,
        level=Level.BLOCKER,
        title=f"GPU {unit.address.short}: {list_units(holding)} in the same group is on a host driver; "
        "vfio refuses the group",
        evidence=(
            _membership(case, unit),
            *(case.cite_driver(function) for other in holding for function in other.functions),
        ),
        why="vfio hands a group out only when every endpoint in it is on vfio-pci, pci-stub or no driver.",
        fix=give_away(*holding),
        confidence=0.95,
        units=(unit.address,),
    )


def _shared(case: Case, unit: GpuUnit, strangers: tuple[PciFunction, ...]) -> Finding:
    vital = {one.address: one.carries for one in _vital(case)}
    names = ", ".join(
        f"{function.address.short} {function.name}"
        + (f" ({vital[function.address]})" if function.address in vital else "")
        for function in strangers
    )
    needed = any(function.address in vital or _is_vital_class(function) for function in strangers)
    return Finding(
        cause=ACS,
        level=_weight(case, unit, needed),
        title=f"GPU {unit.address.short} shares its IOMMU group with {names}",
        evidence=(
            _membership(case, unit),
            *(_cite_group(case, function.address) for function in strangers),
        ),
        why="vfio takes a group whole: to give the GPU away the host would lose these devices too. The "
        "port or "
        "switch above them has no access control (ACS), or this kernel or firmware does not use it. "
        "Never bind the whole group without looking at each device in it.",
        fix=Fix(
            "Move the card to a slot under another root port, turn ACS on in the firmware, or go back to the "
            "kernel or firmware under which the groups were apart.",
            costs=f"{REBOOT}; the host loses a disk or its network if the group is bound as it is",
        ),
        confidence=0.9 if needed else 0.8,
        units=(unit.address,),
    )


def _weight(case: Case, unit: GpuUnit, needed: bool) -> Level:
    """A blocker where the unit is wanted; on a host with another card that is apart, it may be its own."""
    if stakes(case, unit) is Level.BLOCKER:
        return Level.BLOCKER
    if any(other is not unit for other in case.once(_cards_apart)) or _is_in_passing(case, unit):
        return Level.INFO
    return Level.BLOCKER if needed else Level.WARNING


def _is_in_passing(case: Case, unit: GpuUnit) -> bool:
    """Claims that only a log of the kernel tells the group: nobody listed groups to see what can be given."""
    shown = case.shown.get(f"{device_path(unit.address)}/iommu_group")
    is_refused = case.paper is not None and case.paper.has("group-not-viable")
    return shown is not None and _LOGGED.search(shown.text) is not None and not is_refused


def _cards_apart(case: Case) -> tuple[GpuUnit, ...]:
    return tuple(unit for unit in cards(case) if unit.groups and not any(_strangers(case, unit)))


def _strangers(case: Case, unit: GpuUnit) -> Iterator[PciFunction]:
    staying = case.once(_staying)
    if staying:
        yield from (staying[peer] for peer in unit.group_peers[:_MOST_PEERS] if peer in staying)


def _staying(case: Case) -> dict[PciAddress, PciFunction]:
    """Functions of no card that the host has, or is taken to have, in use: asked about for every card."""
    functions = {} if isinstance(case.host.functions, Unknown) else case.host.functions
    return {
        address: each
        for address, each in functions.items()
        if (is_on_host_driver(each) or (isinstance(each.driver, Unknown) and _has_driver(each)))
        and not each.is_nvswitch
        and case.unit_at(address) is None
    }


def _has_driver(function: PciFunction) -> bool:
    """Claims a class that hosts have drivers for; where the driver is not shown it is taken for bound."""
    return isinstance(function.pci_class, PciClass) and function.pci_class.base in _WITH_DRIVERS


def _vital(case: Case) -> tuple[Vital, ...]:
    return () if isinstance(case.host.vital, Unknown) else case.host.vital


def _is_vital_class(function: PciFunction) -> bool:
    return isinstance(function.pci_class, PciClass) and function.pci_class.base in (_STORAGE, _NETWORK)


def _membership(case: Case, unit: GpuUnit) -> Evidence:
    return _cite_group(case, unit.address)


def _cite_group(case: Case, address: PciAddress) -> Evidence:
    function = case.function(address)
    group = function.iommu_group if function is not None else None
    return case.cite(f"{device_path(address)}/iommu_group", f"{address.short} in group {group}")


def _clusters(units: tuple[GpuUnit, ...]) -> tuple[tuple[GpuUnit, ...], ...]:
    """Units that can only be given away together; a unit without a group stands alone."""
    clusters: list[list[GpuUnit]] = []
    by_group: dict[int, list[GpuUnit]] = {}
    for unit in units:
        joined = {id(by_group[group]): by_group[group] for group in unit.groups if group in by_group}
        merged = [*(member for one in joined.values() for member in one), unit]
        clusters = [one for one in clusters if id(one) not in joined] + [merged]
        by_group.update((group, merged) for member in merged for group in member.groups)
    return tuple(tuple(cluster) for cluster in clusters)
