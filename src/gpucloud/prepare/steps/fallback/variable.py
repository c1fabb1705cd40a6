"""One variable in GRUB's environment block set, and set back as it was."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING

from gpucloud.model.change import Content, FileState, SetGrubVariable
from gpucloud.prepare.steps.fallback.environment import read_variable, with_variable
from gpucloud.prepare.steps.seen import Difference, Foreign, NotAsPlannedError, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_set(change: SetGrubVariable, system: System) -> None:
    """Set it; nothing to do where it is so already."""
    now = read_variable(read_block(change.path, system).text, change.variable)
    if now not in (change.before, change.after):
        raise NotAsPlannedError(f"{change.path} does not say of {change.variable} what it did")
    set_variable(change.path, change.variable, change.after, system)


def undo_set(change: SetGrubVariable, system: System, *, force: bool) -> None:
    """Set it back; with ``force`` whatever it is now."""
    now = read_variable(read_block(change.path, system).text, change.variable)
    if now not in (change.before, change.after) and not force:
        raise StepError(f"somebody else has changed {change.variable} in {change.path} since")
    set_variable(change.path, change.variable, change.before, system)


def foreign_variable(change: SetGrubVariable, system: System) -> Foreign | None:
    """What somebody else made of the variable; None where it is as before or as planned."""
    now = read_variable(read_block(change.path, system).text, change.variable)
    if now in (change.before, change.after):
        return None
    return Foreign(change.path, _line(change, now))


def preview_set(change: SetGrubVariable) -> Difference:
    """The variable before and after."""
    return Difference(change.path, _line(change, change.before), _line(change, change.after))


def _line(change: SetGrubVariable, value: str | None) -> str | None:
    return None if value is None else f"{change.variable}={value}"


def read_block(path: str, system: System) -> FileState:
    """The block as it lies on the disk.

    Raises:
        StepError: it is not there, or cannot be read.
    """
    state = known(system.look(path))
    if state is None:
        raise StepError(f"{path} is not there any more")
    return state


def set_variable(path: str, variable: str, value: str | None, system: System) -> None:
    """Set one variable, or take it away; nothing is written where it is so already.

    GRUB decides by it, so all that was written before is where GRUB finds it first, then this.

    Raises:
        StepError: it cannot be written, or was not found written afterwards.
    """
    block = read_block(path, system)
    if read_variable(block.text, variable) == value:
        system.tidy(path)
        _write_out(path, system)  # whoever wrote it may have been cut off before that
        return
    text = with_variable(block.text, value, variable)
    if len(text.encode()) > len(block.text.encode()):
        raise StepError(f"{path} could not be written: there is no room left in the environment block")
    _write_out(path, system)
    try:
        _put(path, block, text, system)
    except OSError as error:
        raise StepError(f"{path} could not be written: {error.strerror or error}") from error
    _write_out(path, system)
    if read_variable(read_block(path, system).text, variable) != value:
        raise StepError(f"{path} does not say what was written")


def _put(path: str, block: FileState, text: str, system: System) -> None:
    """The block in a new file, or on a full disk where it lies: its length never changes."""
    try:
        system.put(path, replace(block, text=Content(text)))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        system.overwrite(path, text)


def _write_out(path: str, system: System) -> None:
    try:
        system.checkpoint()
    except OSError as error:
        raise StepError(f"what GRUB reads beside {path} could not be written out: {error}") from error
