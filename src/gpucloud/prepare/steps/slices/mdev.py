"""Mediated devices made of a function by their UUID, and removed.

Source: Documentation/driver-api/vfio-mediated-device.rst; drivers/vfio/mdev/mdev_sysfs.c, ``create_store``
and ``remove_store``.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from gpucloud.model.change import MakeMdev, RemoveMdev
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError, known
from gpucloud.prepare.steps.slices.users import refuse_used_mdev

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_MEANINGS = {
    errno.EINVAL: "the card is cut into another type, or its manager does not run",
    errno.ENOSPC: "the card has no room left for this type",
    errno.EUSERS: "the card has no room left for this type",
    errno.ENOENT: "the card does not offer this type",
    errno.EBUSY: "a guest has it",
}


def make(change: MakeMdev | RemoveMdev, system: System) -> None:
    """Have it there, of its type and with its UUID; nothing to do where it is there already."""
    there = read_mdev(change.uuid, system)
    if there is None:
        path = sysfs.parent(change.address, f"mdev_supported_types/{change.type}/create")
        _write(path, change.uuid, system)
        if not system.settles(lambda: read_mdev(change.uuid, system) == change.type):
            raise StepError(f"the mediated device {change.uuid} is not there after it was made")
    elif there != change.type:
        raise StepError(f"the mediated device {change.uuid} is there, of type {there}, not {change.type}")


def remove(change: MakeMdev | RemoveMdev, system: System) -> None:
    """Have it gone; nothing to do where it is gone already.

    Raises:
        NotAsPlannedError: somebody has made another device with that UUID.
        StepError: somebody has it open, or who has could not be seen.
    """
    there = read_mdev(change.uuid, system)
    if there is None:
        return
    if there != change.type:
        raise NotAsPlannedError(f"the mediated device {change.uuid} is of type {there}, not {change.type}")
    refuse_used_mdev(change.uuid, system)
    _write(f"{sysfs.MDEVS}/{change.uuid}/remove", "1", system)
    if not system.settles(lambda: read_mdev(change.uuid, system) is None):
        raise StepError(f"the mediated device {change.uuid} is still there after it was removed")


def preview_make(change: MakeMdev) -> Difference:
    """The device that comes to be there."""
    return Difference(_type_of(change.uuid), None, change.type)


def preview_remove(change: RemoveMdev) -> Difference:
    """The device that goes."""
    return Difference(_type_of(change.uuid), change.type, None)


def read_mdev(uuid: str, system: System) -> str | None:
    """The type of the device with that UUID; None where there is none."""
    target = known(system.read_link(_type_of(uuid)))
    return None if target is None else target.rpartition("/")[2]


def _type_of(uuid: str) -> str:
    return f"{sysfs.MDEVS}/{uuid}/mdev_type"


def _write(path: str, text: str, system: System) -> None:
    try:
        system.write(path, text)
    except OSError as error:
        meaning = _MEANINGS.get(error.errno or 0)
        raise StepError(f"{path}: {error.strerror or error}{f' ({meaning})' if meaning else ''}") from error
