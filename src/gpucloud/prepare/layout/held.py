"""Slices that a plan has made, and that somebody uses: taking them away would wait without end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.model.change import (
    Change,
    MakeGpuInstance,
    MakeMdev,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
)
from gpucloud.model.host import Host
from gpucloud.model.pci import ParentName, PciAddress, Place
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.slices.inside import refuse_used_card
from gpucloud.prepare.steps.slices.instance import refuse_used
from gpucloud.prepare.steps.slices.users import refuse_used_vgpus
from gpucloud.prepare.system import System
from gpucloud.slices import offers_of

_Taking = MakeMdev | SetVgpuType | SetVfs | SwitchVfs


def users_of_cut(changes: Iterable[Change], host: Host) -> Iterator[tuple[str, str | Unknown]]:
    """Each slice that goes when these changes are taken back, with who uses it; free ones are left out.

    Where the slices of a card are not known, the card stands for them.
    """
    taking = [change for change in changes if isinstance(change, _Taking) and _takes(change)]
    if any(isinstance(each.address, PciAddress) for each in taking) and isinstance(host.functions, Unknown):
        yield str(taking[0].address), host.functions
    if any(isinstance(each.address, ParentName) for each in taking) and isinstance(
        host.mdev_parents, Unknown
    ):
        yield str(taking[0].address), host.mdev_parents
    names = {_name(change) for change in taking}
    cards = {change.address for change in taking if isinstance(change, SetVfs | SwitchVfs)}
    parents = {_card_of(change.address, host) for change in taking}
    for offer in offers_of(host):
        if isinstance(offer.slices, Unknown):
            if offer.unit in parents:
                yield str(offer.unit), offer.slices
            continue
        for each in offer.slices:
            if each.name in names or (offer.unit in cards and each.place != offer.unit):
                if isinstance(each.used_by, Unknown):
                    yield each.name, each.used_by
                elif each.used_by:
                    yield each.name, ", ".join(each.used_by)


def refuse_used_mig(changes: Iterable[Change], system: System) -> None:
    """Leave MIG instances, and the modes of a card, with whoever uses them.

    Raises:
        StepError: somebody does, or who does could not be seen.
    """
    for change in changes:
        if isinstance(change, MakeGpuInstance):
            refuse_used(change, system)
        elif isinstance(change, SetMigMode):
            refuse_used_card(change.address, system)
        elif isinstance(change, SetMixedSizes):
            refuse_used_vgpus(change.address, system)


def _takes(change: _Taking) -> bool:
    """Claims that slices go when it is taken back: from one number of functions to another all of them do."""
    if isinstance(change, SetVfs | SwitchVfs):
        return change.after > 0 and change.after != change.before
    return isinstance(change, MakeMdev) or change.after > 0


def _name(change: _Taking) -> str:
    return change.uuid if isinstance(change, MakeMdev) else str(change.address)


def _card_of(address: Place, host: Host) -> Place:
    """The card of a virtual function; anything else is its own."""
    if isinstance(address, ParentName):
        return address
    function = None if isinstance(host.functions, Unknown) else host.functions.get(address)
    above = None if function is None else function.physical_function
    return above if isinstance(above, PciAddress) else address
