"""What the GPUs of a host offer of the types that nova is told, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Machine
from gpucloud.nova.mdev.choose import MdevTypes


@dataclass(frozen=True, slots=True)
class Parent:
    """A GPU of which nova makes mediated devices.

    Args:
        address: as libvirt has it, or as a section writes it where the host has no such device; libvirt's
            name of a parent that is no PCI function (``mtty_mtty``).
        type: the type that nova takes for it.
        resource_class: under which Placement is told of them.
        offers: the types that it offers; None where the host has no such device.
        is_named: a section names it; else it is one of all others.
    """

    address: str
    type: str
    resource_class: str
    offers: tuple[str, ...] | None | Unknown
    is_named: bool

    @property
    def is_right(self) -> bool | Unknown:
        """Whether it offers the type."""
        if isinstance(self.offers, Unknown):
            return self.offers
        return self.offers is not None and self.type in self.offers


def parents_of(types: MdevTypes, machine: Machine) -> tuple[Parent, ...]:
    """The GPUs that sections name, and all others with mdev types where a type is for all of them."""
    return tuple(_parents(types, machine))


def _parents(types: MdevTypes, machine: Machine) -> Iterator[Parent]:
    for address in sorted(types.by_address.keys() | machine.devices.keys()):
        device = machine.devices.get(address)
        kind = types.type_of(address)
        offers = _beside(address, machine) if device is None else device.mdev_types
        is_named = address in types.by_address
        if kind is not None and (is_named or (isinstance(offers, tuple) and offers)):
            yield Parent(address, kind, types.class_of(address), offers, is_named)


def _beside(address: str, machine: Machine) -> tuple[str, ...] | Unknown | None:
    """What something that is no PCI function offers; None where the host surely has no such device."""
    if ":" not in address:
        parents = machine.parents
        return parents if isinstance(parents, Unknown) else parents.get(address)
    told = (line for line in machine.unread if line.startswith((f"{address}:", "PCI functions:")))
    return next(map(Unknown, told), None)
