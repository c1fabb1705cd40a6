"""The facts of all sources by their keys, asked for by everything that judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gpucloud.cloud.openstack.audit.observed import (
    Database,
    Hypervisor,
    Instance,
    Migration,
    Node,
    Nova,
    Observed,
    Provider,
    Row,
    Server,
)
from gpucloud.model.unknown import Unknown


@dataclass(frozen=True)
class Facts:
    """All that was read; what was not read is empty here, and told by ``knows_servers`` and the audit."""

    seen: Observed

    @cached_property
    def nodes(self) -> dict[int, Node]:
        """Compute nodes by the key that rows have."""
        return {} if self.database is None else {each.id: each for each in self.database.nodes}

    @cached_property
    def live_nodes(self) -> dict[str, Node]:
        """Compute nodes that are not deleted, by the uuid of their providers."""
        return {each.uuid: each for each in self.nodes.values() if not each.is_deleted and each.uuid}

    @cached_property
    def live_hosts(self) -> frozenset[str]:
        """Names of nova-computes of compute nodes that are not deleted."""
        return frozenset(each.host for each in self.nodes.values() if not each.is_deleted)

    @cached_property
    def deleted_roots(self) -> frozenset[str]:
        """Providers whose compute node the database has as deleted: such a host is surely not a new one."""
        return frozenset(
            {each.uuid for each in self.nodes.values() if each.is_deleted} - self.live_nodes.keys()
        )

    def node_behind(self, root: str) -> Node | None:
        """The compute node of a tree of providers: the database's, else as nova-api lists it."""
        of_it = (each for each in self.hypervisors if each.uuid == root)
        return self.live_nodes.get(root) or next(
            (Node(0, each.uuid, each.host, each.name, False) for each in of_it), None
        )

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return () if self.database is None else self.database.rows

    @cached_property
    def by_node(self) -> dict[int, dict[str, Row]]:
        """Rows by compute node and address."""
        found: dict[int, dict[str, Row]] = {}
        for row in self.rows:
            found.setdefault(row.node, {})[row.address] = row
        return found

    def node_of(self, row: Row) -> Node | None:
        """The node that a row belongs to; None where it is deleted."""
        node = self.nodes.get(row.node)
        return None if node is None or node.is_deleted else node

    def server(self, uuid: str) -> Server | None:
        """What nova-api knows of a guest; None where it knows none, or was not asked (`knows_servers`)."""
        nova = self.nova
        return None if nova is None or isinstance(nova.servers, Unknown) else nova.servers.get(uuid)

    @property
    def knows_servers(self) -> bool:
        """Whether a guest that nova-api does not tell of is none."""
        return self.nova is not None and not isinstance(self.nova.servers, Unknown)

    def instance(self, uuid: str) -> Instance | None:
        """The database's row of a guest; None where there is none, or it is deleted."""
        found = None if self.database is None else self.database.instances.get(uuid)
        return None if found is None or found.is_deleted else found

    def migrations(self) -> Iterator[Migration]:
        """All that any source tells of."""
        if self.database is not None:
            yield from self.database.migrations
        if self.nova is not None and not isinstance(self.nova.migrations, Unknown):
            yield from self.nova.migrations

    @cached_property
    def moving(self) -> frozenset[str]:
        """Guests of migrations that are under way."""
        return frozenset(each.instance for each in self.migrations() if each.is_under_way)

    @property
    def providers(self) -> tuple[Provider, ...]:
        return () if isinstance(self.seen.providers, Unknown) else self.seen.providers

    @property
    def hypervisors(self) -> tuple[Hypervisor, ...]:
        """Hosts that nova-api lists."""
        nova = self.nova
        return () if nova is None or isinstance(nova.hypervisors, Unknown) else nova.hypervisors

    @property
    def nova(self) -> Nova | None:
        return None if isinstance(self.seen.nova, Unknown) else self.seen.nova

    @property
    def database(self) -> Database | None:
        return None if isinstance(self.seen.database, Unknown) else self.seen.database
