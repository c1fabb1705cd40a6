"""A cloud as it was read, and what its user gives beside it, as one screen takes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.cloud.openstack.explain.given import Given
from gpucloud.cloud.status.openstack.hosts import hosts_of
from gpucloud.cloud.status.openstack.read import Placed, Read
from gpucloud.cloud.status.openstack.wants import wants_of
from gpucloud.cloud.status.summary import Seen
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown


def seen_of(read: Read, given: Given, captures: Mapping[str, Host]) -> Seen:
    """A cloud.

    Args:
        read: of the APIs.
        given: files of nova-api.
        captures: hosts by their names in nova.
    """
    wants = wants_of(read.flavors, given, has_pinned=_has_pinned(read.placed))
    wanted = frozenset(ask.kind for want in wants if not isinstance(want.asks, Unknown) for ask in want.asks)
    hosts = hosts_of(read, wanted, captures)
    return Seen(f"cloud {read.name}", read.services, hosts, wants, _unread(read))


def _has_pinned(placed: Placed | Unknown) -> bool:
    return isinstance(placed, Unknown) or any("PCPU" in each.capacity for each in placed.providers)


def _unread(read: Read) -> dict[str, Unknown]:
    facts = {
        "services": read.services,
        "hypervisors": read.hypervisors,
        "servers": read.servers,
        "servers of other projects": read.is_own_only,
        "Placement": read.placed,
    }
    return {name: fact for name, fact in facts.items() if isinstance(fact, Unknown)}
