"""Kernel modules loaded, and removed again where nothing uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import LoadModule
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_load(change: LoadModule, system: System) -> None:
    """Load the module; modprobe itself finds that one is there already."""
    try:
        system.load_module(change.module, change.options)
    except OSError as error:
        raise StepError(f"the module {change.module} could not be loaded: {error}") from error


def undo_load(change: LoadModule, system: System) -> str | None:
    """Remove what was loaded; gives the reason where something else uses it now and it stays.

    A driver's module can be removed under the functions it has, and takes them along
    (drivers/base/dd.c, ``driver_detach``): its use count does not count them. And a function that somebody
    else has given to VFIO since needs the other modules when its guest starts.
    """
    if users := _newcomers(change, system):
        return f"{change.module} stays: VFIO has {users}"
    for name in (change.module, *change.brings):
        if reason := _remove(name, system):
            return reason
    return None


def _remove(name: str, system: System) -> str | None:
    folder = sysfs.module(name)
    if known(system.read_text(f"{folder}/initstate")) is None:
        return None  # not loaded, or part of the kernel image: only loaded modules have this file
    if user := _user(folder, system):
        return f"{name} stays: it is in use ({user})"
    try:
        system.remove_module(name.replace("-", "_"))
    except OSError as error:
        raise StepError(f"the module {name} could not be removed: {error}") from error
    if not system.settles(lambda: known(system.read_text(f"{folder}/initstate")) is None):
        raise StepError(f"the module {name} is still there after it was removed")
    return None


def _user(folder: str, system: System) -> str | None:
    """A function that a driver of the module has, or the module's use count where it is not zero."""
    for driver in known(system.list_dir(f"{folder}/drivers")) or ():
        for name in known(system.list_dir(f"{folder}/drivers/{driver}")) or ():
            if name.count(":") == 2:
                return name
    count = (known(system.read_text(f"{folder}/refcnt")) or "").strip()
    return count if count not in ("", "0") else None


def _newcomers(change: LoadModule, system: System) -> str:
    """What has come to VFIO since the module was loaded."""
    groups, devices = (known(system.list_dir(folder)) or () for folder in sysfs.VFIO_DEVICES)
    before = {str(group) for group in change.did_without}
    if new := [group for group in groups if group not in before]:
        return f"IOMMU group {', '.join(new)}"
    return "" if groups else ", ".join(devices)


def preview_load(change: LoadModule) -> Difference:
    """The file that it changes."""
    return Difference(sysfs.module(change.module), None, "loaded")
