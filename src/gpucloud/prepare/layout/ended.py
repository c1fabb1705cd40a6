"""What a restart has ended of a layout whose undo was begun: a start made its slices again, or it did not."""

from __future__ import annotations

from gpucloud.model.change import Change, MakeGpuInstance, MakeMdev, SetVfs, SetVgpuType, SwitchVfs
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.steps.slices.smi import read_gpu_instances
from gpucloud.prepare.system import System


def is_ended(change: Change, system: System, *, is_start: bool) -> bool:
    """Claims that nothing of what the change made is in this boot; what cannot be seen may be.

    Args:
        change: one of a layout's.
        system: the host.
        is_start: a start asks: what layouts have cut away is not made by it for an undo's sake.
    """
    match change:
        case MakeMdev():
            return system.read_link(f"{sysfs.MDEVS}/{change.uuid}/mdev_type") is None
        case SetVgpuType() if change.after:
            return _is_none(sysfs.function(change.address, "nvidia/current_vgpu_type"), system)
        case SetVfs() | SwitchVfs() if change.after:
            return _is_none(sysfs.function(change.address, "sriov_numvfs"), system)
        case MakeGpuInstance():
            return _is_lost(change, system)
        case _:
            return is_start


def _is_lost(change: MakeGpuInstance, system: System) -> bool:
    try:
        return all(
            (each.start, each.profile) != (change.start, change.profile)
            for each in read_gpu_instances(change.address, change.tool, system)
        )
    except StepError:
        return False


def _is_none(path: str, system: System) -> bool:
    text = system.read_text(path)
    return not isinstance(text, Unknown) and (text is None or text.strip() == "0")
