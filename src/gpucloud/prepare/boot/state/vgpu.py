"""vGPUs that a pool wants of a card: which types on which functions, and what has to be there before.

The order is the one in which nothing wipes what came before it: MIG mode, virtual functions (their tool takes
the card from its driver), MIG instances, types. A mediated device that nova is to give to guests is made by
nova (nova/virt/libvirt/driver.py, ``_create_mdev``); a type of NVIDIA's own VFIO interface is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase

from gpucloud.model.change import MakeMdev, SetMigMode, SetVgpuType
from gpucloud.model.pci import PciFunction, PciId, Sriov, VgpuType
from gpucloud.model.spec import VgpuChoice
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.card import Card, Todo
from gpucloud.prepare.boot.state.instances import plan_instances
from gpucloud.prepare.boot.state.vfs import plan_vfs
from gpucloud.slices.mig.card import MigCard
from gpucloud.slices.mig.models import profiles_of
from gpucloud.slices.name import mdev_name

_MIG_BACKED = re.compile(r".*-[0-9]+-[0-9]+[A-Z]*", re.ASCII)
"""``A100-1-5C``: the slices stand before the memory (NVIDIA's open driver, g_nv_name_released.h)."""
_CUT = "is cut into vGPUs:"
_SHOWN = 8
_MOST = 64
"""Mediated devices of one card: twice what any type of any card allows."""


def plan_vgpus(card: Card, *, is_novas: bool) -> Todo:
    """What the card needs next for the vGPUs of its pool."""
    todo = _before_types(card)
    is_next = todo.steps and not card.is_anew  # types show once it is done
    if todo.lacks or is_next or not card.pool.vgpu_types:
        return todo
    if parents := _parents(card):
        todo = todo if is_novas else _mdevs(card, parents, todo)
    elif any(isinstance(each.vendor_vfio_types, tuple) and each.vendor_vfio_types for each in card.vfs):
        _types(card, todo)
    elif not card.is_anew:
        _add_none_offered(card, todo)
    return todo


def _before_types(card: Card) -> Todo:
    """MIG mode, virtual functions, MIG instances: one after the other, as each shows what the next needs."""
    if card.unseen is not None and not card.is_anew:
        return Todo(missing=[card.unseen])
    if card.pool.mig and not card.is_nvidias:
        return Todo(never=["it is no card of NVIDIA's, and its pool wants MIG instances of it"])
    todo = Todo()
    for plan in (_mig, _vfs, plan_instances):
        more = plan(card)
        todo.steps += more.steps
        todo.missing += more.missing
        todo.never += more.never
        if todo.lacks or (todo.steps and not card.is_anew):
            break
    return todo


def _parents(card: Card) -> list[PciFunction]:
    return [each for each in (card.unit.primary, *card.vfs) if each.mdev_types]


def _vfs(card: Card) -> Todo:
    """Virtual functions are what vGPUs are on; MIG instances alone, for containers, need none."""
    primary, pool = card.unit.primary, card.pool
    is_whole = primary in _parents(card) or not isinstance(primary.sriov, Sriov)
    is_alone = pool.mig and not pool.vgpu_types and pool.vfs is None
    todo = Todo() if is_whole or is_alone else plan_vfs(card)
    there = card.now.instances.get(card.unit.address)
    if todo.steps and isinstance(there, MigCard) and there.instances != ():
        return Todo(never=["MIG instances are there, which NVIDIA's tool for virtual functions would remove"])
    return todo


def _add_none_offered(card: Card, todo: Todo) -> None:
    none = "it offers no vGPU types:"
    if needs_mig(card) and not card.pool.mig:
        todo.never.append(f"{none} no MIG instances are there of which they could be; name them: mig")
    else:
        why = "NVIDIA's vGPU manager, or its like, does not run"
        is_split = card.is_nvidias and not needs_mig(card) and _has_mig(card)
        ends = (
            f"/usr/lib/nvidia/sriov-manage -d {card.unit.address}; nvidia-smi -i {card.unit.address} -mig 0"
        )
        todo.missing.append(f"{none} {why}" + (f", or the card is in MIG mode: {ends}" if is_split else ""))


def needs_mig(card: Card) -> bool:
    """Claims that the pool asks for MIG instances, or for a type that is cut from one."""
    if card.pool.mig:
        return True
    names = [choice.type for choice in card.pool.vgpu_types]
    for function in (card.unit.primary, *card.vfs):
        for each in _kinds(function):
            names += [each.name] if each.id in names and isinstance(each.name, str) else []
    return any(_MIG_BACKED.fullmatch(name) for name in names)


def _has_mig(card: Card) -> bool:
    """Claims a model with MIG, whose types that share it by time are not offered in MIG mode."""
    id_ = card.unit.primary.id
    return isinstance(id_, PciId) and profiles_of(id_) is not None


def _mig(card: Card) -> Todo:
    if not (card.is_nvidias and needs_mig(card)):
        return Todo()
    mode = False if card.is_anew else card.now.mig.get(card.unit.address)
    if isinstance(mode, Unknown):
        return Todo(missing=[mode.why])
    if mode is None:
        return Todo(never=["it has no MIG mode, and its pool needs one"])
    sriov = card.unit.primary.sriov
    if not (mode or card.is_anew) and isinstance(sriov, Sriov) and sriov.enabled != 0:
        tool = f"/usr/lib/nvidia/sriov-manage -d {card.unit.address}"
        return Todo(never=[f"its virtual functions are on, and keep its MIG mode off: {tool}"])
    switch = SetMigMode(address=card.unit.address, before=False, after=True)
    return Todo([] if mode else [card.step(switch, "has MIG instances, or types that are cut from them, of")])


def _mdevs(card: Card, parents: list[PciFunction], todo: Todo) -> Todo:
    """Mediated devices: as many as the parent has room for, on each virtual function one."""
    used = Counter[str]()
    for parent in parents:
        choice, kind = _wanted(card, parent, todo)
        if choice is None or kind is None:
            continue
        if isinstance(kind.available, Unknown):
            todo.missing.append(f"{parent.address}: {kind.available.why}")
            continue
        names = _names(card, parent, kind)
        there = [name for name in names if name in card.now.mdevs]
        used[choice.type] += len(there) + _of_others(card, parent, kind, names)
        room = kind.available if choice.max_instances is None else choice.max_instances - used[choice.type]
        new = [name for name in names if name not in there][: max(0, min(room, kind.available))]
        used[choice.type] += len(new)
        for name in new:
            change = MakeMdev(address=parent.address, type=kind.id, uuid=name)
            todo.steps.append(card.step(change, _CUT))
        if new and parent is not card.unit.primary and not card.is_anew:
            return todo  # the next one may find no room on the card any more: look again first
    return todo


def _of_others(card: Card, parent: PciFunction, kind: VgpuType, names: list[str]) -> int:
    """Devices of the type that somebody else has made of the parent; a restart ends them."""
    made = () if card.is_anew or isinstance(parent.mdevs, Unknown) else parent.mdevs
    return sum(each.type == kind.id and each.name not in names for each in made)


def _names(card: Card, parent: PciFunction, kind: VgpuType) -> list[str]:
    count = _MOST if parent.physical_function is None else 1
    return [mdev_name(card.host_name, parent.address, kind.id, index) for index in range(count)]


def _types(card: Card, todo: Todo) -> None:
    """Types on virtual functions that NVIDIA's own VFIO interface serves, one after the other."""
    used = Counter[str]()
    for function in card.vfs:
        current = 0 if card.is_anew else card.now.types.get(function.address, 0)
        choice = _choice(card, function)
        if choice is None:
            continue
        if current:
            used[choice.type] += 1
            continue
        if choice.max_instances is not None and used[choice.type] >= choice.max_instances:
            continue
        kind = _offered(function, choice.type)
        if kind is None:
            if not used[choice.type]:
                _add_not_offered(function, choice, todo)
            return
        used[choice.type] += 1
        change = SetVgpuType(address=function.address, before=0, after=int(kind.id))
        todo.steps.append(card.step(change, _CUT))
        if choice.max_instances is None and not card.is_anew:
            return  # the next one may find no room on the card any more: look again first


def _wanted(card: Card, parent: PciFunction, todo: Todo) -> tuple[VgpuChoice | None, VgpuType | None]:
    choice = _choice(card, parent)
    kind = None if choice is None else _offered(parent, choice.type)
    if choice is not None and kind is None:
        _add_not_offered(parent, choice, todo)
    return choice, kind


def _choice(card: Card, function: PciFunction) -> VgpuChoice | None:
    """The type that names the function or its card; else the one that names nothing."""
    names = (str(function.address), str(card.unit.address))
    for choice in card.pool.vgpu_types:
        if any(fnmatchcase(name, pattern) for name in names for pattern in choice.addresses):
            return choice
    return next((choice for choice in card.pool.vgpu_types if not choice.addresses), None)


def _kinds(function: PciFunction) -> Iterator[VgpuType]:
    for kinds in (function.mdev_types, function.vendor_vfio_types):
        yield from () if isinstance(kinds, Unknown) else kinds


def _offered(function: PciFunction, wanted: str) -> VgpuType | None:
    return next((kind for kind in _kinds(function) if wanted in (kind.id, kind.name)), None)


def _add_not_offered(function: PciFunction, choice: VgpuChoice, todo: Todo) -> None:
    """What offers others has been told all of its types; what offers none may not have been told any yet."""
    shown = [f"{kind.id} ({kind.name})" if kind.name else kind.id for kind in _kinds(function)][:_SHOWN]
    none = f"{function.address} offers no vGPU type {choice.type!r}, but"
    if shown:
        todo.never.append(f"{none} {', '.join(shown)}")
    else:
        todo.missing.append(f"{none} none at all")
