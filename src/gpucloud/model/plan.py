"""A plan: every change to a host as data, in order, with what was there before.

Each change holds enough to be done, looked at again and taken back without asking the host twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.model.pci import PciAddress


@dataclass(frozen=True, slots=True)
class LoadModule:
    """Load a kernel module that is not loaded now. Undo removes it again if nothing uses it."""

    module: str


@dataclass(frozen=True, slots=True)
class UnbindDriver:
    """Take a function from the driver that has it. Undo gives it back to that driver."""

    address: PciAddress
    driver: str


@dataclass(frozen=True, slots=True)
class SetDriverOverride:
    """Say which driver alone may take a function; ``None`` is no override.

    Source: Documentation/ABI/testing/sysfs-bus-pci, ``driver_override``.
    """

    address: PciAddress
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class BindDriver:
    """Give a function that has no driver to one. Undo leaves it without driver again."""

    address: PciAddress
    driver: str


Change = LoadModule | UnbindDriver | SetDriverOverride | BindDriver


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
    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order they are done. Undo goes from the last to the first."""

    host: str
    facts: str
    """Hash of the facts the plan was made from; a host with other facts refuses the plan."""
    units: tuple[PciAddress, ...]
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Claims that the host is already as asked."""
        return not self.steps
