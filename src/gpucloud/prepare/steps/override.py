"""The driver override of a function: which driver alone may take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import SetDriverOverride
from gpucloud.model.pci import PciAddress
from gpucloud.prepare import sysfs
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_NONE = ("", "(null)")
"""How the kernel shows that there is none: ``sysfs_emit("%s\\n", NULL)`` gives ``(null)``."""


def do_override(change: SetDriverOverride, system: System) -> None:
    """Set the override; nothing to do where it stands already."""
    _move(change.address, change.before, change.after, system)


def undo_override(change: SetDriverOverride, system: System, *, force: bool) -> None:
    """Set the override that stood before; with ``force`` whichever stands now."""
    expected = read_override(change.address, system) if force else change.after
    _move(change.address, expected, change.before, system)


def _move(address: PciAddress, old: str | None, new: str | None, system: System) -> None:
    now = read_override(address, system)
    if now == new:
        return
    if now != old:
        raise NotAsPlannedError(f"the driver override of {address} is {now or 'none'}, not {old or 'none'}")
    write_override(address, new, system)


def read_override(address: PciAddress, system: System) -> str | None:
    """The override that stands now; None: none.

    Raises:
        StepError: the file is not there or cannot be read.
    """
    text = known(system.read_text(sysfs.function(address, "driver_override")))
    if text is None:
        raise StepError(f"{address} has no driver_override: it is gone, or the kernel is older than 3.16")
    return None if text.strip() in _NONE else text.strip()


def write_override(address: PciAddress, driver: str | None, system: System) -> None:
    """Set the override, and see that it stands.

    It is cleared with a newline: a write of nothing never reaches the driver core (fs/sysfs/file.c,
    ``sysfs_kf_write`` returns at once).
    """
    path = sysfs.function(address, "driver_override")
    try:
        system.write(path, driver if driver is not None else "\n")
    except OSError as error:
        raise StepError(f"{path}: {error.strerror or error}") from error
    if (now := read_override(address, system)) != driver:
        raise StepError(f"{path} says {now or 'none'} after {driver or 'none'} was written")


def preview_override(change: SetDriverOverride) -> Difference:
    """The file that it changes."""
    return Difference(sysfs.function(change.address, "driver_override"), change.before, change.after)
