"""vGPUs over NVIDIA's own VFIO interface: a virtual function has one, by its type's number, or none."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from gpucloud.model.change import SetVgpuType
from gpucloud.model.pci import PciAddress
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError, known
from gpucloud.prepare.steps.slices.users import refuse_used_function

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_ATTRIBUTE = "nvidia/current_vgpu_type"
_MEANINGS = {
    errno.EIO: "the card has no room left for this type, or the manager does not run",
    errno.EBUSY: "a guest has it",
    errno.EPERM: "a guest has it, or the card is not in the mode that the type needs",
}


def do_type(change: SetVgpuType, system: System) -> None:
    """Make the vGPU; nothing to do where it is there already."""
    now = read_type(change.address, system)
    if now == change.after:
        return
    if now != change.before:
        raise NotAsPlannedError(f"{change.address} has a vGPU of type {now}, not {change.before}")
    _write(change.address, now, change.after, system)


def undo_type(change: SetVgpuType, system: System, *, force: bool) -> None:
    """Have the type that was before; with ``force`` whichever is there now."""
    now = read_type(change.address, system)
    if now == change.before:
        return
    if now != change.after and not force:
        raise StepError(f"somebody else has given {change.address} a vGPU of type {now}")
    _write(change.address, now, change.before, system)


def preview_type(change: SetVgpuType) -> Difference:
    """The file that it changes."""
    return Difference(sysfs.function(change.address, _ATTRIBUTE), str(change.before), str(change.after))


def read_type(address: PciAddress, system: System) -> int:
    """The number of the type that the function has a vGPU of; 0: none.

    Raises:
        StepError: the function does not show it.
    """
    text = known(system.read_text(sysfs.function(address, _ATTRIBUTE)))
    if text is None or not text.strip().isdecimal():
        raise StepError(f"{address} shows no vGPU type: it is gone, or NVIDIA's vGPU manager does not run")
    return int(text)


def _write(address: PciAddress, now: int, value: int, system: System) -> None:
    path = sysfs.function(address, _ATTRIBUTE)
    if now:
        refuse_used_function(address, system)
    try:
        system.write(path, str(value))
    except OSError as error:
        meaning = _MEANINGS.get(error.errno or 0)
        raise StepError(f"{path}: {error.strerror or error}{f' ({meaning})' if meaning else ''}") from error
    if not system.settles(lambda: read_type(address, system) == value):
        raise StepError(f"{path} says {read_type(address, system)} after {value} was written")
