"""What the APIs tell of a cloud as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.cloud.openstack.explain.seen import Hypervisor
from gpucloud.cloud.openstack.publish.answers import HasFlavor
from gpucloud.cloud.status.stock import Service
from gpucloud.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Provider:
    """A resource provider.

    Args:
        id: its UUID; that of a host is its hypervisor's, too.
        root: of its tree: the host's own.
        capacity: of each class, what can be given in all: total less reserved, times the allocation ratio.
        used: of each class.
        traits: of it.
    """

    id: str
    root: str
    capacity: Mapping[str, int]
    used: Mapping[str, int]
    traits: frozenset[str]

    @property
    def is_host(self) -> bool:
        return self.id == self.root


@dataclass(frozen=True, slots=True)
class Placed:
    """Placement.

    Args:
        providers: of all hosts that have any memory, processor or disk left.
        names: of all providers, by their ids.
        roots: ids of all hosts.
    """

    providers: tuple[Provider, ...]
    names: Mapping[str, str]
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A server with devices: ``has`` is what its flavor says of them; None for a host that is not told."""

    name: str
    host: str | None
    has: str


@dataclass(frozen=True, slots=True)
class Read:
    """All that was read of a cloud.

    Args:
        name: in clouds.yaml.
        flavors: all that the user may see.
        services: of nova; those that answered or did not, of others.
        hypervisors: by the id of their providers.
        servers: with devices.
        is_own_only: the servers are those of the user's project alone, and why.
        placed: of Placement.
    """

    name: str
    flavors: tuple[HasFlavor, ...]
    services: tuple[Service, ...] | Unknown
    hypervisors: tuple[Hypervisor, ...] | Unknown
    servers: tuple[Server, ...] | Unknown
    is_own_only: Unknown | None
    placed: Placed | Unknown
