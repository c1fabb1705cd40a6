"""What the APIs tell of a flavor's or a server's way through nova."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpucloud.cloud.openstack.publish.offer import Aggregate, Flavor
from gpucloud.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was asked about.

    Args:
        status: as nova says it, ``ERROR``.
        host: where it is or was to be; None where nova has none, or does not tell.
        project: whose it is.
        image: id; None where it boots from a volume.
        flavor: as it was when the server was made.
        said: what nova says of its failure, by where it says it: ``fault``, ``action create``.
        refused: the newest action that looks for a host, where it failed; None where it did not.
        zone: the availability zone of its host; of a server that never had one, that which was asked for.
    """

    id: str
    name: str
    status: str
    host: str | None
    project: str
    image: str | None
    flavor: Flavor
    flavor_name: str
    said: Mapping[str, str] = field(default_factory=dict)
    refused: str | None = None
    zone: str | None = None

    @property
    def has_failed(self) -> bool:
        """Claims that nova gave up what was last asked of it."""
        return self.status == "ERROR" or self.refused is not None

    @property
    def runs(self) -> bool:
        """Claims that it has its host, and that nothing was refused since."""
        return self.refused is None and self.status not in ("ERROR", "BUILD", "SHELVED_OFFLOADED")

    @property
    def wants_its_flavor(self) -> bool:
        """Claims that a host was looked for its own flavor: nothing tells to which one a resize was."""
        return self.refused != "resize"


@dataclass(frozen=True, slots=True)
class Service:
    """A nova-compute.

    Args:
        reason: why it was disabled, empty where nobody said.
        zone: its availability zone.
    """

    host: str
    is_enabled: bool
    is_up: bool
    reason: str = ""
    zone: str = ""

    @property
    def takes_guests(self) -> bool:
        return self.is_enabled and self.is_up


TOLD_OF_HOSTS = frozenset(
    ("host_ip", "hypervisor_type", "hypervisor_version", "hypervisor_hostname", "cpu_info")
)
"""What the scheduler knows of a host's state (nova/scheduler/host_manager.py) and the API tells as it is."""


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """A host: its id is that of its provider in Placement (2.53).

    Args:
        told: of ``TOLD_OF_HOSTS`` what the API tells.
    """

    id: str
    name: str
    host: str
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a provider has of a class, and how much of it is in use."""

    provider: str
    total: int
    reserved: int
    used: int

    @property
    def free(self) -> int:
        """What is left where nothing is overcommitted."""
        return self.total - self.reserved - self.used


@dataclass(frozen=True, slots=True)
class Candidates:
    """What Placement has for a request.

    Args:
        hosts: ids of the providers of hosts that have room for all of it.
        parts: each part of it asked for alone (``VCPU:8``), and the hosts that have room for that; looked at
            only where no host has room for all of it.
        inventories: of classes that no host has room for.
        refusal: what Placement says of a request that it does not understand; None where it does.
    """

    hosts: frozenset[str] = frozenset()
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    inventories: Mapping[str, tuple[Inventory, ...] | Unknown] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Another server with devices: ``aliases`` is its flavor's ``pci_passthrough:alias``."""

    name: str
    host: str
    aliases: str


@dataclass(frozen=True, slots=True)
class Project:
    """Whose quota counts, and for whom aggregates may be: ``name`` is the id where keystone does not tell."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Classes:
    """Keystone's limits of a project for resource classes, which nova's driver for unified limits asks.

    Args:
        limits: by class, ``VGPU``; -1 is no limit. Those of the project before those of all projects.
        used: by class, as Placement counts the project's guests.
        registered: resources of nova that have a registered limit: ``servers``, ``class:VGPU``.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    used: Mapping[str, int] | Unknown = field(default_factory=dict)
    registered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """The server group of a server.

    Args:
        policy: ``affinity``, ``anti-affinity``, or a soft one, which keeps nobody away.
        most: members on one host, of ``anti-affinity``.
        members: how many other members are on each host.
    """

    name: str
    policy: str
    most: int
    members: Mapping[str, int] | Unknown


@dataclass(frozen=True, slots=True)
class Hints:
    """Scheduler hints of a server.

    Args:
        said: hint to its values: ``same_host`` to ids of servers.
        hosts: of the servers that are named; None for one that has no host, or is gone.
    """

    said: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, str | None] | Unknown


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was read.

    Args:
        name: what was asked about.
        flavor: of it; of a server that which it was made with.
        flavor_name: its name.
        server: None where a flavor was asked about.
        limits: ``maxTotalCores``, ``totalCoresUsed``... of the project; -1 is no limit.
        services: every nova-compute.
        image: properties of the server's image; none where there is no image.
        project: whose server it is; of a flavor, whose would be made with it.
        classes: keystone's limits of it; none where nothing is counted any more.
        zone: the availability zone that a host is looked for in; None for any.
        zones: those of nova, by whether one of their hosts is enabled, as everybody may list them; None where
            nobody needs them.
        group: of the server; None where it has none.
        hints: what its maker told the scheduler; None where nobody needs them.
    """

    name: str
    flavor: Flavor
    flavor_name: str
    server: Server | None
    image: Mapping[str, str] | Unknown
    limits: Mapping[str, int] | Unknown
    services: tuple[Service, ...] | Unknown
    hypervisors: tuple[Hypervisor, ...] | Unknown
    aggregates: tuple[Aggregate, ...] | Unknown
    candidates: Candidates | Unknown
    holders: tuple[Holder, ...] | Unknown
    project: Project | Unknown
    classes: Classes | Unknown
    zone: str | None | Unknown
    zones: Mapping[str, bool] | Unknown | None
    group: Group | None | Unknown
    hints: Hints | Unknown | None

    @property
    def aliases(self) -> str | None:
        """The flavor's ``pci_passthrough:alias``."""
        return self.flavor.extra_specs.get("pci_passthrough:alias")
