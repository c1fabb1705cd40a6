"""MIG instances that a pool wants of a card: which are missing, and where they lie.

They do not outlive a restart, though MIG mode does on some models (NVIDIA Multi-Instance GPU User Guide,
"Getting Started with MIG"). What somebody has made beside them stays: it goes with the next start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gpucloud.model.change import MakeGpuInstance
from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.card import Card, Todo
from gpucloud.slices.mig.card import MigCard, MigProfile
from gpucloud.slices.mig.models import profiles_of
from gpucloud.slices.mig.pack import Packing, Placed, mask_of_all, pack, taken_by

_HALF = "has MIG instances, and one has no compute instance:"


def plan_instances(card: Card) -> Todo:
    """What of the card's instances is to be made next, the largest first."""
    mig = _seen(card) if card.pool.mig else None
    if isinstance(mig, Unknown):
        return Todo(missing=[f"its MIG instances cannot be told: {mig.why}"])
    if mig is None:
        return Todo()
    there = taken_by(mig)
    if isinstance(there, Unknown):
        return Todo(missing=[there.why])
    if isinstance(mig.profiles, Unknown):
        return Todo(missing=[mig.profiles.why])
    strange = _strange(card, mig.profiles)
    packing = _packing(card, mig.profiles, there)
    todo = Todo(never=[strange] if strange else [])
    todo.steps += [card.step(_change(card, each), _HALF) for each in _half_made(card, mig, there)]
    todo.steps += [
        card.step(_change(card, each), "has its cards cut into MIG instances:") for each in packing.placed
    ]
    if packing.left:
        beside = " beside what is there" if there else ""
        todo.never.append(f"not all of its MIG instances fit{beside}: {_names(packing.left)} left out")
    return todo


def misfit(card: Card) -> str | None:
    """Why no start can make what the pool wants; None: it can, or that is not known."""
    profiles = _tabled(card)
    if not card.is_nvidias:
        return "it is no card of NVIDIA's, and its pool wants MIG instances of it"
    if profiles is None:
        return None
    left = _packing(card, profiles, ()).left
    return f"not all of its MIG instances fit: {_names(left)} left out" if left else None


def untold(card: Card) -> str | None:
    """What of the pool's profiles nobody can tell before the card's driver is asked; None: nothing."""
    profiles = _tabled(card)
    if profiles is None:
        return "its MIG profiles are not known before its driver is asked"
    strange = _strange(card, profiles)
    return f"{strange}, as far as is known before its driver is asked" if strange else None


def _half_made(card: Card, mig: MigCard, there: Sequence[Placed]) -> Iterator[Placed]:
    """Wanted instances without a compute instance in them: nobody can use one."""
    instances = () if isinstance(mig.instances, Unknown) else mig.instances
    empty = {each.start for each in instances if each.compute_instances == ()}
    wanted = Counter({choice.profile: 0 for choice in card.pool.mig})
    for choice in card.pool.mig:
        wanted[choice.profile] += choice.count
    for each in there:
        wanted[each.profile.name] -= 1
        if each.start in empty and wanted[each.profile.name] >= 0:
            yield each


def _seen(card: Card) -> MigCard | None | Unknown:
    """The card's MIG; as after a start it is empty. None: nothing is known of it yet."""
    if not card.is_anew:
        return card.now.instances.get(card.unit.address)
    profiles = _tabled(card)
    return None if profiles is None else MigCard(is_on=True, pending=True, profiles=profiles, instances=())


def _tabled(card: Card) -> tuple[MigProfile, ...] | None:
    id_ = card.unit.primary.id
    return profiles_of(id_) if isinstance(id_, PciId) else None


def _strange(card: Card, profiles: Sequence[MigProfile]) -> str | None:
    names = [kind.name for kind in profiles]
    strange = [choice.profile for choice in card.pool.mig if choice.profile not in names]
    return f"{strange[0]} is none of its MIG profiles: {', '.join(names)}" if strange else None


def _packing(card: Card, profiles: Sequence[MigProfile], there: Sequence[Placed]) -> Packing:
    by_name = {kind.name: kind for kind in profiles}
    wanted = Counter[MigProfile]()
    for choice in card.pool.mig:
        if choice.profile in by_name:
            wanted[by_name[choice.profile]] += choice.count
    own = [each.profile for each in there]
    return pack((wanted - Counter(own)).elements(), mask_of_all(there), own)


def _change(card: Card, each: Placed) -> MakeGpuInstance:
    return MakeGpuInstance(
        address=card.unit.address,
        profile=each.profile.id,
        name=each.profile.name,
        start=each.start,
        size=each.profile.size,
    )


def _names(left: Sequence[MigProfile]) -> str:
    return ", ".join(f"{count} x {kind.name}" for kind, count in Counter(left).items())
