"""The old start kept and let go, the new one tried: each effect looks first, so that all can be repeated."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from gpucloud.model.change import KeepOldStart, TryNewStart, WriteFile
from gpucloud.prepare.steps.fallback.environment import VARIABLE, read_variable
from gpucloud.prepare.steps.fallback.variable import read_block, set_variable
from gpucloud.prepare.steps.file import do_write, foreign_file, preview_write, undo_write
from gpucloud.prepare.steps.seen import Difference, Foreign, StepError

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

_OLD = "0"


def do_keep(change: KeepOldStart, system: System) -> None:
    """Copy the initramfs, write the entry, and have it taken from now on."""
    try:
        system.copy(change.initramfs, change.copy)
    except OSError as error:
        room = "; make room there, then apply again" if error.errno == errno.ENOSPC else ""
        raise StepError(
            f"{change.initramfs} could not be kept as {change.copy}: {_say(error)}{room}"
        ) from error
    do_write(_entry(change), system)
    _set(change.environment, _OLD, system)


def undo_keep(change: KeepOldStart, system: System, *, force: bool) -> None:
    """Have the usual entry taken again, then take the old one away."""
    _set(change.environment, None, system)
    undo_write(_entry(change), system, force=force)
    _forget(change, system)


def foreign_entry(change: KeepOldStart, system: System) -> Foreign | None:
    """What somebody else made of GRUB's drop-in file; None where it is as before or as planned."""
    return foreign_file(_entry(change), system)


def disarm(change: KeepOldStart, system: System) -> None:
    """Trust the new start: nothing is counted any more, and the copy goes. The entry is not shown then.

    Raises:
        StepError: the environment cannot be written, or the copy not removed.
    """
    _set(change.environment, None, system)
    _forget(change, system)


def do_try(change: TryNewStart, system: System) -> None:
    """Have the new start taken so many times."""
    _set(change.environment, str(change.tries), system)


def undo_try(change: TryNewStart, system: System) -> None:
    """Have what was taken before; nothing to do where the new start is trusted already."""
    if read_variable(read_block(change.environment, system).text) is not None:
        _set(change.environment, str(change.before), system)


def take_old(change: KeepOldStart, system: System) -> None:
    """Have the old entry taken at the next start, if it is still kept.

    Raises:
        StepError: the environment cannot be written.
    """
    undo_try(TryNewStart(environment=change.environment, tries=0), system)


def takes_old(change: KeepOldStart, system: System) -> bool:
    """Claims that the boot loader takes the old entry at the next start.

    Raises:
        StepError: the environment cannot be read.
    """
    return read_variable(read_block(change.environment, system).text) == _OLD


def preview_keep(change: KeepOldStart) -> Difference:
    """GRUB's drop-in file before and after."""
    return preview_write(_entry(change))


def preview_try(change: TryNewStart) -> Difference:
    """The variable in GRUB's environment."""
    return Difference(change.environment, f"{VARIABLE}={change.before}", f"{VARIABLE}={change.tries}")


def _entry(change: KeepOldStart) -> WriteFile:
    return WriteFile(path=change.config, before=change.before, after=change.after)


def _forget(change: KeepOldStart, system: System) -> None:
    try:
        system.remove(change.copy)
    except OSError as error:
        raise StepError(f"{change.copy} could not be removed: {_say(error)}") from error


def _set(path: str, value: str | None, system: System) -> None:
    set_variable(path, VARIABLE, value, system)


def _say(error: OSError) -> str:
    return error.strerror or str(error)
