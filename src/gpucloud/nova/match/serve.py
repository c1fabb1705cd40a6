"""Which pools can serve a request, and why others cannot: the filters of ``nova/pci/stats.py``, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gpucloud.nova.alias import PciRequest
from gpucloud.nova.machine import DeviceType
from gpucloud.nova.match.pools import Pool, ignored_keys
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release


class Dropped(StrEnum):
    """Why nova takes a pool out of the choice."""

    PROPERTIES = "the alias asks for other properties"
    NUMA = "the device is not on a NUMA node that the policy allows"
    UNREQUESTED_PF = "it is a physical function, and the alias does not ask for type-PF"
    VDPA = "no alias can ask for a vdpa device"
    REMOTE_MANAGED = "it is remote-managed, which is for network ports alone"
    PLACEMENT = "Placement does not offer it under the resource class and traits that the alias asks for"


@dataclass(frozen=True, slots=True)
class Topology:
    """Where the guest's NUMA cells lie.

    Args:
        cells: host NUMA nodes of the guest's cells; None for a guest without a NUMA topology, for which
            policies do not count.
        sockets: host NUMA node to processor socket, which the policy ``socket`` needs.
    """

    cells: tuple[int, ...] | None = None
    sockets: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Stock:
    """A pool with how many of its devices are left."""

    pool: Pool
    count: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A pool that does not serve, and why.

    Args:
        pool: the pool.
        reason: the first of nova's filters that drops it.
        keys: for ``Dropped.PROPERTIES``, what differs from the alias's spec that comes nearest.
    """

    pool: Pool
    reason: Dropped
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The pools that serve a request, in the order in which nova takes from them; and the others."""

    serving: tuple[Stock, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def count(self) -> int:
        return sum(stock.count for stock in self.serving)


_Filter: TypeAlias = Callable[[Sequence[Stock]], list[Stock]]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a choice depends on besides the request and the pools.

    Args:
        release: which nova.
        topology: where the guest's NUMA cells lie.
        offered: alias to the addresses of devices, or of VFs' physical functions, that Placement offers for
            it; None where Placement is not asked.
    """

    release: Release
    topology: Topology = Topology()
    offered: Mapping[str, Collection[str]] | None = None


def choose(request: PciRequest, stocks: Sequence[Stock], given: Circumstances) -> Choice:
    """Put the pools through nova's filters."""
    left = list(stocks)
    left_out: list[LeftOut] = []
    for reason, keep in _filters(request, given):
        kept = keep(left)
        gone = [stock.pool for stock in left if stock not in kept]
        left_out += [_left_out(pool, reason, request.alias.specs, given.release) for pool in gone]
        left = kept
    return Choice(tuple(left), tuple(left_out))


def _left_out(pool: Pool, reason: Dropped, specs: Sequence[Mapping[str, str]], release: Release) -> LeftOut:
    if reason is not Dropped.PROPERTIES:
        return LeftOut(pool, reason)
    return LeftOut(pool, reason, min((_differing(pool, spec, release) for spec in specs), key=len))


def _filters(request: PciRequest, given: Circumstances) -> list[tuple[Dropped, _Filter]]:
    specs, release = request.alias.specs, given.release
    filters: list[tuple[Dropped, _Filter]] = [
        (Dropped.PROPERTIES, lambda stocks: [s for s in stocks if _has(s.pool, specs, release)]),
        (Dropped.NUMA, lambda stocks: _near(stocks, request, given.topology)),
    ]
    if all(spec.get("dev_type") != DeviceType.PF for spec in specs):
        filters.append((Dropped.UNREQUESTED_PF, lambda stocks: _not_of(stocks, DeviceType.PF)))
    if pci.VDPA.at(release):
        filters.append((Dropped.VDPA, lambda stocks: _not_of(stocks, DeviceType.VDPA)))
    if pci.REMOTE_MANAGED.at(release):
        filters.append((Dropped.REMOTE_MANAGED, _not_remote_managed))
    if given.offered is not None:
        places = given.offered.get(request.alias.name, ())
        filters.append((Dropped.PLACEMENT, lambda stocks: [s for s in stocks if _address(s.pool) in places]))
    return filters


def _address(pool: Pool) -> Json:
    return pool.properties.get("address")


def _has(pool: Pool, specs: Sequence[Mapping[str, str]], release: Release) -> bool:
    return any(not _differing(pool, spec, release) for spec in specs)


def _differing(pool: Pool, spec: Mapping[str, str], release: Release) -> tuple[str, ...]:
    """The keys of an alias's spec for which the pool has another value."""
    ignored = ignored_keys(release)
    fold = pci.MATCH_IGNORES_CASE.at(release)
    return tuple(
        key
        for key, value in spec.items()
        if key not in ignored and not _equal(pool.properties.get(key), value, fold)
    )


def _equal(has: Json, wants: str, fold: bool) -> bool:
    if fold and isinstance(has, str):
        return has.lower() == wants.lower()
    return has == wants


def _not_of(stocks: Sequence[Stock], kind: DeviceType) -> list[Stock]:
    return [stock for stock in stocks if stock.pool.properties.get("dev_type") != kind]


def _not_remote_managed(stocks: Sequence[Stock]) -> list[Stock]:
    return [stock for stock in stocks if not is_yes(stock.pool.properties.get("remote_managed"))]


def _near(stocks: Sequence[Stock], request: PciRequest, topology: Topology) -> list[Stock]:
    """From the strictest policy to the one asked for, the first that gives enough devices."""
    if not topology.cells:
        return list(stocks)
    policy = request.numa_policy or "legacy"
    nodes: list[int | None] = list(topology.cells)
    near = _on(stocks, nodes)
    if policy == "required" or _enough(near, request):
        return near
    if policy == "socket":
        return _on(stocks, _nodes_of_sockets(topology))
    nodes.append(None)
    near = _on(stocks, nodes)
    if policy == "legacy" or _enough(near, request):
        return near
    return sorted(stocks, key=lambda stock: stock.pool.properties.get("numa_node") not in nodes)


def _on(stocks: Sequence[Stock], nodes: Sequence[int | None]) -> list[Stock]:
    return [stock for stock in stocks if stock.pool.properties.get("numa_node") in nodes]


def _enough(stocks: Sequence[Stock], request: PciRequest) -> bool:
    return sum(stock.count for stock in stocks) >= request.count


def _nodes_of_sockets(topology: Topology) -> list[int | None]:
    mine = {topology.sockets[cell] for cell in topology.cells or () if cell in topology.sockets}
    return [node for node, socket in topology.sockets.items() if socket in mine]
