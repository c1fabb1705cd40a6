"""A change of how the host starts on trial: which entries wait for a start, and how the trial ends.

It ends well when a start was right, or somebody says so: the boot loader counts no more tries and the copy of
the old start goes. It ends badly when a start was wrong, or the boot loader has taken the old entry because
no start came as far as this: all that waits is taken back, newest first. A way back that was cut off, or that
had to leave something, is gone on with at the next start, which is the old entry's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.model.change import KeepOldStart
from gpucloud.model.failure import Failure
from gpucloud.prepare.boot.fallback import OLD
from gpucloud.prepare.journal import Entry, Journal, Kind, Status
from gpucloud.prepare.steps import StepError
from gpucloud.prepare.steps.fallback import disarm, take_old, takes_old
from gpucloud.prepare.system import System
from gpucloud.prepare.takeback import Outcome, Watch
from gpucloud.prepare.undo import ReadHost, undo_entry

_BY_HAND = "make room or mend the file system there, then: gpucloud confirm"


def on_trial(journal: Journal) -> tuple[Entry, ...]:
    """Entries whose change of the start waits for a start to show that it is right, oldest first."""
    return tuple(entry for entry in journal.entries() if _waits(entry))


def _waits(entry: Entry) -> bool:
    progress = entry.read_progress()
    return (
        progress.status is Status.APPLIED
        and not progress.is_confirmed
        and entry.read_stored().plan.needs_reboot
    )


def waiting(journal: Journal) -> tuple[Entry, ...]:
    """Those on trial, with what was begun on top of them and cut off, oldest first."""
    first = next((entry.id for entry in on_trial(journal)), None)
    if first is None:
        return ()
    newer = (entry for entry in journal.unfinished() if entry.id > first)
    cut_off = [entry for entry in newer if entry.read_stored().plan.needs_reboot]
    return tuple(sorted((*on_trial(journal), *cut_off), key=lambda entry: entry.id))


def is_armed(entries: Sequence[Entry], system: System) -> bool:
    """Claims that the next start is the old one, whatever the files say: the boot loader takes its entry."""
    try:
        return any(takes_old(change, system) for change in _kept(entries))
    except StepError:
        return False


def turning_back(journal: Journal) -> tuple[Entry, ...]:
    """Entries with which a start was wrong and that are not wholly taken back yet, oldest first."""
    steps = ((entry, entry.read_progress()) for entry in journal.entries())
    return tuple(
        entry
        for entry, progress in steps
        if progress.is_wrong and not progress.is_confirmed and progress.status is not Status.UNDONE
    )


def is_old_start(reader: Reader) -> bool:
    """Claims that the boot loader has started the entry that keeps the old start."""
    text = reader.read_text("/proc/cmdline")
    return isinstance(text, str) and OLD in parse_arguments(text)


def trust(entries: Sequence[Entry], system: System) -> None:
    """End the trial well. The boot loader first: a count that goes on would take the old entry one day.

    Raises:
        Failure: the boot loader cannot be told.
    """
    try:
        for change in _kept(entries):
            disarm(change, system)
    except StepError as error:
        raise Failure(f"the start is right, but the boot loader still counts: {error}", _BY_HAND) from error
    for entry in entries:
        entry.note(Kind.CONFIRMED)


def turn_back(
    entries: Sequence[Entry], why: str, system: System, read_host: ReadHost, watch: Watch
) -> Outcome:
    """End the trial badly; may be repeated.

    What somebody else made of its files meanwhile is kept in the entries: the host has to come back.

    Raises:
        Failure: an entry cannot be taken back now; the next start takes the old entry, where one is kept.
    """
    for entry in entries:
        if not entry.read_progress().is_wrong:
            entry.mend()
            entry.note(Kind.WRONG, why=why)
    try:
        for change in _kept(entries):
            take_old(change, system)
    except StepError as error:
        watch.tell(f"the boot loader could not be told to take the old entry: {error}")
    outcomes = [undo_entry(entry, system, read_host, force=True, watch=watch) for entry in reversed(entries)]
    left = tuple(line for outcome in outcomes for line in outcome.left)
    kept = tuple(line for outcome in outcomes for line in outcome.kept)
    worst = next((outcome for outcome in outcomes if outcome.left), outcomes[0])
    return replace(worst, left=left, kept=kept)


def _kept(entries: Sequence[Entry]) -> Iterator[KeepOldStart]:
    for entry in entries:
        for step in entry.read_stored().plan.steps:
            if isinstance(step.change, KeepOldStart):
                yield step.change
