"""That cell, its hosts, nova-api and Placement together, as the audit sees them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.cloud.openstack.heal.cell import A, B, Cell, node_uuid

from gpucloud.cloud.openstack.audit.database.place import reading
from gpucloud.cloud.openstack.audit.database.read import read_database
from gpucloud.cloud.openstack.audit.judge import Audit, judge
from gpucloud.cloud.openstack.audit.observed import (
    GivenHost,
    Hypervisor,
    Migration,
    Nova,
    Observed,
    Provider,
    Server,
)
from gpucloud.cloud.openstack.heal.plan import plan_repair
from gpucloud.cloud.openstack.heal.repair import Repair
from gpucloud.model.pci import Holder
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Device, DeviceType, Machine

UNSEEN = Unknown("not looked at")


def card(address: str, ids: tuple[str, str] = ("10de", "1db4"), kind: str = "type-PCI") -> Device:
    return Device(address, ids[0], ids[1], DeviceType(kind))


@dataclass
class Scene:
    """All sources; each can be taken away."""

    cell: Cell = field(default_factory=Cell)
    hosts: list[GivenHost] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    providers: list[Provider] | Unknown = field(default_factory=list)
    migrations: list[Migration] = field(default_factory=list)
    sees_nova: bool = True
    hypervisors: tuple[Hypervisor, ...] = (
        Hypervisor(node_uuid(1), A, A),
        Hypervisor(node_uuid(2), B, B),
    )

    def host(
        self,
        *devices: Device,
        name: str = A,
        held: dict[str, str] | None = None,
        wanted: tuple[str, ...] | None = None,
    ) -> None:
        """A host that was looked at, with who has which device open."""
        holders = {
            each.address: tuple(
                Holder(7, "qemu", "/dev/vfio/1", guest)
                for at, guest in (held or {}).items()
                if at == each.address
            )
            for each in devices
        }
        takes: frozenset[str] | Unknown = UNSEEN if wanted is None else frozenset(wanted)
        machine = Machine({each.address: each for each in devices})
        self.hosts.append(GivenHost(name, f"{name}.tar.gz", machine, holders, takes))

    def server(self, uuid: str, host: str, status: str = "ACTIVE", task: str | None = None) -> None:
        self.servers.append(Server(uuid, "train", status, host, host, task))

    def tree(self, key: int, host: str) -> Provider:
        """The provider of a host."""
        made = Provider(node_uuid(key), host, node_uuid(key), totals={"VCPU": 8})
        self._add(made)
        return made

    def device(self, key: int, host: str, address: str, **held: int) -> Provider:
        """The provider of a device below that of a host, and who holds it."""
        name = f"{host}_{address.upper()}"
        stock = {"CUSTOM_PCI_10DE_1DB4": 1}
        has = {consumer: {"CUSTOM_PCI_10DE_1DB4": amount} for consumer, amount in held.items()}
        made = Provider(f"rp-{name}", name, node_uuid(key), True, stock, has, node_uuid(key))
        self._add(made)
        return made

    def _add(self, provider: Provider) -> None:
        assert not isinstance(self.providers, Unknown)
        self.providers.append(provider)

    def look(self) -> Observed:
        there = () if isinstance(self.providers, Unknown) else self.providers
        names = {each for one in there for each in one.held}
        with reading(self.cell.engine) as connection:
            database = read_database(connection, "cell", names)
        nova = Nova({each.uuid: each for each in self.servers}, self.hypervisors, tuple(self.migrations))
        told = self.providers if isinstance(self.providers, Unknown) else tuple(there)
        return Observed(database, told, nova if self.sees_nova else UNSEEN, tuple(self.hosts))

    def audit(self) -> Audit:
        return judge(self.look())

    def kinds(self) -> list[str]:
        return [each.kind.id for each in self.audit().found]

    def plan(self, *, trusts_nova: bool = False) -> Repair:
        return self.plan_of(self.look(), trusts_nova=trusts_nova)

    def plan_of(self, seen: Observed, *, trusts_nova: bool = False) -> Repair:
        return plan_repair(judge(seen), trusts_nova=trusts_nova)


def unread(host: GivenHost) -> GivenHost:
    """The same host, whose holders could not be read."""
    return replace(host, holders=Unknown("run as root"))
