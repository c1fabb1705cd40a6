"""One offer a card: its interface, its profiles with how many fit now, and the slices that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import (
    Holder,
    MdevParent,
    MediatedDevice,
    ParentName,
    PciAddress,
    PciFunction,
    Place,
    Sriov,
    VgpuType,
)
from gpucloud.model.unknown import Unknown
from gpucloud.slices.absence import why_none
from gpucloud.slices.interface import Functions, recognise, seen_vfs, vfs_of
from gpucloud.slices.mig.card import MigCard, MigProfile
from gpucloud.slices.mig.evidence import Evidence, mig_of, mixes
from gpucloud.slices.mig.pack import mask_of_all, pack, taken_by
from gpucloud.slices.name import parse_gvt_memory, parse_type_name
from gpucloud.slices.profile import Interface, Offer, Profile, Slice, gpu_instance_name

VF = "vf"
"""The only profile of a card whose virtual functions are the slices."""
_ON_VF = "one on each virtual function"
_ONE_SIZE = "one size on a card at a time"
_RULES = {
    Interface.MDEV: (_ONE_SIZE,),
    Interface.MDEV_OF_VFS: (_ONE_SIZE, _ON_VF),
    Interface.VENDOR_VFIO: (_ONE_SIZE, _ON_VF),
    Interface.GVT_G: ("sizes may be mixed while memory lasts",),
    Interface.VFS: ("all virtual functions of a card are alike",),
}
_NO_EVIDENCE = Evidence()


def offers_of(host: Host, evidence: Evidence = _NO_EVIDENCE) -> tuple[Offer, ...]:
    """The offers of a host's cards, by address, then of parents that are no PCI functions, by name.

    Display chips of management controllers are left out.

    Args:
        host: the server.
        evidence: what is known of MIG beside it.
    """
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    cards = (unit for unit in host.units if not unit.primary.is_management_display)
    parents = () if isinstance(host.mdev_parents, Unknown) else host.mdev_parents
    return (
        *(_offer(unit, host, functions, evidence) for unit in cards),
        *map(_offer_of_parent, parents),
    )


def _offer(unit: GpuUnit, host: Host, functions: Functions, evidence: Evidence) -> Offer:
    card = unit.primary
    interface, mig = recognise(unit, functions), mig_of(card, evidence)
    parents = _parents(card, interface, functions)
    named = evidence.type_names
    kinds = _profiles(parents, interface, named) if isinstance(interface, Interface) else ()
    slices = _slices(parents, interface, kinds)
    made = () if isinstance(mig, Unknown) or mig is None else _mig_slices(card.address, mig)
    return Offer(
        unit=unit.address,
        name=card.name,
        driver=card.driver,
        users=_users(card),
        interface=interface,
        profiles=(*kinds, *_mig_profiles(card, mig)),
        slices=slices
        if isinstance(slices, Unknown)
        else made
        if isinstance(made, Unknown)
        else (*slices, *made),
        vfs=vfs_of(card),
        most_vfs=card.sriov.total if isinstance(card.sriov, Sriov) else _no_vfs(card.sriov),
        mig=mig,
        why_none=why_none(unit, host) if interface is None else None,
        is_mixed=mixes(card.address, evidence),
    )


def _offer_of_parent(parent: MdevParent) -> Offer:
    types = parent.types
    kinds = () if isinstance(types, Unknown) else tuple(_parents_profile(each, parent.name) for each in types)
    names = {kind.id: kind.name for kind in kinds}
    made = parent.mdevs
    return Offer(
        unit=parent.name,
        name=f"{parent.name}, no PCI device",
        driver=None,
        users=(),
        interface=types if isinstance(types, Unknown) else Interface.MDEV_OF_PARENT,
        profiles=kinds,
        slices=made if isinstance(made, Unknown) else tuple(_mdevs(made, parent.name, parent.holders, names)),
        vfs=(),
        most_vfs=0,
        mig=None,
        why_none=None,
    )


def _parents_profile(kind: VgpuType, parent: ParentName) -> Profile:
    has_room = isinstance(kind.available, int) and kind.available > 0
    return Profile(
        id=kind.id,
        name=kind.name if isinstance(kind.name, str) else kind.id,
        memory_mib=kind.name if isinstance(kind.name, Unknown) else None,
        edition=None,
        mig_slices=None,
        is_mig=False,
        fits=kind.available,
        is_at_most=False,
        rules=("what may be beside what is its driver's",),
        places=(parent,) if has_room else (),
    )


def _no_vfs(sriov: None | Unknown) -> int | Unknown:
    return 0 if sriov is None else sriov


def _parents(
    card: PciFunction, interface: Interface | None | Unknown, functions: Functions
) -> tuple[PciFunction, ...]:
    """The functions that slices are made of, or are."""
    if interface in (Interface.MDEV, Interface.GVT_G):
        return (card,)
    return seen_vfs(card, functions) if isinstance(interface, Interface) else ()


@dataclass(slots=True)
class _Room:
    """What the functions of a card say of one type, put together."""

    kind: VgpuType
    fits: int
    places: list[PciAddress]
    unread: Unknown | None = None


def _profiles(
    parents: Sequence[PciFunction], interface: Interface, named: Mapping[str, str]
) -> tuple[Profile, ...]:
    if interface is Interface.VFS:
        return (_vf_profile(parents),)
    rooms: dict[str, _Room] = {}
    for parent in parents:
        for kind in _types(parent, interface):
            room = rooms.setdefault(kind.id, _Room(kind, 0, []))
            if not isinstance(room.kind.name, str) and isinstance(kind.name, str):
                room.kind = kind  # the function that has it knows the number alone
            if isinstance(kind.available, Unknown):
                room.unread = kind.available
            elif kind.available > 0:
                room.fits += kind.available
                room.places.append(parent.address)
    for id_ in rooms.keys() & named.keys():
        if not isinstance(rooms[id_].kind.name, str):
            rooms[id_].kind = replace(rooms[id_].kind, name=named[id_])
    is_told = interface is not Interface.VENDOR_VFIO or all(each.current_vgpu_type == 0 for each in parents)
    free = _free_mib(rooms, parents) if is_told else None  # the list of a card that has some is not whole
    return tuple(_profile(room, interface, free) for room in rooms.values())


def _types(parent: PciFunction, interface: Interface) -> tuple[VgpuType, ...]:
    kinds = parent.vendor_vfio_types if interface is Interface.VENDOR_VFIO else parent.mdev_types
    return () if isinstance(kinds, Unknown) else kinds


def _free_mib(rooms: dict[str, _Room], parents: Sequence[PciFunction]) -> int | None:
    """Memory that no slice has; None where it is not known. The largest type takes all of a card."""
    sizes = {id_: size for id_, room in rooms.items() if (size := _shared_mib(room.kind)) is not None}
    used = [each.type for parent in parents for each in _made(parent)]
    if not sizes or any(not isinstance(kind, str) or kind not in sizes for kind in used):
        return None
    return max(sizes.values()) - sum(sizes[kind] for kind in used if isinstance(kind, str))


def _made(parent: PciFunction) -> tuple[MediatedDevice, ...]:
    return parent.mdevs if isinstance(parent.mdevs, tuple) else ()


def _shared_mib(kind: VgpuType) -> int | None:
    """Memory of a type that shares the card by time."""
    name = parse_type_name(kind.name) if isinstance(kind.name, str) else None
    return name.memory_mib if name is not None and name.mig_slices is None else None


def _profile(room: _Room, interface: Interface, free_mib: int | None) -> Profile:
    kind = room.kind
    name = parse_type_name(kind.name) if isinstance(kind.name, str) else None
    memory = name.memory_mib if name else _described_memory(kind)
    is_many = interface is not Interface.GVT_G and len(room.places) > 1
    fits = room.fits
    if is_many and free_mib is not None and isinstance(memory, int) and _shared_mib(kind):
        fits = min(fits, free_mib // memory)
    return Profile(
        id=kind.id,
        name=kind.name if isinstance(kind.name, str) else kind.id,
        memory_mib=memory,
        edition=name.edition if name else None,
        mig_slices=name.mig_slices if name else None,
        is_mig=False,
        fits=fits if room.unread is None else room.unread,
        is_at_most=is_many,
        rules=_RULES[interface] if name is None or name.mig_slices is None else _mig_rules(name.mig_slices),
        places=tuple(room.places),
    )


def _mig_rules(slices: int) -> tuple[str, ...]:
    return (f"in a GPU instance of {slices}g", _ON_VF)


def _described_memory(kind: VgpuType) -> int | None | Unknown:
    if isinstance(kind.name, Unknown):
        return kind.name
    if isinstance(kind.description, str):
        found = parse_gvt_memory(kind.description)
        return Unknown("its description names no memory") if found is None else found
    if isinstance(kind.description, Unknown):
        return kind.description
    return Unknown("its name says nothing of memory")


def _vf_profile(parents: Sequence[PciFunction]) -> Profile:
    free = tuple(each.address for each in parents if each.holders == ())
    unread = next((each.holders for each in parents if isinstance(each.holders, Unknown)), None)
    return Profile(
        id=VF,
        name=f"1/{len(parents)} of the card",
        memory_mib=None,
        edition=None,
        mig_slices=None,
        is_mig=False,
        fits=len(free) if unread is None else unread,
        is_at_most=False,
        rules=_RULES[Interface.VFS],
        places=free,
    )


def _mig_profiles(card: PciFunction, mig: MigCard | None | Unknown) -> Iterator[Profile]:
    """MIG instances are for containers, and what MIG-backed vGPUs are cut from."""
    if mig is None or isinstance(mig, Unknown) or isinstance(mig.profiles, Unknown):
        return
    for kind in mig.profiles:
        fits = _mig_room(kind, mig)
        yield Profile(
            id=str(kind.id),
            name=kind.name,
            memory_mib=kind.memory_mib,
            edition=None,
            mig_slices=kind.compute_slices,
            is_mig=True,
            fits=fits,
            is_at_most=False,
            rules=(f"at {kind.placements}", f"{kind.total} at most"),
            places=(card.address,) if isinstance(fits, int) and fits else (),
        )


def _mig_room(kind: MigProfile, mig: MigCard) -> int | Unknown:
    """As the driver says; else as many as the instances that are there leave room for."""
    if mig.is_on is False:
        return 0
    if kind.free is not None:
        return kind.free
    taken = taken_by(mig)
    if isinstance(mig.is_on, Unknown) or isinstance(taken, Unknown):
        return Unknown("nvidia-smi mig -lgip says how many the card takes now")
    there = tuple(each.profile for each in taken)
    return len(pack((kind,) * kind.total, mask_of_all(taken), there).placed)


def _slices(
    parents: Sequence[PciFunction], interface: Interface | None | Unknown, kinds: Sequence[Profile]
) -> tuple[Slice, ...] | Unknown:
    if isinstance(interface, Unknown):
        return interface
    names = {kind.id: kind.name for kind in kinds}
    found: list[Slice] = []
    for parent in parents:
        if interface is Interface.VFS:
            found.append(Slice(parent.address, str(parent.address), VF, names[VF], _users(parent)))
        elif interface is Interface.VENDOR_VFIO:
            current = parent.current_vgpu_type
            if isinstance(current, Unknown):
                return current
            if current:
                kind = str(current)
                name = names.get(kind)
                told = None if name == kind else name
                found.append(Slice(parent.address, str(parent.address), kind, told, _users(parent)))
        elif isinstance(parent.mdevs, Unknown):
            return parent.mdevs
        else:
            found += _mdevs(parent.mdevs, parent.address, parent.holders, names)
    return tuple(found)


def _mdevs(
    made: Sequence[MediatedDevice],
    place: Place,
    holders: tuple[Holder, ...] | Unknown,
    names: dict[str, str],
) -> Iterator[Slice]:
    for mdev in made:
        name = names.get(mdev.type) if isinstance(mdev.type, str) else mdev.type
        users: tuple[str, ...] | Unknown
        if isinstance(mdev.node, str):
            users = _callers(holders, mdev.node)
        else:
            users = mdev.node if isinstance(mdev.node, Unknown) else Unknown("it has no group of its own")
        yield Slice(place, mdev.name, mdev.type, name, users)


def _users(function: PciFunction) -> tuple[str, ...] | Unknown:
    """Who has the function open."""
    return _callers(function.holders)


def _callers(holders: tuple[Holder, ...] | Unknown, node: str | None = None) -> tuple[str, ...] | Unknown:
    """Who they are, of one node alone where it is given."""
    if isinstance(holders, Unknown):
        return holders
    own = (each for each in holders if node is None or each.node == node)
    return tuple(dict.fromkeys(_called(each) for each in own))


def _called(holder: Holder) -> str:
    return f"guest {holder.guest}" if holder.guest else f"{holder.process} ({holder.pid})"


def _mig_slices(card: PciAddress, mig: MigCard) -> tuple[Slice, ...] | Unknown:
    """GPU instances; of a card that may not be in MIG mode it is no gap that they are not known."""
    if isinstance(mig.instances, Unknown):
        return mig.instances if mig.is_on is True else ()
    open_ = Unknown("which processes use a MIG instance is not read")
    found = []
    for each in sorted(mig.instances, key=lambda one: one.id):
        kind = str(each.profile) if isinstance(each.profile, int) else each.profile
        found.append(Slice(card, gpu_instance_name(each.id), kind, each.name, open_))
    return tuple(found)
