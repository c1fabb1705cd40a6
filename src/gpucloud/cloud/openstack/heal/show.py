"""A repair as a person reads it, ``~`` for what changes and ``-`` for what goes; and for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpucloud.cloud.openstack.audit.show import plain_found
from gpucloud.cloud.openstack.heal.repair import DropProvider, Refused, Repair, RowChange, TakeBack
from gpucloud.model.line import Copied
from gpucloud.model.plain import to_plain


def repair_lines(repair: Repair) -> Iterator[str]:
    """The whole diff, what is refused, and who must be restarted."""
    for change in repair.rows:
        yield from map(_copied, _row(change))
    for release in repair.releases:
        yield from map(_copied, _release(release))
    for drop in repair.drops:
        yield _copied(_drop(drop))
    for no in repair.refused:
        yield f"refused: {no.found.kind.id}: {no.found.title}: {no.why}; {no.then}"
    for restart in repair.restarts:
        yield f"then restart nova-compute on {restart.host}: {restart.why}"


def plain_repair(repair: Repair) -> dict[str, Any]:
    """The same for programs."""
    return {
        "rows": [_plain_row(each) for each in repair.rows],
        "releases": [to_plain(each) for each in repair.releases],
        "providers": [_plain_drop(each) for each in repair.drops],
        "refused": [_plain_refused(each) for each in repair.refused],
        "restarts": [to_plain(each) for each in repair.restarts],
    }


def _copied(line: str) -> Copied:
    """A line as it is; no text of a database begins one of its own."""
    return Copied(line.replace("\n", "?"))


def _row(change: RowChange) -> Iterator[str]:
    row, sign = change.row, "-" if "deleted" in change.now else "~"
    yield f"{sign} pci_devices id {row.id}: {row.address} {row.ids} on {change.host} ({change.kind})"
    for name, new in change.now.items():
        old = change.was.get(name)
        yield f"    - {name}={old}" if new is None else f"    ~ {name}: {old} -> {new}"


def _release(release: TakeBack) -> Iterator[str]:
    what = "all that it holds" if release.tree is None else "what it holds there"
    yield f"- allocation of {release.consumer}: {what} ({release.kind})"
    for name in release.providers.values():
        yield f"    - {name}"


def _drop(drop: DropProvider) -> str:
    return f"- provider {drop.provider.name} ({drop.kind})"


def _plain_row(change: RowChange) -> dict[str, Any]:
    row = change.row
    named = {"id": row.id, "host": change.host, "address": row.address, "kind": change.kind}
    return {**named, "was": {name: change.was.get(name) for name in change.now}, "now": dict(change.now)}


def _plain_drop(drop: DropProvider) -> dict[str, Any]:
    return {"uuid": drop.provider.uuid, "name": drop.provider.name, "kind": drop.kind}


def _plain_refused(no: Refused) -> dict[str, Any]:
    return {**plain_found(no.found), "why_not": no.why, "then": no.then}
