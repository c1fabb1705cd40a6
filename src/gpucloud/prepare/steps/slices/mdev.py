"""Mediated devices made of a function by their UUID, and removed.

Source: Documentation/driver-api/vfio-mediated-device.rst; drivers/vfio/mdev/mdev_sysfs.c, ``create_store``
and ``remove_store``.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from gpucloud.model.change import MakeMdev
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_MEANINGS = {
    errno.EINVAL: "the card is cut into another type, or its manager does not run",
    errno.ENOSPC: "the card has no room left for this type",
    errno.EUSERS: "the card has no room left for this type",
    errno.ENOENT: "the card does not offer this type",
}


def do_mdev(change: MakeMdev, system: System) -> None:
    """Make it; nothing to do where it is there already."""
    there = read_mdev(change.uuid, system)
    if there is None:
        path = sysfs.function(change.address, f"mdev_supported_types/{change.type}/create")
        _write(path, change.uuid, system)
        if not system.settles(lambda: read_mdev(change.uuid, system) == change.type):
            raise StepError(f"the mediated device {change.uuid} is not there after it was made")
    elif there != change.type:
        raise StepError(f"the mediated device {change.uuid} is there, of type {there}, not {change.type}")


def undo_mdev(change: MakeMdev, system: System) -> None:
    """Remove it; nothing to do where it is gone."""
    if read_mdev(change.uuid, system) is None:
        return
    _write(f"{sysfs.MDEVS}/{change.uuid}/remove", "1", system)
    if not system.settles(lambda: read_mdev(change.uuid, system) is None):
        raise StepError(f"the mediated device {change.uuid} is still there after it was removed")


def preview_mdev(change: MakeMdev) -> Difference:
    """The device that comes to be there."""
    return Difference(f"{sysfs.MDEVS}/{change.uuid}", None, f"{change.type} of {change.address}")


def read_mdev(uuid: str, system: System) -> str | None:
    """The type of the device with that UUID; None where there is none."""
    target = known(system.read_link(f"{sysfs.MDEVS}/{uuid}/mdev_type"))
    return None if target is None else target.rpartition("/")[2]


def _write(path: str, text: str, system: System) -> None:
    try:
        system.write(path, text)
    except OSError as error:
        meaning = _MEANINGS.get(error.errno or 0)
        raise StepError(f"{path}: {error.strerror or error}{f' ({meaning})' if meaning else ''}") from error
