"""Entries of starts that are over: a host that starts every day would have thousands in a few years."""

from __future__ import annotations

from gpucloud.prepare.journal import Journal, Status

KEPT = 64
"""So many stay, for whoever looks at what happened: eight starts of eight cards."""


def forget_starts(journal: Journal) -> None:
    """Take away all but the last entries of what starts had again and later starts have closed.

    Nothing of them is left on the host, so nothing can be taken back with them. The caller holds the lock.

    Raises:
        Failure: the journal cannot be read or written.
    """
    closed = [
        entry
        for entry in journal.entries()
        if entry.read_stored().plan.is_of_a_start and entry.read_progress().status is Status.UNDONE
    ]
    for entry in closed[:-KEPT]:
        journal.forget(entry)
