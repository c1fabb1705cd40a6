"""A cell's database with the columns that nova's own models have, and what nova writes into it.

Columns: nova/db/main/models.py of 34.0.0 (PciDevice whole; of the others those that are looked at).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

GPU, OTHER = ("10de", "1db4"), ("10de", "20b0")
A, B = "gpu01", "gpu02"


def tables(*, has_uuid: bool = True) -> sa.MetaData:
    """The four tables; those of Mitaka to Ocata have no uuid of devices."""
    meta = sa.MetaData()
    kept = [sa.Column(name, sa.DateTime) for name in ("created_at", "updated_at", "deleted_at")]
    uuid = [sa.Column("uuid", sa.String(36))] if has_uuid else []
    sa.Table(
        "pci_devices",
        meta,
        *kept,
        sa.Column("deleted", sa.Integer),
        sa.Column("id", sa.Integer, primary_key=True),
        *uuid,
        sa.Column("compute_node_id", sa.Integer, nullable=False),
        sa.Column("address", sa.String(12), nullable=False),
        sa.Column("vendor_id", sa.String(4), nullable=False),
        sa.Column("product_id", sa.String(4), nullable=False),
        sa.Column("dev_type", sa.String(8), nullable=False),
        sa.Column("dev_id", sa.String(255)),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("status", sa.String(36), nullable=False),
        sa.Column("request_id", sa.String(36)),
        sa.Column("extra_info", sa.Text),
        sa.Column("instance_uuid", sa.String(36)),
        sa.Column("numa_node", sa.Integer),
        sa.Column("parent_addr", sa.String(12)),
        sa.UniqueConstraint("compute_node_id", "address", "deleted"),
    )
    for name, texts in (
        ("compute_nodes", ("uuid", "host", "hypervisor_hostname")),
        ("instances", ("uuid", "host", "node", "vm_state", "task_state")),
        ("migrations", ("uuid", "instance_uuid", "status", "source_compute", "dest_compute")),
    ):
        columns = [sa.Column(each, sa.String(255)) for each in texts]
        sa.Table(
            name,
            meta,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("deleted", sa.Integer),
            *columns,
        )
    return meta


@dataclass
class Cell:
    """The database of two hosts, each with a compute node."""

    url: str = "sqlite://"
    has_uuid: bool = True
    engine: Engine = field(init=False)
    meta: sa.MetaData = field(init=False)

    def __post_init__(self) -> None:
        options: dict[str, Any] = {"poolclass": StaticPool} if self.url == "sqlite://" else {}
        self.engine = sa.create_engine(self.url, **options)
        self.meta = tables(has_uuid=self.has_uuid)
        self.meta.create_all(self.engine)
        self.node(1, A)
        self.node(2, B)

    def insert(self, table: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.insert(self.meta.tables[table]).values(**values))

    def node(self, key: int, host: str, *, deleted: bool = False) -> None:
        names = {"uuid": node_uuid(key), "host": host, "hypervisor_hostname": host}
        self.insert("compute_nodes", id=key, deleted=key if deleted else 0, **names)

    def guest(
        self, number: int, host: str | None = A, *, task: str | None = None, deleted: bool = False
    ) -> str:
        """A guest, and its uuid."""
        uuid = guest_uuid(number)
        where = {"host": host, "node": host, "vm_state": "active", "task_state": task}
        self.insert("instances", id=number, uuid=uuid, deleted=number if deleted else 0, **where)
        return uuid

    def migration(self, number: int, guest: str, status: str, source: str = A, to: str = B) -> str:
        """A migration, and its uuid."""
        uuid = f"00000000-0000-0000-00ff-{number:012d}"
        places = {"source_compute": source, "dest_compute": to}
        self.insert(
            "migrations", id=number, deleted=0, uuid=uuid, instance_uuid=guest, status=status, **places
        )
        return uuid

    def row(
        self,
        key: int,
        address: str,
        status: str = "available",
        *,
        node: int = 1,
        owner: str | None = None,
        ids: tuple[str, str] = GPU,
        kind: str = "type-PCI",
        parent: str | None = None,
    ) -> None:
        what = {"vendor_id": ids[0], "product_id": ids[1], "dev_type": kind, "label": "label"}
        whose = {"instance_uuid": owner, "request_id": f"req-{key}" if owner else None}
        uuid = {"uuid": f"row-{key}"} if self.has_uuid else {}
        place = {"compute_node_id": node, "address": address, "parent_addr": parent}
        self.insert("pci_devices", id=key, deleted=0, status=status, **what, **whose, **uuid, **place)

    def read(self, key: int) -> Mapping[str, Any]:
        """A row as it is."""
        devices = self.meta.tables["pci_devices"]
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(devices).where(devices.c.id == key)).mappings().one()
            return dict(found)

    def all(self) -> list[Mapping[str, Any]]:
        """All rows as they are."""
        devices = self.meta.tables["pci_devices"]
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(devices).order_by(devices.c.id)).mappings()
            return [dict(each) for each in found]

    def change(self, table: str, key: int, **values: object) -> None:
        of = self.meta.tables[table]
        with self.engine.begin() as connection:
            connection.execute(sa.update(of).where(of.c.id == key).values(**values))


def guest_uuid(number: int) -> str:
    return f"00000000-0000-0000-0001-{number:012d}"


def node_uuid(number: int) -> str:
    return f"00000000-0000-0000-0002-{number:012d}"
