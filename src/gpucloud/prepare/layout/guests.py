"""Guests of libvirt that are defined here: one that is off holds nothing, and wants its slice still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gpucloud.inventory.guests import read_defined_guests
from gpucloud.model.change import Change, MakeMdev, RemoveMdev, SetVfs, SetVgpuType, SwitchVfs
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.steps.slices.users import vfs_there

if TYPE_CHECKING:
    from gpucloud.model.pci import PciAddress
    from gpucloud.prepare.system import System


def notes_on_guests(changes: Sequence[Change], system: System) -> Iterator[str]:
    """What cannot be told of guests that are defined here.

    Raises:
        Failure: one of them has a slice that is to go.
    """
    gone = dict(_gone(changes, system))
    for found in _guests_of(gone, system):
        if isinstance(found, Unknown):
            yield found.why
            continue
        guest, wish = found
        raise Failure(
            _said(guest, gone[wish]),
            f"take it from the guest first: gpucloud vgpu detach {guest} {wish}; nothing was changed",
        )


def refuse_defined(changes: Sequence[Change], system: System, entry: str) -> None:
    """Leave slices that guests are defined with: these changes of a journal entry are to be taken back.

    Definitions that cannot be read keep nothing from being taken back: what runs holds its slice open.

    Raises:
        Failure: a guest is defined with one.
    """
    gone = dict(_gone_back(changes, system))
    for found in _guests_of(gone, system):
        if not isinstance(found, Unknown):
            guest, wish = found
            raise Failure(
                f"journal entry {entry} stays for now: {_said(guest, gone[wish])}",
                f"nothing was touched; take it from the guest first: gpucloud vgpu detach {guest} {wish}; "
                f"or have the guest lack it: gpucloud undo {entry} --force",
            )


def _said(guest: str, what: str) -> str:
    return f"guest {guest} is defined with {what}, and would not start without it"


def _guests_of(gone: Mapping[str, str], system: System) -> Iterator[tuple[str, str] | Unknown]:
    """Guests by name with what of it each is defined with, and what cannot be told of others."""
    for each in read_defined_guests(system) if gone else ():
        if isinstance(each, Unknown):
            yield Unknown(
                f"which guests that are off are to get these slices is not wholly known: {each.why}"
            )
        else:
            yield from ((each.name, device) for device in each.devices if device in gone)


def _gone(changes: Sequence[Change], system: System) -> Iterator[tuple[str, str]]:
    """Slices that go with the changes, by the name that a definition has for them."""
    for change in changes:
        if isinstance(change, RemoveMdev):
            yield _mediated(change.uuid)
        elif isinstance(change, SetVgpuType) and change.before and not change.after:
            yield _typed(change.address)
        elif isinstance(change, SetVfs | SwitchVfs) and change.before and change.after != change.before:
            yield from _virtual(change.address, system)


def _gone_back(changes: Sequence[Change], system: System) -> Iterator[tuple[str, str]]:
    """The same, where the changes are taken back."""
    for change in changes:
        if isinstance(change, MakeMdev):
            yield _mediated(change.uuid)
        elif isinstance(change, SetVgpuType) and change.after and not change.before:
            yield _typed(change.address)
        elif isinstance(change, SetVfs | SwitchVfs) and change.after and change.after != change.before:
            yield from _virtual(change.address, system)


def _mediated(uuid: str) -> tuple[str, str]:
    return uuid.lower(), f"mediated device {uuid}"


def _typed(address: PciAddress) -> tuple[str, str]:
    return str(address), f"the vGPU of {address}"


def _virtual(card: PciAddress, system: System) -> Iterator[tuple[str, str]]:
    """From one number of virtual functions to another all of them go."""
    try:
        there = vfs_there(card, system)
    except StepError as error:
        raise Failure(
            f"which virtual functions {card} has is not known: {error}", "run it as root"
        ) from error
    for address in there:
        yield str(address), f"virtual function {address}"
