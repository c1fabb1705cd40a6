"""MIG GPU instances made at their places and removed, with the compute instances in them.

NVIDIA's program alone does both, and neither in one go: a GPU instance can be there without its compute
instances, and be left so by a crash. So what is missing is made, whatever is there of it already. Source:
NVIDIA Multi-Instance GPU User Guide, "Creating GPU Instances" and "Destroying GPU Instances".
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gpucloud.model.change import MakeGpuInstance, RemoveGpuInstance
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError
from gpucloud.prepare.steps.slices.inside import refuse_used_instance
from gpucloud.prepare.steps.slices.smi import Seen, read_gpu_instances

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_Instance = MakeGpuInstance | RemoveGpuInstance


def make_instance(change: _Instance, system: System) -> None:
    """Have it there, with its compute instances; nothing to do where it is there already.

    Raises:
        NotAsPlannedError: another instance has its place.
        StepError: it cannot be made.
    """
    there = _at_place(change, system)
    if there is None:
        whole = ("-C",) if _is_default(change) else ()
        _run(change, system, "-cgi", f"{change.profile}:{change.start}", *whole)
        there = _at_place(change, system)
    if there is not None and (missing := _missing(change, there)) is not None:
        _run(change, system, "-gi", str(there.id), "-cci", *missing)
    if not system.settles(lambda: is_there(change, system)):
        raise StepError(f"{_call(change)} is not there after it was made")


def remove_instance(change: _Instance, system: System) -> None:
    """Have it gone with its compute instances; nothing to do where it is gone already.

    Raises:
        NotAsPlannedError: another instance has its place.
        StepError: somebody uses it, or it cannot be removed.
    """
    there = _at_place(change, system)
    if there is None:
        return
    refuse_used_instance(change.address, there.id, system)
    if there.compute:
        _run(change, system, "-gi", str(there.id), "-dci")
    _run(change, system, "-gi", str(there.id), "-dgi")
    if not system.settles(lambda: _at_place(change, system) is None):
        raise StepError(f"{_call(change)} is still there after it was removed")


def refuse_used(change: _Instance, system: System) -> None:
    """Leave it with whoever is in it, where it is there. Errors as of ``remove_instance``."""
    there = _at_place(change, system)
    if there is not None:
        refuse_used_instance(change.address, there.id, system)


def preview_made(change: MakeGpuInstance) -> Difference:
    """The instance that comes to be there."""
    return Difference(_place(change), None, change.name)


def preview_gone(change: RemoveGpuInstance) -> Difference:
    """The instance that goes."""
    return Difference(_place(change), change.name, None)


def is_there(change: _Instance, system: System) -> bool:
    """Claims that it is there whole; errors as of ``read_gpu_instances``."""
    there = _at_place(change, system)
    return there is not None and _missing(change, there) is None


def _at_place(change: _Instance, system: System) -> Seen | None:
    """What is at its place; numbers are the driver's, and may be others than before."""
    for each in read_gpu_instances(change.address, change.tool, system):
        if (each.start, each.profile) == (change.start, change.profile):
            return each
        if each.overlaps(change.start, change.size):
            raise NotAsPlannedError(
                f"GPU instance {each.id} of {change.address}, of profile {each.profile} at {each.start}, "
                f"has the place of {change.name} at {change.start}"
            )
    return None


def _is_default(change: _Instance) -> bool:
    """Claims that one compute instance that has all of it is wanted, as ``-C`` makes it."""
    return isinstance(change, MakeGpuInstance)


def _missing(change: _Instance, there: Seen) -> tuple[str, ...] | None:
    """What ``-cci`` is to make: profile ids, or nothing for the default; None: nothing is missing."""
    if isinstance(change, MakeGpuInstance):
        return None if there.compute else ()
    left = Counter(change.compute or ()) - Counter(there.compute)
    kinds = tuple(str(kind) for kind in (change.compute or ()) if _take(left, kind))
    return (",".join(kinds),) if kinds else None


def _take(left: Counter[int], kind: int) -> bool:
    left[kind] -= 1
    return left[kind] >= 0


def _run(change: _Instance, system: System, *words: str) -> None:
    try:
        system.run_tool((change.tool, "mig", "-i", str(change.address), *words))
    except OSError as error:
        raise StepError(f"{_call(change)}: {error}") from error


def _call(change: _Instance) -> str:
    return f"the MIG instance {change.name} at {change.start} of {change.address}"


def _place(change: _Instance) -> str:
    return f"memory slice {change.start} of {change.address}"
