"""The steps of a layout, as data and as the line that a person would type; and what a card's plan comes to.

Changes that a journal can hold are `Cut`; those of MIG instances are of this room.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from shlex import quote
from typing import Literal, assert_never

from gpucloud.model.change import Cut, MakeMdev, RemoveMdev, SetMigMode, SetVfs, SetVgpuType, SwitchVfs
from gpucloud.model.pci import PciAddress
from gpucloud.slices.layout.wish import Wish

_DEVICES = "/sys/bus/pci/devices"


@dataclass(frozen=True, slots=True)
class MakeGpuInstance:
    """Make a GPU instance at its place, with one compute instance in it. Source: nvidia-smi(1), ``mig``."""

    kind: Literal["make-gpu-instance"] = field(default="make-gpu-instance", kw_only=True)
    address: PciAddress
    profile: int
    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class RemoveGpuInstance:
    """Remove a GPU instance with its compute instances. The driver refuses where a program uses it."""

    kind: Literal["remove-gpu-instance"] = field(default="remove-gpu-instance", kw_only=True)
    address: PciAddress
    id: int
    name: str
    start: int


LayoutChange = Cut | MakeGpuInstance | RemoveGpuInstance


@dataclass(frozen=True, slots=True)
class Step:
    """One change, in its order."""

    change: LayoutChange
    commands: tuple[str, ...]
    """Lines that do it by hand."""


@dataclass(frozen=True, slots=True)
class CardPlan:
    """What becomes of one card."""

    host: str | None
    unit: PciAddress
    name: str
    wish: Wish
    steps: tuple[Step, ...]
    """In the order in which they are done; none with refusals."""
    kept: tuple[str, ...]
    """Slices that stay as they are."""
    refusals: tuple[str, ...] = ()
    """Why it cannot be reached, each with what to do."""
    notes: tuple[str, ...] = ()
    """What is not known before it is done, or to be heeded."""

    @property
    def is_done(self) -> bool:
        """Claims that the card is as wanted."""
        return not self.steps and not self.refusals


def step(change: LayoutChange) -> Step:
    """The step with its lines."""
    return Step(change, _commands(change))


def _commands(change: LayoutChange) -> tuple[str, ...]:
    place = f"{_DEVICES}/{change.address}"
    match change:
        case SetVfs():
            return (f"echo {change.after} > {place}/sriov_numvfs",)
        case SwitchVfs():
            return (f"/usr/lib/nvidia/sriov-manage {'-e' if change.after else '-d'} {change.address}",)
        case SetVgpuType():
            return (f"echo {change.after} > {place}/nvidia/current_vgpu_type",)
        case MakeMdev():
            folder = f"{place}/mdev_supported_types/{change.type}"
            return (f"echo {quote(change.uuid)} > {quote(f'{folder}/create')}",)
        case RemoveMdev():
            return (f"echo 1 > {quote(f'/sys/bus/mdev/devices/{change.uuid}/remove')}",)
        case SetMigMode() | MakeGpuInstance() | RemoveGpuInstance():
            return _mig_commands(change)
        case _:
            assert_never(change)


def _mig_commands(change: SetMigMode | MakeGpuInstance | RemoveGpuInstance) -> tuple[str, ...]:
    match change:
        case SetMigMode():
            return (f"nvidia-smi -i {change.address} -mig {int(change.after)}",)
        case MakeGpuInstance():
            return (f"nvidia-smi mig -i {change.address} -cgi {change.profile}:{change.start} -C",)
        case RemoveGpuInstance():
            tool = f"nvidia-smi mig -i {change.address}"
            return (f"{tool} -gi {change.id} -dci", f"{tool} -gi {change.id} -dgi")
        case _:
            assert_never(change)
