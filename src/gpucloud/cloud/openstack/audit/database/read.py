"""The tables of a cell, as values: rows of devices, and of what they name only that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from gpucloud.cloud.openstack.audit.database.schema import recognise
from gpucloud.cloud.openstack.audit.observed import Database, Instance, Migration, Node, Row
from gpucloud.model.failure import Failure
from gpucloud.model.plain import Plain

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.expression import TableClause

_AT_ONCE = 500
"""Names in one statement."""
_MOST_ROWS = 200_000


def read_database(connection: Connection, name: str, consumers: Iterable[str] = ()) -> Database:
    """What a cell's database says of devices.

    Args:
        connection: to it.
        name: of it, in words.
        consumers: of Placement, which may be instances or migrations.

    Raises:
        Failure: the tables are not known, or hold what nova does not write.
        SQLAlchemyError: the database fails.
    """
    schema = recognise(connection)
    rows = tuple(_rows(connection))
    named = {row.owner for row in rows if row.owner} | set(consumers)
    migrations = tuple(_migrations(connection, named))
    instances = _instances(connection, named | {each.instance for each in migrations})
    return Database(name, schema, rows, tuple(_nodes(connection)), instances, migrations)


def table(name: str, *columns: str) -> TableClause:
    """A table of which these columns are used."""
    import sqlalchemy

    return sqlalchemy.table(name, *(sqlalchemy.column(each) for each in columns))


def _rows(connection: Connection) -> Iterator[Row]:
    """Those that are not deleted; whatever type the columns have is the database's own."""
    from sqlalchemy import MetaData, Table, select

    devices = Table("pci_devices", MetaData(), autoload_with=connection, resolve_fks=False)
    wanted = select(devices).where(devices.c.deleted == 0).order_by(devices.c.id).limit(_MOST_ROWS + 1)
    for number, found in enumerate(connection.execute(wanted).mappings()):
        if number == _MOST_ROWS:
            raise Failure(f"pci_devices has over {_MOST_ROWS} rows", "that is no cell of a cloud")
        yield row_of(found)


def row_of(found: Mapping[Any, Any]) -> Row:
    """A row of ``pci_devices`` as the database gives it."""
    return Row(
        id=int(found["id"]),
        node=int(found["compute_node_id"]),
        address=str(found["address"]).lower(),
        vendor_id=str(found["vendor_id"]).lower(),
        product_id=str(found["product_id"]).lower(),
        dev_type=str(found["dev_type"]),
        status=str(found["status"]),
        owner=_text(found["instance_uuid"]),
        request=_text(found["request_id"]),
        parent=_text(found["parent_addr"]),
        columns={str(name): _plain(value) for name, value in found.items()},
    )


def _nodes(connection: Connection) -> Iterator[Node]:
    from sqlalchemy import select

    nodes = table("compute_nodes", "id", "uuid", "host", "hypervisor_hostname", "deleted")
    for key, uuid, host, name, deleted in connection.execute(select(nodes)):
        yield Node(int(key), str(uuid or ""), str(host or name or ""), str(name or host or ""), bool(deleted))


def _instances(connection: Connection, uuids: Iterable[str]) -> dict[str, Instance]:
    """Of a name that is taken again after it was deleted, that which is there."""
    instances = table("instances", "uuid", "id", "host", "node", "vm_state", "task_state", "deleted")
    found: dict[str, Instance] = {}
    for uuid, number, host, node, state, task, deleted in _named(
        connection, instances, instances.c.uuid, uuids
    ):
        if deleted and uuid in found:
            continue
        places = (_text(host), _text(node))
        found[uuid] = Instance(uuid, int(number), *places, str(state or ""), _text(task), bool(deleted))
    return found


def _migrations(connection: Connection, uuids: Iterable[str]) -> Iterator[Migration]:
    """Of these instances, and those whose own uuid is among these."""
    columns = ["id", "instance_uuid", "status", "source_compute", "dest_compute", "deleted"]
    if has_uuid := _has_column(connection, "migrations", "uuid"):
        columns.append("uuid")
    migrations, wanted = table("migrations", *columns), sorted(uuids)
    found = {each[0]: each for each in _named(connection, migrations, migrations.c.instance_uuid, wanted)}
    if has_uuid:
        found |= {each[0]: each for each in _named(connection, migrations, migrations.c.uuid, wanted)}
    for _, instance, status, source, destination, deleted, *uuid in found.values():
        own, places = _text(uuid[0]) if uuid else None, (_text(source), _text(destination))
        yield Migration(own, str(instance), str(status or ""), *places, bool(deleted))


def _named(
    connection: Connection, of: TableClause, by: Column[Any] | Any, uuids: Iterable[str]
) -> Iterator[Sequence[Any]]:
    from sqlalchemy import select

    left = iter(sorted(uuids))
    while some := list(islice(left, _AT_ONCE)):
        yield from connection.execute(select(of).where(by.in_(some)))


def _has_column(connection: Connection, name: str, column: str) -> bool:
    from sqlalchemy import inspect

    return any(each["name"] == column for each in inspect(connection).get_columns(name))


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _plain(value: object) -> Plain:
    if value is None or isinstance(value, int | float | str):
        return value
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
