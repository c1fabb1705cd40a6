"""An audit into repairs. Nothing is taken from a guest that has it: not by nova, and not on its host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpucloud.cloud.openstack.audit.case import Case
from gpucloud.cloud.openstack.audit.disagreement import (
    Blocked,
    Disagreement,
    Drop,
    Forget,
    Release,
    SetStatus,
)
from gpucloud.cloud.openstack.audit.disagreement import Restart as NeedsRestart
from gpucloud.cloud.openstack.audit.judge import Audit
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.cloud.openstack.audit.observed import Provider, Row
from gpucloud.cloud.openstack.audit.rules.consumers import holdings_of
from gpucloud.cloud.openstack.audit.rules.providers import Behind
from gpucloud.cloud.openstack.audit.rules.relatives import BLOCKED, settled
from gpucloud.cloud.openstack.heal.desk import Desk
from gpucloud.cloud.openstack.heal.repair import (
    DropProvider,
    Refused,
    Repair,
    Restart,
    RowChange,
    TakeBack,
)
from gpucloud.model.plain import Plain

_RELATIVES = frozenset((Kinds.STUCK.value, Kinds.TOO_FREE.value))
_READS_ONCE = "it read its rows when it started, and would write what it has in memory over the repair"
_OFFERS = "it makes rows and providers of devices when it starts"
_KEEPS_TREE = "it keeps Placement's providers in memory"
_WAITS = ("a row that blocks it is not repaired", "repair that first; then run it again")
_KEPT = (
    "what it is of is not repaired, or a consumer keeps what it holds of it",
    "repair that first; then run it again",
)
_STANDS = ("a provider below it stays", "repair that first; then run it again")


def plan_repair(audit: Audit, *, trusts_nova: bool = False) -> Repair:
    """What would make an audit's sources agree.

    Args:
        audit: what was found.
        trusts_nova: change rows of hosts too that were not looked at: nova's word alone says that no guest
            has the device.
    """
    desk = Desk(Case(audit.seen), trusts_nova)
    rows, refused = _rows(desk, audit)
    releases, held_back = _releases(desk, audit, refused)
    drops, kept = _drops(desk, audit, rows, releases)
    every = (*_blocked(audit), *refused, *held_back, *kept)
    return Repair(rows, releases, drops, tuple(_restarts(audit, rows, drops)), every)


def _blocked(audit: Audit) -> Iterator[Refused]:
    for found in audit.found:
        if isinstance(found.remedy, Blocked):
            yield Refused(found, found.remedy.why, found.remedy.then)


def _rows(desk: Desk, audit: Audit) -> tuple[tuple[RowChange, ...], tuple[Refused, ...]]:
    """Changes that follow from guests and devices; then what these make of the rows' relatives."""
    changes: dict[int, RowChange] = {}
    refused: list[Refused] = []
    for found in audit.found:
        if found.kind not in _RELATIVES and isinstance(found.remedy, SetStatus | Forget):
            no = desk.refusal(found.remedy.row)
            if no is not None:
                refused.append(Refused(found, *no))
                continue
            change = _change(found.remedy, _host(found), found.kind.id)
            changes[change.row.id] = change
    settle, unsettled = _relatives(desk, audit, changes)
    return tuple({**changes, **settle}.values()), (*refused, *unsettled)


def _relatives(
    desk: Desk, audit: Audit, changes: Mapping[int, RowChange]
) -> tuple[dict[int, RowChange], list[Refused]]:
    """What follows for blocked and blocking functions; one that stays blocked by what is refused is, too."""
    rows = {row.id: row for row in desk.case.rows}
    settle: dict[int, RowChange] = {}
    refusals: dict[int, tuple[str, str]] = {}
    for key, status in settled(_after(desk.case, changes)).items():
        no = (desk.refuses_block if status in BLOCKED else desk.refusal)(rows[key])
        if no is None:
            settle[key] = _settle(desk.case, rows[key], status, changes.get(key))
        else:
            refusals[key] = no
    refused = []
    for found in audit.found:
        row = _row_of(found)
        if row is not None and found.kind in _RELATIVES and row.id not in settle:
            no = refusals.get(row.id, _WAITS if found.kind is Kinds.STUCK.value else None)
            if no is not None:
                refused.append(Refused(found, *no))
    return settle, refused


def _after(case: Case, changes: Mapping[int, RowChange]) -> Iterator[Row]:
    """Rows of hosts that are there, as they will be."""
    for row in case.rows:
        if case.node_of(row) is None:
            continue
        change = changes.get(row.id)
        if change is None:
            yield row
        elif "deleted" not in change.now:
            yield replace(row, status=str(change.now["status"]), owner=None, request=None)


def _change(remedy: SetStatus | Forget, host: str, kind: str) -> RowChange:
    row = remedy.row
    now: dict[str, Plain] = {"deleted": row.id} if isinstance(remedy, Forget) else {"status": remedy.status}
    if row.owner is not None:
        now["instance_uuid"] = None
    if row.request is not None:
        now["request_id"] = None
    return RowChange(row, now, host, kind)


def _settle(case: Case, row: Row, status: str, before: RowChange | None) -> RowChange:
    node = case.node_of(row)
    host = f"compute node {row.node}" if node is None else node.host
    if before is not None:
        return replace(before, now={**before.now, "status": status})
    return RowChange(row, {"status": status}, host, Kinds.STUCK.value.id)


def _releases(
    desk: Desk, audit: Audit, refused: tuple[Refused, ...]
) -> tuple[tuple[TakeBack, ...], tuple[Refused, ...]]:
    """What consumers give back; not those whose rows are kept for them, nor of devices that a guest has."""
    kept = {row.owner: each for each in refused if (row := _row_of(each.found)) is not None}
    releases: list[TakeBack] = []
    held_back: list[Refused] = []
    for found in audit.found:
        if not isinstance(found.remedy, Release):
            continue
        consumer, tree = found.remedy.consumer, found.remedy.tree
        if consumer in kept:
            held_back.append(Refused(found, kept[consumer].why, kept[consumer].then))
            continue
        of = [each for each in desk.case.providers if consumer in each.held and tree in (None, each.root)]
        no = desk.doubts(found.remedy) or next(filter(None, map(desk.keeps, of)), None)
        if no is not None:
            held_back.append(Refused(found, *no))
            continue
        names, holds = {each.uuid: each.name for each in of}, {each.uuid: each.held[consumer] for each in of}
        releases.append(TakeBack(consumer, tree, names, found.kind.id, holds))
    return tuple(releases), tuple(held_back)


def _drops(
    desk: Desk, audit: Audit, rows: tuple[RowChange, ...], releases: tuple[TakeBack, ...]
) -> tuple[tuple[DropProvider, ...], tuple[Refused, ...]]:
    """Providers that nothing is behind any more once the rest is done: those below before those above."""
    forgotten = frozenset(each.row.id for each in rows if "deleted" in each.now)
    going = frozenset((each.consumer, each.tree) for each in releases)
    behind = Behind(desk.case, holdings_of(desk.case), forgotten, going)
    drops: dict[str, Disagreement] = {}
    kept: list[Refused] = []
    for found in audit.found:
        if not isinstance(found.remedy, Drop):
            continue
        provider = found.remedy.provider
        no = _KEPT if behind.rows(provider) or behind.stays(provider) else desk.keeps(provider)
        if no is None:
            drops[provider.uuid] = found
        else:
            kept.append(Refused(found, *no))
    above = {each.uuid: _above(desk.case, each) for each in desk.case.providers}
    needed = {parent for uuid, parents in above.items() if uuid not in drops for parent in parents}
    kept += (Refused(drops[uuid], *_STANDS) for uuid in drops if uuid in needed)
    going_now = (found for uuid, found in drops.items() if uuid not in needed)
    made = [
        DropProvider(each.remedy.provider, each.kind.id)
        for each in going_now
        if isinstance(each.remedy, Drop)
    ]
    return tuple(sorted(made, key=lambda each: -len(above[each.provider.uuid]))), tuple(kept)


def _above(case: Case, provider: Provider) -> tuple[str, ...]:
    """All that are above a provider, the nearest first."""
    parents = {each.uuid: each.parent for each in case.providers}
    found: list[str] = []
    parent = provider.parent
    while parent is not None and parent not in found:
        found.append(parent)
        parent = parents.get(parent)
    return tuple(found)


def _restarts(
    audit: Audit, rows: tuple[RowChange, ...], drops: tuple[DropProvider, ...]
) -> Iterator[Restart]:
    """Hosts whose nova-compute must start anew, each with its first reason."""
    case = Case(audit.seen)
    why: dict[str, str] = {}
    for change in rows:
        if case.node_of(change.row) is not None:
            why.setdefault(change.host, _READS_ONCE)
    for drop in drops:
        node = case.live_nodes.get(drop.provider.root)
        if node is not None:
            why.setdefault(node.host, _KEEPS_TREE)
    for found in audit.found:
        if isinstance(found.remedy, NeedsRestart) and found.host is not None:
            why.setdefault(found.host, _OFFERS)
    yield from (Restart(host, reason) for host, reason in sorted(why.items()))


def _row_of(found: Disagreement) -> Row | None:
    return found.remedy.row if isinstance(found.remedy, SetStatus | Forget) else None


def _host(found: Disagreement) -> str:
    return found.host or "a deleted host"
