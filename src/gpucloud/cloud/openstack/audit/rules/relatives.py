"""Physical and virtual functions beside each other: what one is depends on what the others are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gpucloud.cloud.openstack.audit.case import Case
from gpucloud.cloud.openstack.audit.disagreement import Disagreement, SetStatus
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.cloud.openstack.audit.observed import Row

BLOCKED = ("unavailable", "unclaimable")
_BLOCKS = {"claimed": "unclaimable", "allocated": "unavailable"}
"""What a function's use makes of its relatives (nova/objects/pci_device.py: claim, allocate)."""
_PHYSICAL, _VIRTUAL = "type-PF", ("type-VF", "vdpa")


def settled(rows: Iterable[Row]) -> Mapping[int, str]:
    """What each row would be that is blocked and should not be, or free and should be blocked.

    Args:
        rows: of any compute nodes; those that a plan forgets are left out.

    Returns:
        Primary key to the status that follows from the row's relatives.
    """
    found: dict[int, str] = {}
    families: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        families.setdefault((row.node, head_of(row)), []).append(row)
    for family in families.values():
        found |= dict(_settle(family))
    return found


def judge_relatives(case: Case, forgotten: frozenset[int]) -> Iterator[Disagreement]:
    """Rows that are blocked by nothing, or free beside a relative in use."""
    rows = {row.id: row for row in case.rows if row.id not in forgotten}
    for key, status in settled(rows.values()).items():
        row = rows[key]
        node = case.node_of(row)
        if node is None:
            continue
        family = tuple(
            each for each in rows.values() if each.node == row.node and head_of(each) == head_of(row)
        )
        shown = tuple(case.tell_row(each) for each in (row, *(one for one in family if one is not row)))
        if row.status in BLOCKED:
            title = f"{row.address} on {node.host} is {row.status}, and nothing that blocks it is in use"
            kind = Kinds.STUCK
        else:
            title = f"{row.address} on {node.host} is {row.status}, and a relative of it is in use"
            kind = Kinds.TOO_FREE
        yield Disagreement(kind.value, node.host, title, shown, SetStatus(row, status), row.address)


def head_of(row: Row) -> str:
    """The physical function of a family; a device that has none is a family of its own."""
    return row.parent if row.dev_type in _VIRTUAL and row.parent else row.address


def _settle(family: list[Row]) -> Iterator[tuple[int, str]]:
    physical = next((row for row in family if row.dev_type == _PHYSICAL), None)
    virtual = [row for row in family if row.dev_type in _VIRTUAL]
    taken = {row.status for row in virtual if row.is_taken}
    for row in family:
        if row.owner is not None:
            continue
        if row is physical:
            blocks = next((_BLOCKS[status] for status in ("allocated", "claimed") if status in taken), None)
        else:
            has = physical is not None and row.dev_type in _VIRTUAL and physical.is_taken
            blocks = _BLOCKS[physical.status] if has and physical is not None else None
        if row.status in BLOCKED and blocks is None:
            yield row.id, "available"
        elif row.status == "available" and blocks is not None:
            yield row.id, blocks
