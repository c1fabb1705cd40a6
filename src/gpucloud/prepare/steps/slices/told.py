"""What NVIDIA's program says of what a change made or removed, in the words of its preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import MakeGpuInstance, RemoveGpuInstance, SetMigMode, SetMixedSizes
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.steps.slices.mig import read_mig, say_mode
from gpucloud.prepare.steps.slices.mixed import read_mixed
from gpucloud.prepare.steps.slices.smi import read_gpu_instances

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

TOLD = SetMigMode | SetMixedSizes | MakeGpuInstance | RemoveGpuInstance
"""Changes that no file shows."""


def tell(change: TOLD, system: System) -> str | None | Unknown:
    """The mode of the card, or what is at the place of the instance; None: nothing is."""
    if isinstance(change, SetMigMode):
        mode = read_mig(change.address, system, change.tool)
        return say_mode(mode) if isinstance(mode, bool) else mode
    if isinstance(change, SetMixedSizes):
        is_mixed = read_mixed(change.address, system, change.tool)
        return is_mixed if isinstance(is_mixed, Unknown) else say_mode(is_mixed)
    try:
        there = read_gpu_instances(change.address, change.tool, system)
    except StepError as error:
        return Unknown(str(error))
    for each in there:
        if (each.start, each.profile) == (change.start, change.profile):
            return change.name if each.compute or isinstance(change, RemoveGpuInstance) else "empty"
        if each.start == change.start:
            return f"profile {each.profile}"
    return None
