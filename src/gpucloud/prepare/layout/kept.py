"""What applied layouts have cut, made again at a start: the journal is where it is remembered.

What the entries of applied layouts come to, the last word on each slice counting, is had again: MIG mode,
then virtual functions, then mixed sizes and MIG instances, then what is cut of them. Each is a plan of its
own, and its parts are waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from gpucloud.model.change import (
    Cut,
    MakeGpuInstance,
    MakeMdev,
    RemoveGpuInstance,
    RemoveMdev,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
)
from gpucloud.model.host import HERE
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare import sysfs
from gpucloud.prepare.apply import apply
from gpucloud.prepare.journal import Journal, Status
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.steps.slices.instance import is_there
from gpucloud.prepare.steps.slices.mdev import read_mdev
from gpucloud.prepare.steps.slices.mig import read_mig
from gpucloud.prepare.steps.slices.mixed import read_mixed
from gpucloud.prepare.steps.slices.vfs import count_vfs
from gpucloud.prepare.steps.slices.vgpu_type import read_type
from gpucloud.prepare.system import System
from gpucloud.prepare.takeback import Outcome, Watch

_NVIDIA = "/proc/driver/nvidia/gpus"
"""Folders of cards that NVIDIA's driver has, by address."""
Standing = tuple[PciAddress | None, Cut]
"""A card, and what it has by an applied layout; None: a parent that is no PCI function has it."""


def standing_cuts(journal: Journal) -> tuple[Standing, ...]:
    """What the applied layouts come to, card by card, in the order in which it can be made."""
    found: dict[object, Standing] = {}
    for entry in journal.entries():
        plan = entry.read_stored().plan
        if plan.layout is None or entry.read_progress().status is not Status.APPLIED:
            continue
        for step in plan.steps:
            _note(found, step)
    return tuple(sorted(found.values(), key=lambda each: (_place(each), _rank(each[1]))))


def _note(found: dict[object, Standing], step: Step) -> None:
    change = step.change
    match change:
        case RemoveMdev():
            found.pop(change.uuid, None)
        case RemoveGpuInstance():
            found.pop((MakeGpuInstance, change.address, change.start), None)
        case MakeGpuInstance():
            found[MakeGpuInstance, change.address, change.start] = (step.unit, change)
        case SetVgpuType(after=0):
            found.pop((SetVgpuType, change.address), None)
        case MakeMdev():
            found[change.uuid] = (step.unit, change)
        case SetVgpuType() | SetMigMode() | SetMixedSizes() | SetVfs() | SwitchVfs():
            found[type(change), change.address] = (step.unit, change)
        case _:
            return


def _rank(change: Cut) -> int:
    """NVIDIA's tool for virtual functions takes the card from its driver: MIG instances, mixed sizes go."""
    order = (SetMigMode, SetVfs | SwitchVfs, SetMixedSizes, MakeGpuInstance)
    return next((rank for rank, kind in enumerate(order) if isinstance(change, kind)), len(order))


def keep_cuts(
    standing: Sequence[Standing], journal: Journal, system: System, watch: Watch, waits: int
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """Make again what is missing of them; may be repeated.

    Args:
        standing: what `standing_cuts` gave.
        journal: where it is noted; the caller holds its lock.
        system: the host.
        watch: who is told.
        waits: so many times what slices are made of is waited for, over all cards at once.

    Returns:
        What was carried out; and what could not be made, one line each.
    """
    making = _Making(journal, system, watch)
    waiting = _by_card(standing)
    for left in reversed(range(waits + 1)):
        waiting = [card for card in waiting if not making.is_through(card)]
        if not waiting or not left:
            break
        system.settles(partial(_any_is_there, waiting, system))
    for card in waiting:
        making.make_some(card)
    return tuple(making.outcomes), tuple(making.missing)


Card = list[list[Standing]]
"""What one card has by applied layouts and is still to be made again: what goes together, in order."""


def _by_card(standing: Sequence[Standing]) -> list[Card]:
    cards: dict[str, Card] = {}
    for (place, _), together in groupby(standing, lambda each: (_place(each), _rank(each[1]))):
        cards.setdefault(place, []).append(list(together))
    return list(cards.values())


def _place(standing: Standing) -> str:
    """What is cut: a card, or a parent that is no PCI function."""
    unit, change = standing
    return str(change.address if unit is None else unit)


class _Making:
    """Makes again what cards had; one that is not there yet holds up no other."""

    def __init__(self, journal: Journal, system: System, watch: Watch) -> None:
        self.outcomes: list[Outcome] = []
        self.missing: list[str] = []
        self._journal, self._system, self._watch = journal, system, watch

    def is_through(self, card: Card) -> bool:
        """Whether all of the card was gone through; what is made of what is not there yet stays in it."""
        while card and _are_there(card[0], self._system):
            self._make(card.pop(0))
        return not card

    def make_some(self, card: Card) -> None:
        """Make what there is something for, and name the rest."""
        for together in card:
            absent = _absent(together, self._system)
            self.missing += [f"{path} is not there, and a layout has cut of it" for path in absent]
            self._make([each for each in together if _through(each[1]) not in absent])

    def _make(self, together: Sequence[Standing]) -> None:
        try:
            todo = tuple(_todo([change for _, change in together], self._system))
        except StepError as error:
            self.missing.append(str(error))
            return
        if todo:
            unit = together[0][0]
            steps = tuple(Step(change, "an applied layout has it", unit) for change in todo)
            plan = Plan(HERE, _units(unit), False, (), steps, is_of_a_start=True)
            self.outcomes.append(apply(plan, self._system, self._journal, self._watch))


def _units(unit: PciAddress | None) -> tuple[PciAddress, ...]:
    return () if unit is None else (unit,)


def _any_is_there(cards: Sequence[Card], system: System) -> bool:
    return any(_are_there(card[0], system) for card in cards)


def _are_there(together: Sequence[Standing], system: System) -> bool:
    return not _absent(together, system)


def _absent(together: Sequence[Standing], system: System) -> list[str]:
    """What the changes are made through, and is not there yet."""
    paths = (_through(change) for _, change in together)
    return [path for path in paths if path is not None and not _is_there(path, system)]


def _is_there(path: str, system: System) -> bool:
    if isinstance(system.read_link(path), str):
        return True
    return isinstance(system.list_dir(path), tuple) or isinstance(system.read_text(path), str)


def _through(change: Cut) -> str | None:
    match change:
        case MakeMdev():
            return sysfs.parent(change.address, f"mdev_supported_types/{change.type}")
        case SetVgpuType():
            return sysfs.function(change.address, "nvidia/current_vgpu_type")
        case SetVfs() | SwitchVfs():
            # Without driver the kernel makes none, ENOENT: drivers/pci/iov.c, sriov_numvfs_store.
            return sysfs.function(change.address, "driver")
        case SetMigMode() | SetMixedSizes() | MakeGpuInstance():
            return f"{_NVIDIA}/{change.address}"
        case _:
            return None


def _todo(changes: Sequence[Cut], system: System) -> Iterator[Cut]:
    """Those that are not so now, each from what is there now."""
    for change in changes:
        todo = _if_missing(change, system)
        if todo is not None:
            yield todo


def _if_missing(change: Cut, system: System) -> Cut | None:
    match change:
        case MakeMdev():
            return change if read_mdev(change.uuid, system) != change.type else None
        case MakeGpuInstance():
            return None if is_there(change, system) else change
        case SetVgpuType():
            kind = read_type(change.address, system)
            return replace(change, before=kind) if kind != change.after else None
        case SetVfs() | SwitchVfs():
            count = count_vfs(change.address, system)
            return replace(change, before=count) if count != change.after else None
        case SetMigMode():
            mode = read_mig(change.address, system, change.tool)
            return replace(change, before=mode is True) if mode is not change.after else None
        case SetMixedSizes():
            is_mixed = read_mixed(change.address, system, change.tool)
            return replace(change, before=is_mixed is True) if is_mixed is not change.after else None
        case _:
            raise StepError(f"{change.kind} does not stand")
