"""A card cut into vGPU types: what stays, what goes, what is made, and in which order.

Rules: NVIDIA vGPU software documentation, "Valid Time-Sliced Virtual GPU Configurations on a Single GPU" (one
amount of memory for all vGPUs of a card, unless it is in mixed-size mode); one vGPU on each virtual function.
What fits is what the host says. Where all that is new fits beside what goes, it is made first; else what goes
is cleared first, for the host then says nothing of the room that comes free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.change import Cut, MakeMdev, RemoveMdev, SetMixedSizes, SetVgpuType
from gpucloud.model.pci import Place
from gpucloud.model.unknown import Unknown
from gpucloud.slices.layout.draft import Draft, function_of
from gpucloud.slices.layout.wish import Item
from gpucloud.slices.name import mdev_name
from gpucloud.slices.profile import Interface, Offer, Profile, Slice

_ON_VFS = (Interface.MDEV_OF_VFS, Interface.VENDOR_VFIO)
_LIST_ALL = (Interface.MDEV, Interface.MDEV_OF_VFS)
"""They list all types of a card, however full it is, and the largest type takes all of it."""
_OF_ITSELF = (Interface.MDEV, Interface.GVT_G, Interface.MDEV_OF_PARENT)
_MIX = (Interface.GVT_G, Interface.MDEV_OF_PARENT)
"""Types of several sizes can be beside each other."""
_SHOWN = 8
_HIDDEN = "uuid-"
"""So captures call what has a UUID."""
_ONE_TYPE = "older vGPU software takes one type on a card: the driver refuses the second then"
_MIXED = "nvidia-smi vgpu -i {unit} -shm 1"


def plan_shared(draft: Draft, interface: Interface) -> None:
    """Plan a card of which the host shows types."""
    offer = draft.offer
    if isinstance(offer.slices, Unknown):
        draft.refuse(f"what it is cut into cannot be told: {offer.slices.why}")
        return
    wanted = _resolve(draft)
    # MIG instances stand under vGPUs, and are planned by lines of their own
    there = [each for each in offer.slices if not each.is_gpu_instance]
    stay, go = _part(wanted, there, draft)
    new = wanted - Counter(profile for profile, _ in stay)
    draft.kept += [each.name for _, each in stay]
    draft.refuse_used(go)
    if go and not wanted and len(there) < len(offer.slices):
        draft.notes.append("its MIG instances stay: the same line once more removes them")
    if any(each.name.startswith(_HIDDEN) for each in there):
        draft.notes.append("a capture numbers the UUIDs of what is there: plan on the host for lines to type")
    mode = () if interface in _MIX else tuple(_one_size(draft, wanted, [each for _, each in stay]))
    is_beside = not go or _fits_beside(new)
    if new and is_beside:
        _check_room(draft, new)
    elif new:
        _check_card(draft, wanted)
    _write(draft, interface, go, new, mode, is_beside=is_beside)


def _resolve(draft: Draft) -> Counter[Profile]:
    wanted: Counter[Profile] = Counter()
    types = [profile for profile in draft.offer.profiles if not profile.is_mig]
    for item in draft.wish.items:
        found = [each for each in types if item.type in (each.id, each.name)] or _ending(item, types)
        if len(found) == 1:
            wanted[found[0]] += item.count
        else:
            shown = ", ".join(each.name for each in (found or types)[:_SHOWN]) or "nothing"
            many = "is several of its types" if found else "is none of the types that it lists"
            full = draft.offer.interface is Interface.VENDOR_VFIO and not found
            fewer = (
                " (a card lists fewer as it fills: clear it first, with a line that says none)"
                if full
                else ""
            )
            draft.refuse(f"{item.type} {many}: {shown}{fewer}")
    return wanted


def _ending(item: Item, types: Sequence[Profile]) -> list[Profile]:
    """Types whose name ends so, as whole words: ``4Q`` and ``T4-4Q`` are ``GRID T4-4Q``."""
    ends = tuple(f"{mark}{item.type}" for mark in "- _")
    return [each for each in types if each.name.endswith(ends)]


def _part(
    wanted: Counter[Profile], there: Sequence[Slice], draft: Draft
) -> tuple[list[tuple[Profile, Slice]], list[Slice]]:
    """What stays, those in use first, and what goes."""
    open_ = wanted.copy()
    by_id = {profile.id: profile for profile in wanted}
    stay: list[tuple[Profile, Slice]] = []
    go: list[Slice] = []
    for each in sorted(there, key=lambda one: (one.used_by == (), one.place, one.name)):
        if isinstance(each.profile, Unknown):
            draft.refuse(f"what {each.name} is cannot be told: {each.profile.why}")
            continue
        profile = by_id.get(each.profile or "")
        if profile is not None and open_[profile] > 0 and each.name != draft.wish.gone:
            open_[profile] -= 1
            stay.append((profile, each))
        else:
            go.append(each)
    return stay, go


def _one_size(draft: Draft, wanted: Mapping[Profile, int], stay: Sequence[Slice]) -> Iterator[SetMixedSizes]:
    """What lets the card have vGPUs of several sizes, where they are wanted and it is not so yet.

    A driver that says "Disabled" can: of a card that cannot, and in MIG mode, it says N/A. Sources: NVML,
    ``nvmlDeviceGetVgpuHeterogeneousMode``; the user guide, "Putting a GPU Into Mixed-Size Mode".
    """
    shared = [profile for profile in wanted if profile.mig_slices is None]
    sizes = {profile.memory_mib for profile in shared if isinstance(profile.memory_mib, int)}
    is_mixed = draft.offer.is_mixed
    if len(sizes) < 2:
        if len(shared) > 1 and is_mixed is not True:
            draft.notes.append(_ONE_TYPE)
        return
    how, names = _MIXED.format(unit=draft.offer.unit), ", ".join(profile.name for profile in shared)
    if isinstance(is_mixed, Unknown):
        draft.refuse(
            f"vGPUs of several sizes ({names}) need mixed-size mode, "
            f"of which nothing says that it is on: {how}, then plan with --smi"
        )
    elif is_mixed:
        draft.notes.append(
            "mixed-size mode ends with a restart, with its driver and with sriov-manage: gpucloud boot sets "
            f"it again where a layout switched it on; else have {how} run before gpucloud-boot.service"
        )
    elif stay:
        draft.refuse(
            f"vGPUs of several sizes ({names}) need mixed-size mode, set before any is made, and "
            f"{', '.join(each.name for each in stay)} would stay: clear the card first, by a line for none"
        )
    else:
        draft.notes.append("fewer of a size may fit in mixed-size mode: known as they are made")
        yield SetMixedSizes(address=draft.card, before=False, after=True)


def _fits_beside(new: Counter[Profile]) -> bool:
    """Claims that the host surely has room for all of it, which is of one type, before anything goes."""
    if len(new) != 1:
        return False
    profile, count = next(iter(new.items()))
    is_sure = count == 1 or not profile.is_at_most
    return is_sure and isinstance(profile.fits, int) and profile.fits >= count


def _check_room(draft: Draft, new: Counter[Profile]) -> None:
    for profile, count in new.items():
        if isinstance(profile.fits, Unknown):
            draft.refuse(f"how many of {profile.name} fit cannot be told: {profile.fits.why}")
        elif profile.fits < count:
            draft.refuse(f"{count} more of {profile.name} are wanted, and {_room(profile)}")
        elif profile.is_at_most and count > 1:
            draft.notes.append(f"whether all of {count} x {profile.name} fit is known as they are made")
    if len(new) > 1:
        draft.notes.append("each type fits alone; whether they fit together is known as they are made")


def _room(profile: Profile) -> str:
    if profile.fits == 0 and profile.mig_slices is not None:
        return f"none fits: each needs room in a GPU instance of {profile.mig_slices}g, made before by a line"
    return f"{profile.fits} {'fits' if profile.fits == 1 else 'fit'}"


def _check_card(draft: Draft, wanted: Counter[Profile]) -> None:
    """The room after something went is not told: only that the whole card would not do."""
    sizes = [profile.memory_mib for profile in draft.offer.profiles if _is_shared(profile)]
    memory = sum(
        profile.memory_mib * count
        for profile, count in wanted.items()
        if _is_shared(profile) and isinstance(profile.memory_mib, int)
    )
    whole = max((size for size in sizes if isinstance(size, int)), default=0)
    vfs = len(draft.offer.vfs) if isinstance(draft.offer.vfs, tuple) else 0
    if draft.offer.interface in _LIST_ALL and memory > whole:
        draft.refuse(f"it has {whole // 1024} GiB, and the vGPUs that are wanted have {memory // 1024} GiB")
    elif draft.offer.interface in _ON_VFS and wanted.total() > vfs:
        draft.refuse(f"{wanted.total()} are wanted, and it has {vfs} virtual functions for them")
    draft.notes.append("whether all fit is known when what is there is gone")


def _is_shared(profile: Profile) -> bool:
    return not profile.is_mig and profile.mig_slices is None


def _write(
    draft: Draft,
    interface: Interface,
    go: Sequence[Slice],
    new: Counter[Profile],
    mode: tuple[SetMixedSizes, ...],
    *,
    is_beside: bool,
) -> None:
    gone = [_remove(each, interface) for each in go]
    made = list(_make(draft, interface, _places(draft.offer, go, new, is_beside=is_beside), new))
    draft.changes += [*mode, *made, *gone] if is_beside else [*gone, *mode, *made]


def _remove(each: Slice, interface: Interface) -> Cut:
    kind = each.profile if isinstance(each.profile, str) else ""
    if interface is Interface.VENDOR_VFIO:
        return SetVgpuType(address=function_of(each.place), before=int(kind), after=0)
    return RemoveMdev(address=each.place, type=kind, uuid=each.name)


def _places(
    offer: Offer, go: Sequence[Slice], new: Counter[Profile], *, is_beside: bool
) -> list[Place | None]:
    """A function for each new slice: one that takes it now, or one that is free when others are gone."""
    slices = offer.slices if isinstance(offer.slices, tuple) else ()
    held = {each.place for each in slices if is_beside or each not in go}
    vfs = offer.vfs if isinstance(offer.vfs, tuple) else ()
    found: list[Place | None] = []
    for profile in new.elements():
        choice = profile.places if is_beside else vfs
        place = next((each for each in choice if each not in held), None)
        held |= {place} if place is not None else set()
        found.append(place)
    return found


def _make(
    draft: Draft, interface: Interface, places: Sequence[Place | None], new: Counter[Profile]
) -> Iterator[MakeMdev | SetVgpuType]:
    names = _Names(draft)
    short: Counter[str] = Counter()
    for place, profile in zip(places, new.elements(), strict=True):
        if interface in _OF_ITSELF:
            yield MakeMdev(
                address=draft.offer.unit, type=profile.id, uuid=names.take(draft.offer.unit, profile.id)
            )
        elif place is None:
            short[profile.name] += 1
        elif interface is Interface.VENDOR_VFIO:
            name = None if profile.name == profile.id else profile.name
            yield SetVgpuType(address=function_of(place), before=0, after=int(profile.id), name=name)
        else:
            yield MakeMdev(address=place, type=profile.id, uuid=names.take(place, profile.id))
    for name, count in short.items():
        draft.refuse(f"there is no virtual function left for {count} x {name}")
    if draft.wish.uuid is not None and interface is Interface.VENDOR_VFIO and new:
        draft.refuse("a vGPU of its interface is known by its virtual function, and has no UUID to give")
    if draft.host is None and interface is not Interface.VENDOR_VFIO and new:
        draft.notes.append("the UUIDs are of a host without name: --name gives the host's own")


class _Names:
    """UUIDs for new slices: the one that is asked for; then those of function and type that no slice has."""

    def __init__(self, draft: Draft) -> None:
        slices = draft.offer.slices
        self._host, self._asked = draft.host, draft.wish.uuid
        self._there = {each.name for each in slices} if isinstance(slices, tuple) else set()
        self._next: Counter[tuple[Place, str]] = Counter()

    def take(self, place: Place, kind: str) -> str:
        asked, self._asked = self._asked, None
        if asked is not None:
            return asked
        while (name := self._number(place, kind)) in self._there:
            pass
        return name

    def _number(self, place: Place, kind: str) -> str:
        number = self._next[place, kind]
        self._next[place, kind] += 1
        return mdev_name(self._host, place, kind, number)
