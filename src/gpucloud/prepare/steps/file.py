"""Files written and removed, and brought back with their bytes, mode, owner, label and attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gpucloud.model.change import FileState, RemoveFile, WriteFile
from gpucloud.prepare.steps.folder import make_folders, remove_folders
from gpucloud.prepare.steps.seen import Difference, Foreign, NotAsPlannedError, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_write(change: WriteFile, system: System) -> None:
    """Write the file; nothing to do where it is as planned already."""
    now = known(system.look(change.path))
    if is_same(now, change.after):
        return
    if now != change.before:
        raise NotAsPlannedError(f"{change.path} is not as it was when the plan was made")
    make_folders(change.folders, system)
    _put(change.path, change.after, system)


def undo_write(change: WriteFile, system: System, *, force: bool) -> None:
    """Bring back what was there before; with ``force`` whatever is there now."""
    now = known(system.look(change.path))
    if not _is_before(now, change) and not is_same(now, change.after) and not force:
        raise StepError(f"somebody else has changed {change.path} since")
    if change.before is None:
        _remove(change.path, system)
        remove_folders(change.folders, system)
    elif not _is_before(now, change):
        _put(change.path, change.before, system)
    else:
        _tidy(change.path, system)


def preview_write(change: WriteFile) -> Difference:
    """The file before and after."""
    before = change.before.text if change.before is not None else None
    return Difference(change.path, before, change.after.text)


def do_remove(change: RemoveFile, system: System) -> None:
    """Remove the file; nothing to do where it is gone already."""
    now = known(system.look(change.path))
    if now is None:
        return
    if now != change.before:
        raise NotAsPlannedError(f"{change.path} is not as it was when the plan was made")
    _remove(change.path, system)


def undo_remove(change: RemoveFile, system: System, *, force: bool) -> None:
    """Bring the file back; nothing to do where it is there already."""
    now = known(system.look(change.path))
    if now is not None and not _is_before(now, change) and not force:
        raise StepError(f"somebody else has written {change.path} since")
    if not _is_before(now, change):
        _put(change.path, change.before, system)
    else:
        _tidy(change.path, system)


def preview_remove(change: RemoveFile) -> Difference:
    """The file before."""
    return Difference(change.path, change.before.text, None)


def foreign_file(change: WriteFile | RemoveFile, system: System) -> Foreign | None:
    """What somebody else made of the file; None where it is as before or as planned.

    Raises:
        StepError: it cannot be read.
    """
    now = known(system.look(change.path))
    is_planned = is_same(now, change.after) if isinstance(change, WriteFile) else now is None
    if _is_before(now, change) or is_planned:
        return None
    return Foreign(change.path, now.text if now is not None else None)


def is_same(now: FileState | None, planned: FileState) -> bool:
    """Claims that a file is as planned; a label that was left to the policy is any label."""
    if now is None:
        return False
    return _content(now if planned.label is not None else replace(now, label=None)) == _content(planned)


def _content(state: FileState | None) -> FileState | None:
    """What undo brings back: a further name that somebody gave the file is no other content."""
    return None if state is None else state.content


def _is_before(now: FileState | None, change: WriteFile | RemoveFile) -> bool:
    return _content(now) == _content(change.before)


def _put(path: str, state: FileState, system: System) -> None:
    try:
        system.put(path, state)
    except OSError as error:
        raise StepError(f"{path} could not be written: {error.strerror or error}") from error
    if not is_same(known(system.look(path)), state):
        raise StepError(f"{path} is not as it was written")


def _remove(path: str, system: System) -> None:
    try:
        system.remove(path)
    except OSError as error:
        raise StepError(f"{path} could not be removed: {error.strerror or error}") from error
    if known(system.look(path)) is not None:
        raise StepError(f"{path} is still there after it was removed")


def _tidy(path: str, system: System) -> None:
    try:
        system.tidy(path)
    except OSError as error:
        raise StepError(f"{path}: what is left beside it stays: {error.strerror or error}") from error
