"""Cards that are not there: they make and remove slices as the driver does, and refuse what it does.

Time-shared vGPUs as NVIDIA's documentation has them: one size on a card, its memory, one on each virtual
function. MIG instances by their places.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gpucloud.model.change import (
    MakeGpuInstance,
    MakeMdev,
    RemoveGpuInstance,
    RemoveMdev,
    SetMigMode,
    SetVgpuType,
)
from gpucloud.model.pci import PciAddress
from gpucloud.slices.layout.draft import function_of
from gpucloud.slices.layout.step import CardPlan
from gpucloud.slices.mig.card import GpuInstance, MigCard, MigProfile
from gpucloud.slices.mig.pack import Placed, mask_of_all
from gpucloud.slices.profile import Interface, Offer, Profile, Slice

CARD = PciAddress.parse("0000:3b:00.0")
GIB = 1024


@dataclass
class SharedCard:
    """A card of 16 GiB that vGPUs share by time."""

    interface: Interface
    vfs: tuple[PciAddress, ...]
    made: dict[str, tuple[PciAddress, int]] = field(default_factory=dict)
    """Name to place and GiB."""
    used: frozenset[str] = frozenset()
    whole: int = 16

    def room(self, gib: int) -> int:
        sizes = {size for _, size in self.made.values()}
        left = self.whole - sum(size for _, size in self.made.values())
        return left // gib if not sizes or sizes == {gib} else 0

    def free(self) -> tuple[PciAddress, ...]:
        held = {place for place, _ in self.made.values()}
        return tuple(place for place in self.vfs if place not in held)

    def make(self, name: str, place: PciAddress, gib: int) -> None:
        assert self.room(gib) > 0, "no room"
        assert name not in self.made
        assert place == CARD if not self.vfs else place in self.free()
        self.made[name] = (place, gib)

    def follow(self, plan: CardPlan) -> None:
        """Do the steps of a plan."""
        for step in plan.steps:
            change = step.change
            if isinstance(change, MakeMdev):
                self.make(change.uuid, function_of(change.address), int(change.type.removeprefix("nvidia-")))
            elif isinstance(change, RemoveMdev):
                self.remove(change.uuid)
            elif isinstance(change, SetVgpuType) and change.after:
                self.make(str(change.address), change.address, change.after)
            elif isinstance(change, SetVgpuType):
                self.remove(str(change.address))
            else:
                pytest.fail(f"no step of such a card: {change}")

    def remove(self, name: str) -> None:
        assert name not in self.used
        del self.made[name]

    def sizes(self) -> list[int]:
        return sorted(size for _, size in self.made.values())

    def offer(self) -> Offer:
        slices = tuple(
            Slice(place, name, self._id(size), f"NVIDIA X-{size}Q", ("guest g",) if name in self.used else ())
            for name, (place, size) in self.made.items()
        )
        return Offer(
            unit=CARD,
            name="X",
            driver="nvidia",
            users=(),
            interface=self.interface,
            profiles=tuple(self._profile(gib) for gib in (1, 2, 4, 8, 16) if self._is_listed(gib)),
            slices=slices,
            vfs=self.vfs,
            most_vfs=len(self.vfs),
            mig=None,
            why_none=None,
        )

    def _id(self, gib: int) -> str:
        return str(gib) if self.interface is Interface.VENDOR_VFIO else f"nvidia-{gib}"

    def _is_listed(self, gib: int) -> bool:
        """NVIDIA's own interface lists what can be made; with what is there it is all that can be known."""
        is_there = any(size == gib for _, size in self.made.values())
        return self.interface is not Interface.VENDOR_VFIO or is_there or self.room(gib) > 0

    def _profile(self, gib: int) -> Profile:
        room = self.room(gib)
        places = ((CARD,) if not self.vfs else self.free()) if room else ()
        is_told = self.interface is not Interface.VENDOR_VFIO or not self.made
        fits = room if not self.vfs else min(room, len(places)) if is_told else len(places)
        return Profile(
            id=self._id(gib),
            name=f"NVIDIA X-{gib}Q",
            memory_mib=gib * GIB,
            edition="vWS",
            mig_slices=None,
            is_mig=False,
            fits=fits,
            is_at_most=len(places) > 1,
            rules=(),
            places=places,
        )


@dataclass
class InstanceCard:
    """A card with MIG."""

    profiles: tuple[MigProfile, ...]
    is_on: bool = True
    made: dict[int, Placed] = field(default_factory=dict)

    def make(self, profile: MigProfile, start: int) -> None:
        placed = Placed(start, profile)
        assert self.is_on
        assert start in profile.starts
        assert not placed.mask & mask_of_all(self.made.values()), "the place is taken"
        assert sum(each.profile == profile for each in self.made.values()) < profile.total
        self.made[max(self.made, default=0) + 1] = placed

    def follow(self, plan: CardPlan) -> None:
        """Do the steps of a plan."""
        kinds = {kind.id: kind for kind in self.profiles}
        for step in plan.steps:
            change = step.change
            if isinstance(change, SetMigMode):
                self.is_on = change.after
            elif isinstance(change, MakeGpuInstance):
                self.make(kinds[change.profile], change.start)
            elif isinstance(change, RemoveGpuInstance):
                assert self.made.pop(change.id).start == change.start
            else:
                pytest.fail(f"no step of such a card: {change}")

    def names(self) -> list[str]:
        return sorted(each.profile.name for each in self.made.values())

    def offer(self) -> Offer:
        instances = tuple(
            GpuInstance(id_, each.profile.id, each.profile.name, each.start, each.profile.size, (0,))
            for id_, each in self.made.items()
        )
        return Offer(
            unit=CARD,
            name="X",
            driver="nvidia",
            users=(),
            interface=None,
            profiles=(),
            slices=(),
            vfs=(),
            most_vfs=0,
            mig=MigCard(self.is_on, self.is_on, self.profiles, instances),
            why_none=None,
        )
