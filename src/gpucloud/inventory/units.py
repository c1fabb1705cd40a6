"""PCI functions folded into GPU units: a card with everything that must travel with it. Pure.

What is a unit: every function of a GPU's class (``PciClass.is_gpu``), except

* virtual functions of a card that is visible itself: they are slices, listed under its ``sriov``.
  Where the card is not visible (a guest that was given one, a partial listing), each is a unit;
* a second display function (0380) in the slot of a VGA function of the same vendor: the second
  head of an older card, which travels with it.

What belongs to a unit, in this order:

1. everything else in its slot. AMD's processors put platform devices of vendor 1022 (USB, PSP, the
   board's audio) into the slot of the built-in GPU of vendor 1002: those stay with the host;
2. functions of a companion's class that a device link joins to it, at any address;
3. functions of a companion's class and the same vendor behind the card's own switch, as on Intel's
   Arc, whose audio is on another bus. A flat capture does not show switches: there such a function is
   taken from the card's IOMMU group, if it is on no root bus and the card is alone in the group.

An IOMMU group alone makes no companion: it may hold the boot disk, the board's audio or another card.
Those are ``group_peers``.

Display chips of server management controllers (``is_management_display``) are units, since they may be the
console that a guard must know of, but have no uses: they show the server's screen over the network.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import IommuGroup, PciAddress, PciClass, PciFunction, PciId, Sriov
from gpucloud.model.unknown import Unknown

Functions = Mapping[PciAddress, PciFunction]

_COMPANIONS = frozenset((0x0403, 0x0C03, 0x0C80, 0x0780))
"""HD audio, USB, serial bus (UCSI), communication (the same on some cards)."""
_AMD_GPU, _AMD_PLATFORM, _NVIDIA = 0x1002, 0x1022, 0x10DE
_VGA, _OTHER_DISPLAY = 0x0300, 0x0380


def fold_units(functions: Functions, groups: Mapping[int, IommuGroup] | Unknown) -> tuple[GpuUnit, ...]:
    """Find the units of a host, by address.

    Args:
        functions: all functions of the host.
        groups: its IOMMU groups; peers in them are looked up here.
    """
    primaries = [function for function in functions.values() if _is_primary(function, functions)]
    index = _index(functions, primaries, groups)
    taken = {primary.address for primary in primaries}
    units = []
    for primary in sorted(primaries, key=lambda function: function.address):
        companions = [each for each in _companions(primary, functions, index) if each.address not in taken]
        taken.update(each.address for each in companions)
        units.append(_unit((primary, *companions), functions, index))
    return tuple(units)


@dataclass(frozen=True, slots=True)
class _Index:
    """What every card asks about all others, answered once: a server can have thousands of functions."""

    slots: Mapping[str, int]
    """How many primaries are in a slot."""
    groups: Mapping[int, int]
    """How many primaries are in an IOMMU group."""
    near: Mapping[tuple[int | None, int | PciAddress], list[PciFunction]]
    """Functions of a companion's class, by vendor and IOMMU group, and by vendor and each bridge above."""
    endpoints: Mapping[int, tuple[PciAddress, ...]]
    """Members of each IOMMU group that are no bridges, by address."""


def _index(
    functions: Functions, primaries: Iterable[PciFunction], groups: Mapping[int, IommuGroup] | Unknown
) -> _Index:
    near: dict[tuple[int | None, int | PciAddress], list[PciFunction]] = defaultdict(list)
    for each in functions.values():
        if _kind(each) in _COMPANIONS:
            for place in (each.iommu_group, *_bridges_above(each, functions)):
                if isinstance(place, int | PciAddress):
                    near[_vendor(each), place].append(each)
    own_groups = (each.iommu_group for each in primaries)
    crowd = Counter(group for group in own_groups if isinstance(group, int))
    return _Index(
        Counter(each.address.slot for each in primaries),
        crowd,
        near,
        _endpoints(functions, groups),
    )


def _endpoints(
    functions: Functions, groups: Mapping[int, IommuGroup] | Unknown
) -> Mapping[int, tuple[PciAddress, ...]]:
    members: dict[int, list[PciAddress]] = defaultdict(list)
    for address, each in functions.items():
        if isinstance(each.iommu_group, int):
            members[each.iommu_group].append(address)
    listed = {} if isinstance(groups, Unknown) else {number: one.members for number, one in groups.items()}
    return {
        number: tuple(sorted(one for one in found if not (one in functions and functions[one].is_bridge)))
        for number, found in {**members, **listed}.items()
    }


def _is_primary(function: PciFunction, functions: Functions) -> bool:
    if not function.is_gpu:
        return False
    if isinstance(function.physical_function, PciAddress) and function.physical_function in functions:
        return False
    if _kind(function) != _OTHER_DISPLAY or function.address.function == 0:
        return True
    return not any(
        _kind(other) == _VGA and _vendor(other) == _vendor(function)
        for other in _in_slot(function, functions)
    )


def _companions(primary: PciFunction, functions: Functions, index: _Index) -> list[PciFunction]:
    found = {each.address: each for each in _by_slot(primary, functions)}
    own_slot = primary.address.slot
    found.update(
        (each.address, each)
        for each in (*_by_link(primary, functions), *_by_card(primary, functions, index))
        if index.slots.get(each.address.slot, 0) <= (each.address.slot == own_slot)
    )
    return [found[address] for address in sorted(found)]


def _by_slot(primary: PciFunction, functions: Functions) -> Iterator[PciFunction]:
    for each in _in_slot(primary, functions):
        is_platform = _vendor(primary) == _AMD_GPU and _vendor(each) == _AMD_PLATFORM
        is_slice = isinstance(each.physical_function, PciAddress)
        if not (each.is_bridge or is_platform or is_slice):
            yield each


def _in_slot(function: PciFunction, functions: Functions) -> Iterator[PciFunction]:
    at = function.address
    for number in range(8):
        address = PciAddress(at.domain, at.bus, at.device, number)
        if number != at.function and address in functions:
            yield functions[address]


def _by_link(primary: PciFunction, functions: Functions) -> Iterator[PciFunction]:
    for address in primary.linked if isinstance(primary.linked, tuple) else ():
        linked = functions.get(address)
        if linked is not None and _kind(linked) in _COMPANIONS:
            yield linked


def _by_card(primary: PciFunction, functions: Functions, index: _Index) -> Iterator[PciFunction]:
    switch = _own_switch(primary, functions)
    if switch is not None:
        yield from index.near.get((_vendor(primary), switch), ())
        return
    group = primary.iommu_group
    if isinstance(primary.parent, Unknown) and isinstance(group, int) and index.groups[group] == 1:
        near = index.near.get((_vendor(primary), group), ())
        yield from (each for each in near if _is_elsewhere(primary.address, each.address))


def _own_switch(primary: PciFunction, functions: Functions) -> PciAddress | None:
    """The upper port of the switch on the card: two bridges of the card's vendor, below a root port."""
    above = _bridges_above(primary, functions)[:2]
    if len(above) < 2 or any(_vendor(functions[address]) != _vendor(primary) for address in above):
        return None
    return above[1] if functions[above[1]].parent is not None else None


def _bridges_above(function: PciFunction, functions: Functions) -> tuple[PciAddress, ...]:
    above: list[PciAddress] = []
    parent = function.parent
    while isinstance(parent, PciAddress) and parent in functions and parent not in above:
        above.append(parent)
        parent = functions[parent].parent
    return tuple(above)


def _is_elsewhere(primary: PciAddress, each: PciAddress) -> bool:
    """Claims another slot of the same domain, on no root bus."""
    return each.bus != 0 and each.slot != primary.slot and each.domain == primary.domain


def _unit(members: tuple[PciFunction, ...], functions: Functions, index: _Index) -> GpuUnit:
    numbers = sorted({each.iommu_group for each in members if isinstance(each.iommu_group, int)})
    own = {each.address for each in members}
    around = [index.endpoints.get(number, ()) for number in numbers]
    peers = around[0] if len(around) == 1 else tuple(sorted({address for some in around for address in some}))
    return GpuUnit(
        functions=members,
        groups=tuple(numbers),
        group_peers=_without(own, peers),
        uses=tuple(_uses(members, functions)) or _unseen_use(members[0], members),
    )


def _without(own: Iterable[PciAddress], peers: tuple[PciAddress, ...]) -> tuple[PciAddress, ...]:
    """Addresses in their order but some: a group can have a thousand, and each card in it asks."""
    for address in own:
        place = bisect_left(peers, address)
        if peers[place : place + 1] == (address,):
            peers = peers[:place] + peers[place + 1 :]
    return peers


def _uses(members: tuple[PciFunction, ...], functions: Functions) -> Iterator[str]:
    """What the host shows: groups for passthrough, VFs, and types on the card or its VFs.

    NVIDIA's cards announce VFs that only appear for vGPUs, or never (T4): there VFs must be enabled.
    """
    primary = members[0]
    if primary.is_management_display:
        return
    if all(isinstance(each.iommu_group, int) for each in members):
        yield "passthrough"
    sriov = primary.sriov
    slices = [primary]
    if isinstance(sriov, Sriov):
        vfs = () if isinstance(sriov.vfs, Unknown) else sriov.vfs
        slices.extend(functions[address] for address in vfs if address in functions)
        shown = sriov.enabled if _vendor(primary) == _NVIDIA else sriov.total
        if isinstance(shown, int) and shown > 0:
            yield "sriov"
    if any(isinstance(each.mdev_types, tuple) and each.mdev_types for each in slices):
        yield "vgpu-mdev"
    if any(isinstance(each.vendor_vfio_types, tuple) and each.vendor_vfio_types for each in slices):
        yield "vgpu-vfio"


def _unseen_use(primary: PciFunction, members: Iterable[PciFunction]) -> tuple[str, ...] | Unknown:
    """No use is shown: that is a fact only where all was read that shows one."""
    if primary.is_management_display:
        return ()
    sriov = primary.sriov
    deciding = (
        *(each.iommu_group for each in members),
        *((sriov.total, sriov.enabled, sriov.vfs) if isinstance(sriov, Sriov) else (sriov,)),
        primary.mdev_types,
        primary.vendor_vfio_types,
    )
    return next((each for each in deciding if isinstance(each, Unknown)), ())


def _kind(function: PciFunction) -> int | None:
    return function.pci_class.kind if isinstance(function.pci_class, PciClass) else None


def _vendor(function: PciFunction) -> int | None:
    return function.id.vendor if isinstance(function.id, PciId) else None
