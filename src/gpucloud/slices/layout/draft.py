"""What is gathered while the plan of one card is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gpucloud.model.change import Cut, SwitchVfs
from gpucloud.model.pci import ParentName, PciAddress, Place
from gpucloud.model.unknown import Unknown
from gpucloud.slices.layout.step import CardPlan, step
from gpucloud.slices.layout.wish import Wish
from gpucloud.slices.profile import Offer, Slice


def function_of(place: Place) -> PciAddress:
    """The PCI function that a place is.

    Raises:
        TypeError: it is none, and has no interface that would ask.
    """
    if isinstance(place, ParentName):
        raise TypeError(f"{place} is no PCI function")
    return place


@dataclass(slots=True)
class Draft:
    """The plan of one card, begun."""

    offer: Offer
    wish: Wish
    host: str | None
    changes: list[Cut] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def card(self) -> PciAddress:
        """Its address, for what PCI functions alone have: MIG, virtual functions."""
        return function_of(self.offer.unit)

    def refuse(self, why: str) -> None:
        """Say why it cannot be reached: no step is taken then."""
        if why not in self.refusals:
            self.refusals.append(why)

    def refuse_used(self, slices: Iterable[Slice]) -> None:
        """Nothing that somebody uses, or may use, is taken away."""
        for each in slices:
            if isinstance(each.used_by, Unknown):
                why = each.used_by.why
                self.refuse(f"who uses {each.name} cannot be told ({why}): plan as root, on the host")
            elif each.used_by:
                self.refuse(f"{each.name} would go, and {', '.join(each.used_by)} uses it: end that first")

    def switch_vfs(self, count: int) -> None:
        """Have NVIDIA's tool make all virtual functions; it takes the card from its driver for a moment."""
        self.changes.append(SwitchVfs(address=self.card, before=0, after=count))
        if isinstance(self.offer.users, tuple) and self.offer.users:
            who = ", ".join(self.offer.users)
            self.notes.append(f"{who} has the card open: if sriov-manage cannot take it, end that first")

    def plan(self) -> CardPlan:
        """What it comes to."""
        changes = () if self.refusals else tuple(self.changes)
        return CardPlan(
            host=self.host,
            unit=self.offer.unit,
            name=self.offer.name,
            wish=self.wish,
            steps=tuple(map(step, changes)),
            kept=tuple(self.kept),
            refusals=tuple(self.refusals),
            notes=() if self.refusals else tuple(self.notes),
        )
