"""Slices that a plan has made, and that somebody uses: taking them away would wait without end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.model.change import Change, MakeMdev, SetVfs, SetVgpuType, SwitchVfs
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown
from gpucloud.slices import Slice, offers_of


def users_of_cut(changes: Iterable[Change], host: Host) -> Iterator[tuple[str, str | Unknown]]:
    """Each slice that goes when these changes are taken back, with who uses it; free ones are left out."""
    there = [(offer.unit, each) for offer in offers_of(host) for each in _slices(offer.slices)]
    names = {
        change.uuid if isinstance(change, MakeMdev) else str(change.address)
        for change in changes
        if isinstance(change, MakeMdev) or (isinstance(change, SetVgpuType) and change.after)
    }
    cards = {
        change.address
        for change in changes
        if isinstance(change, SetVfs | SwitchVfs) and change.after > change.before
    }
    for unit, each in there:
        if each.name in names or (unit in cards and each.place != unit):
            if isinstance(each.used_by, Unknown):
                yield each.name, each.used_by
            elif each.used_by:
                yield each.name, ", ".join(each.used_by)


def _slices(slices: tuple[Slice, ...] | Unknown) -> tuple[Slice, ...]:
    return () if isinstance(slices, Unknown) else slices
