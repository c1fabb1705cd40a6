"""Which host function appears where in the guest: a unit becomes one multifunction device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import PciFunction

FUNCTIONS_PER_SLOT = 8
"""PCI has three bits for the function number."""


@dataclass(frozen=True, slots=True)
class GuestSlot:
    """One slot of the guest, behind a PCIe root port of its own: function numbers and what is there.

    The first has number 0: without function 0 a guest does not look at the others (PCI 3.0, 3.2.2.3.4).
    """

    functions: tuple[tuple[int, PciFunction], ...]


def guest_slots(units: Sequence[GpuUnit]) -> tuple[GuestSlot, ...]:
    """Give every unit one slot; a unit of more than eight functions gets further slots.

    Functions keep the numbers they have on the host, so that drivers which look for a companion at
    ``.1`` find it. Where that cannot be (no function 0, or functions of several host slots), they are
    numbered in the unit's order, the display or accelerator function first.
    """
    return tuple(slot for unit in units for slot in _slots_of(unit.functions))


def _slots_of(functions: Sequence[PciFunction]) -> Iterable[GuestSlot]:
    numbers = {function.address.function for function in functions}
    slots = {function.address.slot for function in functions}
    if len(slots) == 1 and 0 in numbers:
        kept = sorted(functions, key=lambda function: function.address)
        yield GuestSlot(tuple((function.address.function, function) for function in kept))
        return
    for first in range(0, len(functions), FUNCTIONS_PER_SLOT):
        yield GuestSlot(tuple(enumerate(functions[first : first + FUNCTIONS_PER_SLOT])))
