"""The journal as a list, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gpucloud.model.failure import Failure
from gpucloud.prepare.journal import Entry, Journal


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the journal."""

    id: str
    status: str
    at: str
    """Time of its last event, ISO 8601 in UTC; empty where nothing was begun."""
    units: tuple[str, ...]
    steps: int


def list_entries(journal: Journal) -> tuple[Row, ...]:
    """All entries, oldest first; one that is damaged says so in its status."""
    return tuple(_row(entry) for entry in journal.entries())


def _row(entry: Entry) -> Row:
    try:
        plan, events, status = entry.read_stored().plan, entry.read_events(), entry.read_progress().status
    except Failure as failure:
        return Row(entry.id, f"damaged: {failure.what}", "", (), 0)
    at = datetime.fromtimestamp(events[-1].at_s, UTC).isoformat(timespec="seconds") if events else ""
    return Row(entry.id, status.value, at, tuple(address.short for address in plan.units), len(plan.steps))
