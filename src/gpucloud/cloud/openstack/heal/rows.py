"""Rows of ``pci_devices`` changed: each only where it still is as it was, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gpucloud.cloud.openstack.audit.database.place import reading, writing
from gpucloud.cloud.openstack.audit.database.read import table
from gpucloud.cloud.openstack.heal.repair import RowChange
from gpucloud.model.failure import Failure
from gpucloud.model.plain import Plain

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, TableClause
    from sqlalchemy.engine import Connection, Engine

Check = Callable[["Connection"], None]
KNOWN = ("deleted", "status", "instance_uuid", "request_id", "compute_node_id", "address")
"""Columns by which a row is known to be as it was."""
_COLUMNS = ("id", "deleted_at", *KNOWN)


@dataclass(frozen=True, slots=True)
class Swap:
    """A row by its primary key: what its columns must hold, and what some of them are to hold."""

    id: int
    was: Mapping[str, Plain]
    now: Mapping[str, Plain]


def swap_of(change: RowChange) -> Swap:
    """A change as the database is told it."""
    return Swap(change.row.id, change.was, change.now)


def write_rows(
    engine: Engine, swaps: Sequence[Swap], check: Check | None = None, *, resumes: bool = False
) -> None:
    """Change rows in one transaction, and read them back after it.

    Args:
        engine: of the database.
        swaps: the rows.
        check: asked first, while nobody else can change any row of the same hosts.
        resumes: a row that is as it is to be already is left so.

    Raises:
        Failure: one is not as it was, and none was changed; or the database fails; or what is read after is
            not what was written.
    """
    with writing(engine) as connection:
        _lock(connection, swaps)
        if check is not None:
            check(connection)
        for swap in swaps:
            if not (resumes and _is_so(connection, swap.id, {**swap.was, **swap.now})):
                _write(connection, swap)
    wrong = [str(swap.id) for swap in _differing(engine, swaps)]
    if wrong:
        what = f"rows {', '.join(wrong)} of pci_devices are not as they were written"
        raise Failure(what, "nova-compute has written over them: stop it, and run it again")


def _lock(connection: Connection, swaps: Sequence[Swap]) -> None:
    """Keep all rows of the compute nodes as they are until the transaction ends: relatives, and new ones."""
    from sqlalchemy import select

    devices = table("pci_devices", *_COLUMNS)
    nodes = sorted({int(str(swap.was["compute_node_id"])) for swap in swaps})
    wanted = select(devices.c.id).where(devices.c.compute_node_id.in_(nodes)).order_by(devices.c.id)
    connection.execute(wanted.with_for_update()).all()


def _write(connection: Connection, swap: Swap) -> None:
    """Change one row; NULL is equal to NULL here.

    Raises:
        Failure: there is none that is as it was; or another of that address is there.
    """
    from sqlalchemy import and_, update
    from sqlalchemy.exc import IntegrityError

    devices = table("pci_devices", *_COLUMNS)
    new: dict[str, Any] = dict(swap.now)
    if "deleted" in new:  # as oslo.db's soft_delete writes it
        new["deleted_at"] = datetime.now(UTC).replace(tzinfo=None, microsecond=0) if new["deleted"] else None
    same = [_same(devices, name, value) for name, value in swap.was.items()]
    try:
        done = connection.execute(update(devices).where(devices.c.id == swap.id, and_(*same)).values(new))
    except IntegrityError as error:
        what = (
            f"row {swap.id} of pci_devices cannot come back: nova has made another of {swap.was['address']}"
        )
        raise Failure(
            f"{what}; nothing was changed", "that row is true: audit again, and leave this one"
        ) from error
    if done.rowcount != 1:
        what = f"row {swap.id} of pci_devices has changed meanwhile; nothing was changed"
        raise Failure(what, "run it again, and look at what it shows")


def _differing(engine: Engine, swaps: Sequence[Swap]) -> Iterable[Swap]:
    with reading(engine) as connection:
        yield from (swap for swap in swaps if not _is_so(connection, swap.id, swap.now))


def _is_so(connection: Connection, key: int, values: Mapping[str, Plain]) -> bool:
    """Whether a row holds these."""
    from sqlalchemy import and_, select

    devices = table("pci_devices", *_COLUMNS)
    same = [_same(devices, name, value) for name, value in values.items()]
    return (
        connection.execute(select(devices.c.id).where(devices.c.id == key, and_(*same))).first() is not None
    )


def _same(devices: TableClause, name: str, value: Plain) -> ColumnElement[bool]:
    column = devices.c[name]
    return column.is_(None) if value is None else column == value
