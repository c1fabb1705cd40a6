"""Units of systemd enabled, and taken out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.change import EnableUnit
from gpucloud.prepare.steps.folder import make_folders, remove_folders
from gpucloud.prepare.steps.seen import Difference, Foreign, NotAsPlannedError, StepError, known

if TYPE_CHECKING:
    from gpucloud.prepare.system import System


def do_enable(change: EnableUnit, system: System) -> None:
    """Make the link, or remove it; nothing to do where that is done already."""
    now = known(system.read_link(change.path))
    before, after = _ways(change)
    if now == after:
        return
    if now != before:
        raise NotAsPlannedError(f"{change.path} leads to {now or 'nothing'}")
    make_folders(change.folders, system)
    _lead(change.path, after, system)


def undo_enable(change: EnableUnit, system: System, *, force: bool) -> None:
    """Make the link lead where it led before; with ``force`` wherever it leads now."""
    now = known(system.read_link(change.path))
    before, after = _ways(change)
    if now not in (before, after) and not force:
        raise StepError(f"somebody else has made {change.path} lead to {now or 'nothing'}")
    _lead(change.path, before, system)
    remove_folders(change.folders, system)


def foreign_link(change: EnableUnit, system: System) -> Foreign | None:
    """Where somebody else made the link lead; None where it leads as before or as planned."""
    now = known(system.read_link(change.path))
    return None if now in _ways(change) else Foreign(change.path, now)


def _ways(change: EnableUnit) -> tuple[str | None, str | None]:
    """Where the link leads before and after; None: there is no link."""
    return (None, change.unit) if change.is_on else (change.unit, None)


def _lead(path: str, target: str | None, system: System) -> None:
    try:
        if target is None:
            system.unlink(path)
        else:
            system.link(path, target)
    except OSError as error:
        raise StepError(f"{path} could not be changed: {error.strerror or error}") from error
    if known(system.read_link(path)) != target:
        raise StepError(f"{path} does not lead to {target or 'nothing'} after it was changed")


def preview_enable(change: EnableUnit) -> Difference:
    """The link and where it leads."""
    before, after = _ways(change)
    return Difference(change.path, before, after)
