"""Guests with GPUs: what is asked for, and what is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpucloud.model.pci import PciAddress, PciClass, PciId


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """What a user asks for. The same on every cloud."""

    name: str
    gpus: int
    model: str | None = None
    """Part of a GPU's name or its ids; None takes any."""
    image: str | None = None
    """A bootable disk image; None boots the built-in check guest, which only reports and waits."""
    cpus: int = 2
    memory_mib: int = 2048
    lifetime_s: int | None = None
    """The guest is ended after this time, counted from its start; None: until it is destroyed."""


class GuestState(Enum):
    """The life of a guest, as every cloud can tell it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SeenFunction:
    """One PCI function as the guest's own kernel printed it."""

    address: PciAddress
    id: PciId
    pci_class: PciClass


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest that gpucloud made."""

    name: str
    state: GuestState
    units: tuple[PciAddress, ...]
    """The host's GPU units it has."""
    functions: tuple[PciAddress, ...]
    """All host functions it has, companions included."""
    seen: tuple[SeenFunction, ...] | None
    """What the guest reported; None before it did."""
    image: str | None
    started_at_s: float
    """Unix time."""
    ends_at_s: float | None
    """Unix time at which it is ended by itself; None: never."""
