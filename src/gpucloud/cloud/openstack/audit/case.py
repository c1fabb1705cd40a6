"""What follows from the facts of all sources, asked for by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from gpucloud.cloud.openstack.audit.facts import Facts
from gpucloud.cloud.openstack.audit.observed import GivenHost, Node, Row, Server
from gpucloud.model.finding import Evidence
from gpucloud.model.holders import is_caretaker
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Device, Machine

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
class Case(Facts):
    """All facts, with what follows from them."""

    def given(self, node: Node) -> GivenHost | None:
        """The host of a node, where it was looked at, and does not call itself otherwise."""
        found = self._named(node)
        return None if found is None or _is_another(found, node) else found

    def why_not_given(self, node: Node) -> str:
        """Why nothing is known of a node's host."""
        found = self._named(node)
        if found is not None and _is_another(found, node):
            return f"{found.source} calls itself {found.own_name}: is that {node.name}?"
        return self.seen.unread.get(node.host, f"host {node.host} was not looked at")

    def is_asked_for(self, node: Node) -> bool:
        """Whether a node's host was named, reached or not."""
        return node.host in self.seen.unread or self._named(node) is not None

    def _named(self, node: Node) -> GivenHost | None:
        for name in (node.host, node.name):
            if name in self._given:
                return self._given[name]
        names = (node.host, node.name)
        alike = [host for host in self.seen.hosts if any(_may_be_one(host.name, each) for each in names)]
        others = {each for each in self._every_host if _short(each) == _short(node.host)}
        return alike[0] if len(alike) == 1 and len(others) <= 1 else None

    @cached_property
    def _every_host(self) -> frozenset[str]:
        return self.live_hosts | {each.host for each in self.hypervisors}

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
        unread = unread_devices(host.machine)
        return Unknown(unread[0]) if found is None and unread else found

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

    def users_of(self, row: Row) -> tuple[Holder, ...] | Unknown:
        """As ``users_at``, of a row's device, its physical function, and virtual ones of it."""
        node = self.node_of(row)
        return () if node is None else self.users_at(node, row.address)

    def guests_at(self, node: Node, address: str) -> tuple[Holder, ...] | Unknown:
        """Guests that have a device or a relative of it open: their QEMU holds its VFIO node."""
        users = self.users_at(node, address)
        if isinstance(users, Unknown):
            return users
        return tuple(one for one in users if one.guest or one.node.startswith("/dev/vfio/"))

    def users_at(
        self, node: Node, address: str, *, with_relatives: bool = True
    ) -> tuple[Holder, ...] | Unknown:
        """Guests, and programs of the host itself, that have a device or a relative of it open."""
        host = self.given(node)
        if host is None:
            return Unknown(self.why_not_given(node))
        if isinstance(host.holders, Unknown):
            return host.holders
        relatives = self._relatives_of(node, host, address) if with_relatives else ()
        unread = unread_devices(host.machine)
        otherwise = Unknown(unread[0]) if unread else ()
        found = [host.holders.get(each, otherwise) for each in (address, *relatives)]
        known = (one for each in found if not isinstance(each, Unknown) for one in each)
        users = tuple(one for one in known if not is_caretaker(one))
        return users or next((each for each in found if isinstance(each, Unknown)), ())

    def _relatives_of(self, node: Node, host: GivenHost, address: str) -> tuple[str, ...]:
        """Virtual functions of a physical one, or that of a virtual one: on the host, and in nova's rows."""
        pairs = {(at, each.parent) for at, each in host.machine.devices.items()}
        pairs |= {(at, row.parent) for at, row in self.by_node.get(node.id, {}).items()}
        virtual = {at for at, parent in pairs if parent == address}
        physical = {parent for at, parent in pairs if at == address and parent is not None}
        return tuple(sorted((virtual | physical) - {address}))

    def work_on(self, uuid: str) -> str | None:
        """What nova does with a guest now, for which nothing of it is judged; None where it does nothing."""
        instance, server = self.instance(uuid), self.server(uuid)
        if uuid in self.moving:
            under_way = (each for each in self.migrations() if each.instance == uuid and each.is_under_way)
            return f"migration {next(under_way).status}"
        if server is not None and server.status in RESIZING:
            return server.status
        tasks = (each.task for each in (instance, server) if each is not None and each.task is not None)
        task = next(tasks, None)
        return None if task is None else f"task {task}"

    def is_nowhere(self, server: Server) -> bool:
        """Claims a guest that both sources have on no host, for good: it failed, or was put aside."""
        instance = self.instance(server.uuid)
        is_settled = server.status in ("ERROR", "SHELVED_OFFLOADED")
        return is_settled and server.host is None and (instance is None or instance.host is None)

    def disputed(self, uuid: str) -> str:
        """Where each source has a guest."""
        instance, server = self.instance(uuid), self.server(uuid)
        places = (
            ("the database", None if instance is None else instance.host or "no host"),
            ("nova-api", None if server is None else server.host or "no host"),
        )
        told = [f"{who} has it on {place}" for who, place in places if place is not None]
        return ", ".join(told) or "no source has it"

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
        was = None if self.database is None else self.database.instances.get(uuid)
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

    def was_guest(self, uuid: str) -> bool:
        """Claims that the database has had a guest of this uuid: it is deleted there, or rows name it."""
        found = None if self.database is None else self.database.instances.get(uuid)
        return (found is not None and found.is_deleted) or uuid in self._owners

    @cached_property
    def _owners(self) -> frozenset[str]:
        return frozenset(row.owner for row in self.rows if row.owner is not None)

    def tell_guest(self, uuid: str) -> Evidence:
        """What the database says of a guest."""
        found = None if self.database is None else self.database.instances.get(uuid)
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


def unread_devices(machine: Machine) -> tuple[str, ...]:
    """Why devices may be there that are not among the machine's.

    A device that was read but for its NUMA node, which much firmware does not tell, is all that is asked for.
    """
    return tuple(why for why in machine.unread if why.partition(": ")[0] not in machine.devices)


def _is_another(host: GivenHost, node: Node) -> bool:
    """Whether a host that was reached under a node's name calls itself by no name of it."""
    own = host.own_name
    return own is not None and not any(_may_be_one(own, each) for each in (node.host, node.name))


def _may_be_one(name: str, other: str) -> bool:
    """Whether two names may be one host's: the same, or one of the two has no domain, and the rest is."""
    has_domains = "." in name and "." in other
    return name == other or (_short(name) == _short(other) and not has_domains)


def _short(name: str) -> str:
    return name.partition(".")[0]
