"""Steps of a layout, as data and as the lines that a person would type; and what a card's plan comes to."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import assert_never

from gpucloud.model.change import (
    Cut,
    MakeGpuInstance,
    MakeMdev,
    RemoveGpuInstance,
    RemoveMdev,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
)
from gpucloud.model.pci import ParentName, Place
from gpucloud.slices.layout.wish import Wish

_DEVICES = "/sys/bus/pci/devices"
_PARENTS = "/sys/class/mdev_bus"


@dataclass(frozen=True, slots=True)
class Step:
    """One change, in its order."""

    change: Cut
    commands: tuple[str, ...]
    """Lines that do it by hand."""


@dataclass(frozen=True, slots=True)
class CardPlan:
    """What becomes of one card."""

    host: str | None
    unit: Place
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


def step(change: Cut) -> Step:
    """The step with its lines."""
    return Step(change, _commands(change))


def _commands(change: Cut) -> tuple[str, ...]:
    place = f"{_PARENTS if isinstance(change.address, ParentName) else _DEVICES}/{change.address}"
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
        case SetMixedSizes():
            return (f"nvidia-smi vgpu -i {change.address} -shm {int(change.after)}",)
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
