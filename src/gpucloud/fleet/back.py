"""What stands on a host is taken back: shown first, then done, both of one entry of its journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gpucloud.fleet.order import NONE, Answer, Order, Shown
from gpucloud.model.change import Change, Content, OnDisk, RunTool
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.desk import Desk, conclude
from gpucloud.prepare.journal import Entry
from gpucloud.prepare.kernel import read_boot
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.steps import preview
from gpucloud.prepare.takeback import Watch
from gpucloud.prepare.undo import find_standing

_BECAUSE = Content("it was applied, and is taken back")


def show_back(order: Order, desk: Desk) -> Answer:
    """What would be taken back; no entry where nothing stands."""
    entry = _find(order, desk)
    if entry is None:
        return Answer("standing", waits_for_restart=_runs_with_undone(desk))
    return Answer(
        "standing",
        changes=tuple(_shown(entry, desk)),
        entry=entry.id,
        waits_for_restart=_waits_for_restart(entry, desk),
    )


def take_back(order: Order, desk: Desk, tell: Callable[[str], None]) -> Answer:
    """Take it back; nothing is done where it is taken back already."""
    entry = _find(order, desk)
    if entry is None:
        return Answer("undo", waits_for_restart=_runs_with_undone(desk))
    changes, waits = tuple(_shown(entry, desk)), _waits_for_restart(entry, desk)
    outcome = desk.undo(entry.id, force=order.is_forced, watch=Watch(tell))
    code, what, then = Exit.FINE, "", ""
    try:
        conclude(outcome)
    except Failure as failure:
        code, what, then = Exit(failure.code), failure.what, failure.then or ""
    return Answer(
        "undo",
        code=code,
        what=Content(what),
        then=Content(then),
        changes=changes,
        has_changed=True,
        waits_for_restart=waits,
        entry=entry.id,
        left=tuple(map(Content, outcome.left)),
        kept=tuple(map(Content, outcome.kept)),
    )


def _find(order: Order, desk: Desk) -> Entry | None:
    return None if order.entry == NONE else find_standing(desk.journal, order.entry)


def _runs_with_undone(desk: Desk) -> bool:
    """Claims that what was taken back acts until the next start: the host was started with it."""
    boot = read_boot(desk.system)
    return any(
        _waits_for_restart(entry, desk) for entry in desk.journal.entries() if entry.undone_in() == boot
    )


def _waits_for_restart(entry: Entry, desk: Desk) -> bool:
    """Claims that the running host was started with what is taken back."""
    stored = entry.read_stored()
    return stored.plan.needs_reboot and stored.boot != read_boot(desk.system)


def _shown(entry: Entry, desk: Desk) -> Iterator[Shown]:
    """Each change the other way round, newest first; what ended with an earlier start is over."""
    stored, progress = entry.read_whole()
    is_over = stored.boot != read_boot(desk.system)
    for number in reversed(progress.present):
        change = stored.plan.steps[number].change
        if not (is_over and not isinstance(change, OnDisk)) and not _is_of_apply(change):
            yield _turned(change)


def _is_of_apply(change: Change) -> bool:
    return isinstance(change, RunTool) and change.when == "apply"


def _turned(change: Change) -> Shown:
    seen = preview(change)
    sides = (seen.before, seen.after) if isinstance(change, RunTool) else (seen.after, seen.before)
    before, after = (None if side is None else Content(side) for side in sides)
    return Shown(Content(call_change(change)), _BECAUSE, Content(seen.path), before, after)
