"""An audit into repairs. Nothing is taken from a guest that has it: not by nova, and not on its host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

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
from gpucloud.cloud.openstack.audit.rules.providers import Behind, address_of
from gpucloud.cloud.openstack.audit.rules.relatives import settled
from gpucloud.cloud.openstack.heal.repair import (
    DropProvider,
    Refused,
    Repair,
    Restart,
    RowChange,
    TakeBack,
)
from gpucloud.model.pci import Holder
from gpucloud.model.plain import Plain
from gpucloud.model.unknown import Unknown

_RELATIVES = frozenset((Kinds.STUCK.value, Kinds.TOO_FREE.value))
_READS_ONCE = "it read its rows when it started, and would write what it has in memory over the repair"
_OFFERS = "it makes rows and providers of devices when it starts"
_KEEPS_TREE = "it keeps Placement's providers in memory"
_BLOCKED = ("a row that blocks it is not repaired", "repair that first; then run it again")
_UNSEEN = "name the host with --host, or take nova's word that no guest has it: --trust-nova"


@dataclass(frozen=True, slots=True)
class _Desk:
    case: Case
    trusts_nova: bool

    def refusal(self, row: Row) -> tuple[str, str] | None:
        """Why a row may not be changed, and what to do; None where no guest has its device."""
        return self._judge(row.address, self.case.guests_on(row))

    def keeps(self, provider: Provider) -> tuple[str, str] | None:
        """The same for what is held of a provider; one of no live host has no guest, and no device either."""
        node, address = self.case.live_nodes.get(provider.root), address_of(provider)
        if node is None or address is None:
            return None
        return self._judge(address, self.case.guests_at(node, address))

    def _judge(self, address: str, guests: tuple[Holder, ...] | Unknown) -> tuple[str, str] | None:
        if isinstance(guests, Unknown):
            said = f"whether a guest has {address} is not known: {guests.why}"
            return None if self.trusts_nova else (said, _UNSEEN)
        if not guests:
            return None
        names = ", ".join(each.guest or f"process {each.pid} ({each.process})" for each in guests)
        return f"{names} has {address} open on its host", "end that guest first: nova lost sight of it"


def plan_repair(audit: Audit, *, trusts_nova: bool = False) -> Repair:
    """What would make an audit's sources agree.

    Args:
        audit: what was found.
        trusts_nova: change rows of hosts too that were not looked at: nova's word alone says that no guest
            has the device.
    """
    desk = _Desk(Case(audit.seen), trusts_nova)
    rows, refused = _rows(desk, audit)
    releases, held_back = _releases(desk, audit, refused)
    drops, kept = _drops(desk.case, audit, rows, releases)
    every = (*_blocked(audit), *refused, *held_back, *kept)
    return Repair(rows, releases, drops, tuple(_restarts(audit, rows, drops)), every)


def _blocked(audit: Audit) -> Iterator[Refused]:
    for found in audit.found:
        if isinstance(found.remedy, Blocked):
            yield Refused(found, found.remedy.why, found.remedy.then)


def _rows(desk: _Desk, audit: Audit) -> tuple[tuple[RowChange, ...], tuple[Refused, ...]]:
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
    desk: _Desk, audit: Audit, changes: Mapping[int, RowChange]
) -> tuple[dict[int, RowChange], list[Refused]]:
    """What follows for blocked and blocking functions; one that stays blocked by what is refused is, too."""
    rows = {row.id: row for row in desk.case.rows}
    settle: dict[int, RowChange] = {}
    refusals: dict[int, tuple[str, str]] = {}
    for key, status in settled(_after(desk.case, changes)).items():
        no = desk.refusal(rows[key])
        if no is None:
            settle[key] = _settle(desk.case, rows[key], status, changes.get(key))
        else:
            refusals[key] = no
    refused = []
    for found in audit.found:
        row = _row_of(found)
        if row is not None and found.kind in _RELATIVES and row.id not in settle:
            no = refusals.get(row.id, _BLOCKED if found.kind is Kinds.STUCK.value else None)
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
    desk: _Desk, audit: Audit, refused: tuple[Refused, ...]
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
        no = next(filter(None, map(desk.keeps, of)), None)
        if no is not None:
            held_back.append(Refused(found, *no))
            continue
        releases.append(TakeBack(consumer, tree, {each.uuid: each.name for each in of}, found.kind.id))
    return tuple(releases), tuple(held_back)


def _drops(
    case: Case, audit: Audit, rows: tuple[RowChange, ...], releases: tuple[TakeBack, ...]
) -> tuple[tuple[DropProvider, ...], tuple[Refused, ...]]:
    """Providers that nothing is behind any more once the rest is done: children before their roots."""
    forgotten = frozenset(each.row.id for each in rows if "deleted" in each.now)
    going = frozenset((each.consumer, each.tree) for each in releases)
    behind = Behind(case, holdings_of(case), forgotten, going)
    drops: list[DropProvider] = []
    kept: list[Refused] = []
    for found in audit.found:
        if not isinstance(found.remedy, Drop):
            continue
        provider = found.remedy.provider
        if behind.rows(provider) or behind.stays(provider):
            why = "what it is of is not repaired, or a consumer keeps what it holds of it"
            kept.append(Refused(found, why, "repair that first; then run it again"))
        else:
            drops.append(DropProvider(provider, found.kind.id))
    return tuple(sorted(drops, key=lambda each: each.provider.is_root)), tuple(kept)


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
