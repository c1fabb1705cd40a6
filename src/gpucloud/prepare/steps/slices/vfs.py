"""Virtual functions of a card made and taken away, by the number that the kernel shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import SetVfs
from gpucloud.model.pci import PciAddress
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError, known
from gpucloud.prepare.steps.slices.users import refuse_used_vfs

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_ATTRIBUTE = "sriov_numvfs"


def do_vfs(change: SetVfs, system: System) -> None:
    """Make them; nothing to do where as many are there already."""
    now = count_vfs(change.address, system)
    if now not in (change.before, change.after, 0):
        raise NotAsPlannedError(f"{change.address} has {now} virtual functions, not {change.before}")
    _set(change.address, now, change.after, system)


def undo_vfs(change: SetVfs, system: System, *, force: bool) -> None:
    """Make as many as there were; with ``force`` however many there are now."""
    now = count_vfs(change.address, system)
    if now not in (change.before, change.after, 0) and not force:
        raise StepError(f"somebody else has given {change.address} {now} virtual functions")
    _set(change.address, now, change.before, system)


def preview_vfs(change: SetVfs) -> Difference:
    """The file that it changes."""
    return Difference(sysfs.function(change.address, _ATTRIBUTE), str(change.before), str(change.after))


def count_vfs(address: PciAddress, system: System) -> int:
    """How many virtual functions the card has now.

    Raises:
        StepError: it does not show it.
    """
    text = known(system.read_text(sysfs.function(address, _ATTRIBUTE)))
    if text is None or not text.strip().isdecimal():
        raise StepError(f"{address} shows no number of virtual functions: it is gone, or has no SR-IOV")
    return int(text)


def _set(address: PciAddress, now: int, wanted: int, system: System) -> None:
    """Write the number. From one to another it goes through none: the kernel says EBUSY otherwise.

    All that are there go on the way, also where more are wanted, so none of them may be in use.

    Source: drivers/pci/iov.c, ``sriov_numvfs_store``.
    """
    path = sysfs.function(address, _ATTRIBUTE)
    steps = [0, wanted] if now and wanted and now != wanted else [wanted] if now != wanted else []
    if now and steps:
        refuse_used_vfs(address, system)
    try:
        for number in steps:
            system.write(path, str(number))
    except OSError as error:
        raise StepError(f"{path}: {error.strerror or error}") from error
    if not system.settles(lambda: count_vfs(address, system) == wanted):
        raise StepError(f"{path} says {count_vfs(address, system)} after {wanted} was written")
