"""A plan: every change to a host as data, in order, with what was there before.

Each change holds enough to be done, looked at again and taken back without asking the host twice.
``kind`` tells the changes apart in stored plans and journals; a kind never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gpucloud.model.pci import PciAddress


@dataclass(frozen=True, slots=True)
class LoadModule:
    """Load a kernel module that is not loaded now. Undo removes it again if nothing uses it."""

    kind: Literal["load-module"] = field(default="load-module", kw_only=True)
    module: str
    brings: tuple[str, ...] = ()
    """Modules that come with it and are not loaded now, in the order in which they can be removed."""
    did_without: tuple[int, ...] = ()
    """IOMMU groups that VFIO has now, without this module: they do not need it after undo either."""


@dataclass(frozen=True, slots=True)
class DetachConsole:
    """Take the text consoles from a console driver; the one before it (dummy or VGA) takes over.

    Undo gives them back. Source: Documentation/fb/fbcon.rst, section C.
    """

    kind: Literal["detach-console"] = field(default="detach-console", kw_only=True)
    console: str
    """``vtcon1``: its number can be another one after undo, so undo looks for the driver."""
    driver: str
    """``frame buffer device``: the console driver's own description."""


@dataclass(frozen=True, slots=True)
class ReleaseFramebuffer:
    """Take a boot-time framebuffer (a platform device) from its driver, which frees the BAR.

    Undo gives it back, where the kernel kept the device.
    """

    kind: Literal["release-framebuffer"] = field(default="release-framebuffer", kw_only=True)
    device: str
    driver: str


@dataclass(frozen=True, slots=True)
class SetDriverOverride:
    """Say which driver alone may take a function; ``None`` is no override.

    Source: Documentation/ABI/testing/sysfs-bus-pci, ``driver_override``.
    """

    kind: Literal["set-driver-override"] = field(default="set-driver-override", kw_only=True)
    address: PciAddress
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class UnbindDriver:
    """Take a function from the driver that has it. Undo gives it back to that very driver."""

    kind: Literal["unbind-driver"] = field(default="unbind-driver", kw_only=True)
    address: PciAddress
    driver: str
    override: str | None
    """The override that stood while the driver had it, and stands again after undo."""


@dataclass(frozen=True, slots=True)
class BindDriver:
    """Give a function that has no driver to one. Undo leaves it without driver again."""

    kind: Literal["bind-driver"] = field(default="bind-driver", kw_only=True)
    address: PciAddress
    driver: str


Change = LoadModule | DetachConsole | ReleaseFramebuffer | SetDriverOverride | UnbindDriver | BindDriver


@dataclass(frozen=True, slots=True)
class Step:
    """One change, with the reason a user reads and the unit it serves."""

    change: Change
    because: str
    unit: PciAddress


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a unit cannot be given away now, and what to do about it."""

    unit: PciAddress
    cause: str
    """An id of the taxonomy where one fits, else one of prepare's own; it never changes its meaning."""
    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact that a plan rests on: the file or question, and what it said."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order they are done. Undo goes from the last to the first.

    A plan with refusals has no steps: units that were asked for together go together or not at all.
    """

    host: str
    units: tuple[PciAddress, ...]
    is_forced: bool
    """The user accepted to lose the last console."""
    facts: tuple[Fact, ...]
    """What the plan was made from; a host with other facts refuses the plan."""
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Claims that the host is already as asked."""
        return not self.steps and not self.refusals
