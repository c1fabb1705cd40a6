"""A card cut into MIG instances: which stay, which go, and where the new ones lie.

Order: mode, virtual functions, instances, types. Virtual functions are made before instances, since NVIDIA's
tool takes the card from its driver, which removes them; the mode is not changed while anything has the card.
Source: NVIDIA Multi-Instance GPU User Guide, "Getting Started with MIG".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from gpucloud.model.change import MakeGpuInstance, RemoveGpuInstance, SetMigMode
from gpucloud.model.finding import Finding
from gpucloud.model.unknown import Unknown
from gpucloud.slices.absence import VFS_OFF
from gpucloud.slices.layout.draft import Draft
from gpucloud.slices.layout.wish import Wish
from gpucloud.slices.mig.card import KEEPER, GpuInstance, MigCard, MigProfile
from gpucloud.slices.mig.pack import Placed, mask_of_all, pack, taken_by
from gpucloud.slices.profile import gpu_instance_name


def plan_instances(draft: Draft) -> None:
    """Plan a card whose line names MIG profiles, or nothing."""
    mig = draft.offer.mig
    if isinstance(mig, MigCard) and isinstance(mig.profiles, tuple):
        wanted = _resolve(draft, mig.profiles)
        left = pack(wanted).left
        if left:
            names = ", ".join(f"{count} x {kind.name}" for kind, count in Counter(left).items())
            draft.refuse(f"not all of it fits the card: {names} would be left out")
        _from_mode(draft, mig, wanted)
    elif isinstance(mig, MigCard):
        draft.refuse(f"its MIG profiles are not known ({_why(mig.profiles)})")
    elif mig is None:
        draft.refuse(
            "it has no MIG, as far as is known: nvidia-smi -q -x says nothing of it, or was not asked"
        )
    else:
        draft.refuse(f"whether it has MIG cannot be told: {mig.why}")


def _why(fact: object) -> str:
    return fact.why if isinstance(fact, Unknown) else ""


def _resolve(draft: Draft, profiles: Sequence[MigProfile]) -> list[MigProfile]:
    by_name = {kind.name: kind for kind in profiles}
    found = []
    for item in draft.wish.items:
        kind = by_name.get(item.type.removeprefix("MIG "))
        if kind is None:
            draft.refuse(f"{item.type} is none of its MIG profiles: {', '.join(by_name)}")
        else:
            found += [kind] * item.count
    return found


def _from_mode(draft: Draft, mig: MigCard, wanted: Sequence[MigProfile]) -> None:
    if isinstance(mig.is_on, Unknown):
        draft.refuse(
            f"whether it is in MIG mode cannot be told ({mig.is_on.why}): nvidia-smi -q -x, with --smi"
        )
    elif mig.is_on:
        _from_instances(draft, mig, wanted)
    elif wanted:
        _switch(draft, mig)
        _make(draft, pack(wanted).placed)


def _switch(draft: Draft, mig: MigCard) -> None:
    """The mode is changed on a card that nobody has open: of some models that is a reset."""
    offer = draft.offer
    if mig.pending is True:
        draft.refuse(
            "MIG mode waits for a reset of the card: end what has it open, then: nvidia-smi --gpu-reset"
        )
    refuse_open(draft)
    if isinstance(offer.vfs, Unknown):
        draft.refuse(
            f"whether its virtual functions are on cannot be told ({offer.vfs.why}): plan on the host"
        )
    elif offer.vfs:
        tool = f"/usr/lib/nvidia/sriov-manage -d {offer.unit}"
        draft.refuse(
            f"its virtual functions are on, and keep its mode as it is: clear their types, then: {tool}"
        )
    draft.changes.append(SetMigMode(address=draft.card, before=False, after=True))
    _add_vfs(draft)


def refuse_open(draft: Draft) -> None:
    """Leave the mode of a card that anybody has open."""
    users = draft.offer.users
    if isinstance(users, Unknown):
        draft.refuse(f"who has it open cannot be told ({users.why}): plan as root, on the host")
    elif mine := _users(users):
        draft.refuse(f"{', '.join(mine)} has it open, and its mode could not change: end that first")


def _users(users: Sequence[str]) -> tuple[str, ...]:
    """Without NVIDIA's daemon that has every card open."""
    return tuple(each for each in users if each.partition(" ")[0] != KEEPER)


def _add_vfs(draft: Draft) -> None:
    """On a host with the vGPU manager virtual functions come before the first instance, for vGPUs of it."""
    offer = draft.offer
    why = offer.why_none
    if isinstance(why, Finding) and why.cause == VFS_OFF and isinstance(offer.most_vfs, int):
        draft.switch_vfs(offer.most_vfs)


def _from_instances(draft: Draft, mig: MigCard, wanted: Sequence[MigProfile]) -> None:
    there = taken_by(mig)
    if isinstance(there, Unknown):
        draft.refuse(f"{there.why}, with --smi")
        return
    instances = {each.start: each for each in mig.instances} if isinstance(mig.instances, tuple) else {}
    may_stay = [each for each in there if not _is_gone(draft.wish, instances[each.start])]
    stay = _stay(may_stay, wanted)
    new = Counter(wanted) - Counter(each.profile for each in stay)
    go = [each for each in there if each not in stay]
    beside = pack(new.elements(), mask_of_all(there), [each.profile for each in there])
    gone = [_remove(draft, each, instances[each.start]) for each in go]
    draft.kept += [f"{each.profile.name} at {each.start}" for each in stay]
    if not there and wanted:
        _add_vfs(draft)
    if go:
        _check_use(draft)
        draft.notes.append(
            "the driver refuses to remove an instance that a program uses, and the rest is not done then"
        )
        draft.notes.append(
            "undo makes what goes again at the same places; its numbers and UUIDs may be others then"
        )
    if go and not wanted and not draft.wish.is_whole:
        draft.notes.append("its MIG mode stays on: a line that says whole turns it off, too")
    if not beside.left:
        _make(draft, beside.placed)
        draft.changes += gone
    else:
        draft.changes += gone
        _make(draft, pack(new.elements(), mask_of_all(stay), [each.profile for each in stay]).placed)


def _is_gone(wish: Wish, instance: GpuInstance) -> bool:
    return wish.gone == gpu_instance_name(instance.id)


def _remove(draft: Draft, placed: Placed, instance: GpuInstance) -> RemoveGpuInstance:
    inner = instance.compute_profiles
    return RemoveGpuInstance(
        address=draft.card,
        id=instance.id,
        profile=placed.profile.id,
        name=placed.profile.name,
        start=placed.start,
        size=placed.profile.size,
        compute=None if isinstance(inner, Unknown) else inner,
    )


def _check_use(draft: Draft) -> None:
    """Which instance a vGPU or a program is in is not told: none goes while the card has any in use."""
    offer = draft.offer
    if isinstance(offer.slices, Unknown):
        draft.refuse(f"which vGPUs are in its instances cannot be told: {offer.slices.why}")
    else:
        draft.refuse_used(each for each in offer.slices if not each.is_gpu_instance)
    if isinstance(offer.users, Unknown):
        draft.refuse(f"who has it open cannot be told ({offer.users.why}): plan as root, on the host")
    elif users := _users(offer.users):
        who = ", ".join(users)
        draft.refuse(f"{who} has it open, perhaps in an instance that would go: end that first")


def _stay(there: Sequence[Placed], wanted: Sequence[MigProfile]) -> tuple[Placed, ...]:
    """As many of the instances as can stay beside the rest of what is wanted."""
    counts = Counter(wanted)
    for chosen in _subsets([each for each in there if counts[each.profile]]):
        own = Counter(each.profile for each in chosen)
        if own <= counts:
            rest = (counts - own).elements()
            if not pack(rest, mask_of_all(chosen), list(own.elements())).left:
                return chosen
    return ()


def _subsets(there: Sequence[Placed]) -> Iterator[tuple[Placed, ...]]:
    for size in range(len(there), -1, -1):
        yield from combinations(there, size)


def _make(draft: Draft, placed: Sequence[Placed]) -> None:
    draft.changes += [
        MakeGpuInstance(
            address=draft.card,
            profile=each.profile.id,
            name=each.profile.name,
            start=each.start,
            size=each.profile.size,
        )
        for each in placed
    ]
