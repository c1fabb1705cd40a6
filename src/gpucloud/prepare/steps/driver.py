"""Functions taken from a driver and given to one, by address, through the driver's own files.

``drivers/NAME/bind`` and not ``drivers_probe``: it asks one driver and gives its error back
(drivers/base/bus.c, ``bind_store``), where a probe takes the first that matches and hides what failed
(drivers/base/dd.c, ``__device_attach_driver``).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from gpucloud.model.change import BindDriver, UnbindDriver
from gpucloud.model.pci import PciAddress
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.override import read_override, write_override
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_MEANINGS = {
    errno.EINVAL: "the driver refused it; vfio-pci does so where the function has no IOMMU group",
    errno.ENODEV: "the driver does not take this function",
    errno.ENOENT: "the kernel has no such driver; its module is not loaded",
    errno.EBUSY: "it is in use: another driver has it, or a guest has the group",
}


def do_unbind(change: UnbindDriver, system: System) -> None:
    """Take the function from its driver. Nothing to do where it has none already."""
    has = read_driver(change.address, system)
    if has not in (change.driver, None):
        raise NotAsPlannedError(f"{change.address} is with {has}, not with {change.driver} as planned")
    if has is not None:
        take(change.address, change.driver, system)


def undo_unbind(change: UnbindDriver, system: System) -> None:
    """Give the function back to the very driver that had it.

    The override names that driver until it has the function, so that no other one can come first,
    and so that an override that never matched it does not stand in the way.
    """
    has = read_driver(change.address, system)
    if has not in (change.driver, None):
        raise StepError(f"{change.address} is with {has} now, so {change.driver} cannot have it back")
    if has is None:
        if read_override(change.address, system) != change.driver:
            write_override(change.address, change.driver, system)
        give(change.address, change.driver, system)
    if read_override(change.address, system) == change.driver != change.override:
        write_override(change.address, change.override, system)


def do_bind(change: BindDriver, system: System) -> None:
    """Give the function to the driver. Nothing to do where it has it already."""
    has = read_driver(change.address, system)
    if has not in (change.driver, None):
        raise NotAsPlannedError(f"{change.address} is with {has}; {change.driver} cannot take it")
    if has is None:
        give(change.address, change.driver, system)


def undo_bind(change: BindDriver, system: System, *, force: bool) -> None:
    """Leave the function without driver; with ``force`` whichever has it now."""
    has = read_driver(change.address, system)
    if has not in (change.driver, None) and not force:
        raise StepError(f"{change.address} is with {has} now, not with {change.driver}")
    if has is not None:
        take(change.address, has, system)


def read_driver(address: PciAddress, system: System) -> str | None:
    """The driver that has the function now.

    Raises:
        StepError: the function is not there any more, or cannot be looked at.
    """
    target = known(system.read_link(sysfs.function(address, "driver")))
    if target is None and known(system.list_dir(sysfs.function(address, ""))) is None:
        raise StepError(f"{address} is not there any more")
    return None if target is None else target.rpartition("/")[2]


def take(address: PciAddress, driver: str, system: System) -> None:
    """Unbind, and see that it is unbound."""
    _write(sysfs.driver(driver, "unbind"), address, system)
    if not system.settles(lambda: read_driver(address, system) is None):
        raise StepError(f"{driver} still has {address}")


def give(address: PciAddress, driver: str, system: System) -> None:
    """Bind, and see that it is bound: a write that went well is no proof."""
    _write(sysfs.driver(driver, "bind"), address, system)
    if not system.settles(lambda: read_driver(address, system) == driver):
        raise StepError(
            f"{driver} did not take {address}: it has {read_driver(address, system) or 'no driver'}"
        )


def _write(path: str, address: PciAddress, system: System) -> None:
    try:
        system.write(path, str(address))
    except OSError as error:
        meaning = _MEANINGS.get(error.errno or 0)
        said = error.strerror or str(error)
        raise StepError(f"{path}: {said}{f' ({meaning})' if meaning else ''}") from error


def preview_unbind(change: UnbindDriver) -> Difference:
    """The file that it changes."""
    return Difference(sysfs.function(change.address, "driver"), change.driver, None)


def preview_bind(change: BindDriver) -> Difference:
    """The file that it changes."""
    return Difference(sysfs.function(change.address, "driver"), None, change.driver)
