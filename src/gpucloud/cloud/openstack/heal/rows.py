"""Rows of ``pci_devices`` changed: each only where it still is as it was, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gpucloud.cloud.openstack.audit.database.place import reading, told_in_a_line
from gpucloud.cloud.openstack.audit.database.read import table
from gpucloud.cloud.openstack.heal.repair import RowChange
from gpucloud.model.failure import Failure
from gpucloud.model.plain import Plain

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, TableClause
    from sqlalchemy.engine import Connection, Engine

_COLUMNS = (
    *("id", "deleted", "deleted_at", "status", "instance_uuid", "request_id"),
    *("compute_node_id", "address"),
)


@dataclass(frozen=True, slots=True)
class Swap:
    """A row by its primary key: what its columns must hold, and what some of them are to hold."""

    id: int
    was: Mapping[str, Plain]
    now: Mapping[str, Plain]


def swap_of(change: RowChange) -> Swap:
    """A change as the database is told it."""
    return Swap(change.row.id, change.was, change.now)


def write_rows(engine: Engine, swaps: Sequence[Swap]) -> None:
    """Change rows in one transaction, and read them back after it.

    Raises:
        Failure: one is not as it was, and none was changed; or the database fails; or what is read after is
            not what was written.
    """
    with told_in_a_line(engine), engine.begin() as connection:
        for swap in swaps:
            _write(connection, swap)
    wrong = [str(swap.id) for swap in _differing(engine, swaps)]
    if wrong:
        what = f"rows {', '.join(wrong)} of pci_devices are not as they were written"
        raise Failure(what, "nova-compute has written over them: stop it, and run it again")


def _write(connection: Connection, swap: Swap) -> None:
    """Change one row; NULL is equal to NULL here.

    Raises:
        Failure: there is none that is as it was.
    """
    from sqlalchemy import and_, update

    devices = table("pci_devices", *_COLUMNS)
    new: dict[str, Any] = dict(swap.now)
    if "deleted" in new:  # as oslo.db's soft_delete writes it
        new["deleted_at"] = datetime.now(UTC).replace(tzinfo=None, microsecond=0) if new["deleted"] else None
    same = [_same(devices, name, value) for name, value in swap.was.items()]
    done = connection.execute(update(devices).where(devices.c.id == swap.id, and_(*same)).values(new))
    if done.rowcount != 1:
        what = f"row {swap.id} of pci_devices has changed meanwhile; nothing was changed"
        raise Failure(what, "run it again, and look at what it shows")


def _differing(engine: Engine, swaps: Sequence[Swap]) -> Iterable[Swap]:
    from sqlalchemy import and_, select

    devices = table("pci_devices", *_COLUMNS)
    with reading(engine) as connection:
        for swap in swaps:
            same = [_same(devices, name, value) for name, value in swap.now.items()]
            found = select(devices.c.id).where(devices.c.id == swap.id, and_(*same))
            if connection.execute(found).first() is None:
                yield swap


def _same(devices: TableClause, name: str, value: Plain) -> ColumnElement[bool]:
    column = devices.c[name]
    return column.is_(None) if value is None else column == value
