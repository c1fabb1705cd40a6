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
    UNTOLD = "untold"
    """The database has no row of it, and nova-api was not asked: it may be one of another cell."""


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
    def live_hosts(self) -> frozenset[str]:
        """Names of nova-computes of compute nodes that are not deleted."""
        return frozenset(each.host for each in self.live_nodes.values())

    @cached_property
    def deleted_roots(self) -> frozenset[str]:
        """Providers whose compute node the database has as deleted: such a host is surely not a new one."""
        return frozenset(
            {each.uuid for each in self.nodes.values() if each.is_deleted} - self.live_nodes.keys()
        )

    def node_behind(self, root: str) -> Node | None:
        """The compute node of a tree of providers: the database's, else as nova-api lists it."""
        told = (
            () if self.nova is None or isinstance(self.nova.hypervisors, Unknown) else self.nova.hypervisors
        )
        listed = (Node(0, each.uuid, each.host, each.name, False) for each in told if each.uuid == root)
        return self.live_nodes.get(root) or next(listed, None)

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
        names = (node.host, node.name)
        alike = [host for host in self.seen.hosts if any(_may_be_one(host.name, each) for each in names)]
        others = {each for each in self._every_host if _short(each) == _short(node.host)}
        return alike[0] if len(alike) == 1 and len(others) <= 1 else None

    @cached_property
    def _every_host(self) -> frozenset[str]:
        told = (
            () if self.nova is None or isinstance(self.nova.hypervisors, Unknown) else self.nova.hypervisors
        )
        return self.live_hosts | {each.host for each in told}

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
        device = self.device(row)
        if host is None or isinstance(device, Unknown):
            return device if isinstance(device, Unknown) else Unknown("the host was not looked at")
        return host.wanted if isinstance(host.wanted, Unknown) else row.address in host.wanted

    def guests_on(self, row: Row) -> tuple[Holder, ...] | Unknown:
        """Guests that have a row's device open on the host, its physical function, or a virtual one of it."""
        node = self.node_of(row)
        return () if node is None else self.guests_at(node, row.address)

    def guests_at(
        self, node: Node, address: str, *, with_relatives: bool = True
    ) -> tuple[Holder, ...] | Unknown:
        """Guests that have a device or a relative of it open: their QEMU holds its VFIO node."""
        host = self.given(node)
        if host is None:
            return Unknown(f"host {node.host} was not looked at")
        if isinstance(host.holders, Unknown):
            return host.holders
        relatives = self._relatives_of(node, host, address) if with_relatives else ()
        otherwise = Unknown(host.machine.unread[0]) if host.machine.unread else ()
        found = [host.holders.get(each, otherwise) for each in (address, *relatives)]
        known = (one for each in found if not isinstance(each, Unknown) for one in each)
        guests = tuple(one for one in known if one.guest or one.node.startswith("/dev/vfio/"))
        return guests or next((each for each in found if isinstance(each, Unknown)), ())

    def _relatives_of(self, node: Node, host: GivenHost, address: str) -> tuple[str, ...]:
        """Virtual functions of a physical one, or that of a virtual one: on the host, and in nova's rows."""
        pairs = {(at, each.parent) for at, each in host.machine.devices.items()}
        pairs |= {(at, row.parent) for at, row in self.by_node.get(node.id, {}).items()}
        virtual = {at for at, parent in pairs if parent == address}
        physical = {parent for at, parent in pairs if at == address and parent is not None}
        return tuple(sorted((virtual | physical) - {address}))

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
            return Where.BUSY if server is not None else self._unlisted(uuid)
        if instance.task is not None or (server is not None and server.task is not None):
            return Where.BUSY
        if instance.host == node.host:
            return Where.HERE
        is_elsewhere = instance.host is None or self._is_apart(instance.host, node)
        agrees = server is None or server.host != node.host
        return Where.ELSEWHERE if is_elsewhere and agrees else Where.BUSY

    def _unlisted(self, uuid: str) -> Where:
        """A guest that no source has: gone where the database has it as deleted, or nova-api was asked."""
        was = None if self._database is None else self._database.instances.get(uuid)
        return Where.GONE if was is not None or self.knows_servers else Where.UNTOLD

    def _is_apart(self, host: str, node: Node) -> bool:
        """Whether a host is surely another than a node's: nova has it, and not as a longer name of this."""
        return host in self.live_hosts and not _may_be_one(host, node.host)

    def may_be_of(self, uuid: str, old: Node | None) -> bool:
        """Whether a guest may have a device of a deleted compute node."""
        instance, server = self.instance(uuid), self.server(uuid)
        if uuid in self.moving or (server is not None and server.task is not None):
            return True
        if instance is None:
            return server is not None or self._unlisted(uuid) is Where.UNTOLD
        is_elsewhere = old is not None and instance.host is not None and self._is_apart(instance.host, old)
        return instance.task is not None or not is_elsewhere

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


def _may_be_one(name: str, other: str) -> bool:
    """Whether two names may be one host's: the same, or one of the two has no domain, and the rest is."""
    has_domains = "." in name and "." in other
    return name == other or (_short(name) == _short(other) and not has_domains)


def _short(name: str) -> str:
    return name.partition(".")[0]
