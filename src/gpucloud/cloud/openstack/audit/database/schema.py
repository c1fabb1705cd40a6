"""Which nova a database is of: told by the columns of its tables. One that is not known is refused.

Sources: nova/db/main/models.py and nova/db/sqlalchemy/models.py of every release from 13.0.0 to 34.0.0;
``uuid`` came with 16.0.0 (migration 356), ``live_migratable`` and the like are in ``extra_info``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.engine import Connection

PCI_DEVICES = frozenset(
    (
        *("created_at", "updated_at", "deleted_at", "deleted", "id", "compute_node_id", "address"),
        *("vendor_id", "product_id", "dev_type", "dev_id", "label", "status", "request_id", "extra_info"),
        *("instance_uuid", "numa_node", "parent_addr"),
    )
)
"""Columns of ``pci_devices`` as Mitaka (13) has them."""
_LATER = frozenset(("uuid",))
READ: Mapping[str, frozenset[str]] = {
    "compute_nodes": frozenset(["id", "uuid", "host", "hypervisor_hostname", "deleted"]),
    "instances": frozenset(["id", "uuid", "host", "node", "vm_state", "task_state", "deleted"]),
    "migrations": frozenset(["id", "instance_uuid", "status", "source_compute", "dest_compute", "deleted"]),
}
"""What is read of the others; they have more, which differs from release to release."""


def recognise(connection: Connection) -> str:
    """Which releases have such tables, in words.

    Raises:
        Failure: no known one has: nothing may be read into them, and nothing written.
    """
    from sqlalchemy import inspect

    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    missing = sorted({"pci_devices", *READ} - there)
    if missing:
        what = f"this is no database of a cell of nova: it has no table {', '.join(missing)}"
        raise Failure(what, "name that of the cell (mostly nova), not nova_api or nova_cell0")
    columns = {
        name: frozenset(each["name"] for each in inspector.get_columns(name))
        for name in there & {"pci_devices", *READ}
    }
    for name, wanted in READ.items():
        _require(name, wanted - columns[name])
    return _release_of(columns["pci_devices"])


def _release_of(columns: frozenset[str]) -> str:
    _require("pci_devices", PCI_DEVICES - columns)
    unknown = columns - PCI_DEVICES - _LATER
    if unknown:
        what = f"table pci_devices has columns that no known nova has: {', '.join(sorted(unknown))}"
        raise Failure(what, "it is of a nova that this gpucloud does not know: look for a newer one")
    return "nova 16 (Pike) to 34" if columns & _LATER else "nova 13 (Mitaka) to 15"


def _require(table: str, missing: Iterable[str]) -> None:
    lacks = ", ".join(sorted(missing))
    if lacks:
        what = f"table {table} has no {lacks}: no nova from 13 (Mitaka) to 34 has such a table"
        raise Failure(what, "nothing is read of it, and nothing changed")
