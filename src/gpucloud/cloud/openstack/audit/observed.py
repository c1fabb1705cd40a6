"""What each source tells of the devices of a cloud; `Unknown`, with why, where it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpucloud.model.pci import Holder
from gpucloud.model.plain import Plain
from gpucloud.model.unknown import Unknown
from gpucloud.nova.machine import Machine

ENDED = frozenset(("confirmed", "reverted", "error", "failed", "completed", "cancelled", "done"))
"""Of migrations: nova counts all others as under way (``migration_get_in_progress_by_host_and_node``)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ``pci_devices`` that is not deleted (nova/db/main/models.py: PciDevice).

    Args:
        id: primary key.
        node: ``compute_node_id``.
        owner: ``instance_uuid``.
        parent: ``parent_addr``: of a VF its physical function.
        columns: all of it, as a backup keeps it; times as text.
    """

    id: int
    node: int
    address: str
    vendor_id: str
    product_id: str
    dev_type: str
    status: str
    owner: str | None
    request: str | None
    parent: str | None
    columns: Mapping[str, Plain] = field(default_factory=dict, compare=False)

    @property
    def is_taken(self) -> bool:
        """Claims that a guest has it, or is about to."""
        return self.status in ("claimed", "allocated")

    @property
    def ids(self) -> str:
        return f"{self.vendor_id}:{self.product_id}"


@dataclass(frozen=True, slots=True)
class Node:
    """A row of ``compute_nodes``: ``uuid`` is that of its provider in Placement; deleted ones count, too."""

    id: int
    uuid: str
    host: str
    name: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Instance:
    """A guest in nova's database: ``number`` is its primary key, which libvirt's name for it is made of."""

    uuid: str
    number: int
    host: str | None
    node: str | None
    state: str
    task: str | None
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration or resize; while it is under way its own uuid holds the source's allocations.

    It is deleted with its guest, whatever status it had then (``instance_destroy``).
    """

    uuid: str | None
    instance: str
    status: str
    source: str | None
    destination: str | None
    is_deleted: bool = False

    @property
    def is_under_way(self) -> bool:
        return self.status not in ENDED and not self.is_deleted


@dataclass(frozen=True, slots=True)
class Database:
    """One cell's.

    Args:
        name: where it is, without a password.
        schema: which releases of nova have such a table.
        instances: those that rows and Placement name; one that is missing is not there.
        migrations: of these instances, and those that Placement names.
    """

    name: str
    schema: str
    rows: tuple[Row, ...] = ()
    nodes: tuple[Node, ...] = ()
    instances: Mapping[str, Instance] = field(default_factory=dict)
    migrations: tuple[Migration, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A resource provider.

    Args:
        root: of its tree; itself for that of a host.
        is_pci: nova made it for a PCI device (trait ``COMPUTE_MANAGED_PCI_DEVICE``).
        totals: what it has of each class.
        held: consumer to what it has of each class.
        parent: the one above it; None of a root.
    """

    uuid: str
    name: str
    root: str
    is_pci: bool = False
    totals: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    parent: str | None = None

    @property
    def is_root(self) -> bool:
        return self.uuid == self.root


@dataclass(frozen=True, slots=True)
class Server:
    """What nova-api tells of a guest."""

    uuid: str
    name: str
    status: str
    host: str | None
    node: str | None
    task: str | None


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """A host that nova-api lists: its id is that of its provider in Placement (2.53)."""

    uuid: str
    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Nova:
    """What nova-api tells.

    Args:
        servers: those that rows and Placement name; one that is missing is not there.
        migrations: all that the API lists.
    """

    servers: Mapping[str, Server] | Unknown
    hypervisors: tuple[Hypervisor, ...] | Unknown
    migrations: tuple[Migration, ...] | Unknown


@dataclass(frozen=True, slots=True)
class GivenHost:
    """A host that was looked at.

    Args:
        name: as nova calls it.
        source: where its facts come from.
        machine: its devices.
        holders: address to the processes that have the device open, QEMU's guests among them.
        wanted: addresses that nova-compute's device_spec takes.
        own_name: as it calls itself; None where that is not known.
    """

    name: str
    source: str
    machine: Machine
    holders: Mapping[str, tuple[Holder, ...] | Unknown] | Unknown
    wanted: frozenset[str] | Unknown
    own_name: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was read.

    Args:
        hosts: those that were looked at.
        unread: hosts that were to be looked at, and why they could not be, by name.
    """

    database: Database | Unknown
    providers: tuple[Provider, ...] | Unknown
    nova: Nova | Unknown
    hosts: tuple[GivenHost, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
