"""What follows from the facts of all sources, asked for by the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from gpucloud.cloud.openstack.audit.observed import (
    Database,
    GivenHost,
    Instance,
    Migration,
    Node,
    Nova,
    Observed,
    Provider,
    Row,
    Server,
)
from gpucloud.model.finding import Evidence
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Device

RESIZING = frozenset(("VERIFY_RESIZE", "RESIZE", "REVERT_RESIZE", "MIGRATING"))


class Where(Enum):
    """Where a guest is, as seen from a host whose device it has."""

    GONE = "gone"
    HERE = "here"
    ELSEWHERE = "elsewhere"
    BUSY = "busy"
    """nova is at work on it, or its sources do not agree: nothing of it is judged."""


@dataclass(frozen=True)
class Case:
    """All facts, with what follows from them."""

    seen: Observed

    @cached_property
    def nodes(self) -> dict[int, Node]:
        """Compute nodes by the key that rows have."""
        return {} if self._database is None else {each.id: each for each in self._database.nodes}

    @cached_property
    def live_nodes(self) -> dict[str, Node]:
        """Compute nodes that are not deleted, by the uuid of their providers."""
        return {each.uuid: each for each in self.nodes.values() if not each.is_deleted and each.uuid}

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return () if self._database is None else self._database.rows

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

    def given(self, node: Node) -> GivenHost | None:
        """The host of a node, where it was looked at."""
        for name in (node.host, node.name):
            if name in self._given:
                return self._given[name]
        alike = [host for host in self.seen.hosts if _is_alike(host.name, node)]
        others = [each for each in self.live_nodes.values() if _short(each.host) == _short(node.host)]
        return alike[0] if len(alike) == 1 and len(others) <= 1 else None

    @cached_property
    def _given(self) -> dict[str, GivenHost]:
        """Hosts by their names in full."""
        return {host.name: host for host in self.seen.hosts}

    def device(self, row: Row) -> Device | None | Unknown:
        """What the host has at a row's address now."""
        node = self.node_of(row)
        host = None if node is None else self.given(node)
        if host is None:
            return Unknown("the host was not looked at")
        found = host.machine.devices.get(row.address)
        if found is None and host.machine.unread:
            return Unknown(host.machine.unread[0])
        return found

    def is_wanted(self, row: Row) -> bool | Unknown:
        """Whether device_spec takes the device of a row."""
        node = self.node_of(row)
        host = None if node is None else self.given(node)
        if host is None:
            return Unknown("the host was not looked at")
        return host.wanted if isinstance(host.wanted, Unknown) else row.address in host.wanted

    def guests_on(self, row: Row) -> tuple[Holder, ...] | Unknown:
        """Guests that have a row's device open on the host, or a virtual function of it."""
        node = self.node_of(row)
        return () if node is None else self.guests_at(node, row.address)

    def guests_at(self, node: Node, address: str) -> tuple[Holder, ...] | Unknown:
        """Guests that have a device or a function of it open: their QEMU holds its VFIO node."""
        host = self.given(node)
        if host is None:
            return Unknown(f"host {node.host} was not looked at")
        if isinstance(host.holders, Unknown):
            return host.holders
        guests: list[Holder] = []
        for each in (address, *self._functions_of(node, host, address)):
            found = host.holders.get(each, ())
            if isinstance(found, Unknown):
                return found
            guests += (one for one in found if one.guest or one.node.startswith("/dev/vfio/"))
        return tuple(guests)

    def _functions_of(self, node: Node, host: GivenHost, address: str) -> tuple[str, ...]:
        """Virtual functions of a physical one, as the host shows them and as nova's rows have them."""
        shown = (at for at, each in host.machine.devices.items() if each.parent == address)
        known = (at for at, row in self.by_node.get(node.id, {}).items() if row.parent == address)
        return tuple(sorted({*shown, *known} - {address}))

    def server(self, uuid: str) -> Server | None:
        """What nova-api knows of a guest; None where it knows none, or was not asked."""
        nova = self.nova
        return None if nova is None or isinstance(nova.servers, Unknown) else nova.servers.get(uuid)

    def instance(self, uuid: str) -> Instance | None:
        """The database's row of a guest; None where there is none, or it is deleted."""
        found = None if self._database is None else self._database.instances.get(uuid)
        return None if found is None or found.is_deleted else found

    def migrations(self) -> Iterator[Migration]:
        """All that any source tells of."""
        if self._database is not None:
            yield from self._database.migrations
        if self.nova is not None and not isinstance(self.nova.migrations, Unknown):
            yield from self.nova.migrations

    @cached_property
    def moving(self) -> frozenset[str]:
        """Guests of migrations that are under way."""
        return frozenset(each.instance for each in self.migrations() if each.is_under_way)

    def where(self, uuid: str, node: Node) -> Where:
        """Where the guest is that a row of this node names."""
        instance, server = self.instance(uuid), self.server(uuid)
        if uuid in self.moving or (server is not None and server.status in RESIZING):
            return Where.BUSY
        if instance is None:
            return Where.GONE if server is None else Where.BUSY
        if instance.task is not None or (server is not None and server.task is not None):
            return Where.BUSY
        is_here = instance.host == node.host and instance.node in (node.name, None)
        return Where.HERE if is_here else Where.ELSEWHERE

    def may_be_of(self, uuid: str, old: Node | None) -> bool:
        """Whether a guest that any source knows may have a device of a deleted compute node."""
        instance, server = self.instance(uuid), self.server(uuid)
        if instance is None:
            return server is not None or uuid in self.moving
        tasks = (instance.task, None if server is None else server.task)
        is_busy = uuid in self.moving or any(each is not None for each in tasks)
        is_elsewhere = old is not None and instance.host not in (None, old.host)
        return is_busy or not is_elsewhere

    def tell_guest(self, uuid: str) -> Evidence:
        """What the database says of a guest."""
        found = None if self._database is None else self._database.instances.get(uuid)
        if found is None:
            return Evidence(f"instances {uuid}", "no such row")
        if found.is_deleted:
            return Evidence(f"instances {uuid}", "deleted")
        return Evidence(f"instances {uuid}", f"{found.state} on {found.host or 'no host'}")

    def tell_row(self, row: Row) -> Evidence:
        """A row in a line."""
        whose = f", instance_uuid {row.owner}" if row.owner else ""
        text = f"{row.address} {row.ids} {row.dev_type} {row.status}{whose}"
        return Evidence(f"pci_devices id {row.id}", text)

    def known_as(self, uuid: str) -> str:
        """A guest in words: with its name where nova-api tells it."""
        server = self.server(uuid)
        return uuid if server is None else f"{server.name} ({uuid})"

    @property
    def providers(self) -> tuple[Provider, ...]:
        return () if isinstance(self.seen.providers, Unknown) else self.seen.providers

    @property
    def nova(self) -> Nova | None:
        return None if isinstance(self.seen.nova, Unknown) else self.seen.nova

    @property
    def _database(self) -> Database | None:
        return None if isinstance(self.seen.database, Unknown) else self.seen.database


def _is_alike(name: str, node: Node) -> bool:
    """Whether a name may be a node's: one of the two has no domain, and the rest is the same."""
    return any(
        _short(name) == _short(other) and "." not in (name if "." in other else other)
        for other in (node.host, node.name)
    )


def _short(name: str) -> str:
    return name.partition(".")[0]
