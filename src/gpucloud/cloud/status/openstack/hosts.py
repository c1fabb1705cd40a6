"""A cloud's hosts as stock: providers of Placement, and the groups that captures add. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpucloud.cloud.claims import Claims
from gpucloud.cloud.status.here import host_stock
from gpucloud.cloud.status.openstack.answers import PLAIN
from gpucloud.cloud.status.openstack.read import Placed, Provider, Read, Server
from gpucloud.cloud.status.openstack.wants import class_of_ids
from gpucloud.cloud.status.stock import HostStock, Service, Stock, User
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_IDS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})")
_MANAGED = "COMPUTE_MANAGED_PCI_DEVICE"
_SLICES = frozenset({"VGPU", "PGPU"})
_MEDIATED = "_pci_"
"""In the names of what nova cuts into mediated devices (``_update_provider_tree_for_vgpu``)."""
_NO_POOLS = "the API tells no PCI devices that nova keeps to itself: give a capture with --from HOST=CAPTURE"
_RESERVED = "Placement has it reserved"
_STRANGE = "nova has no host of that name: give the capture the host's name in nova, HOST=CAPTURE"
_OTHERS = Unknown("the guests there are others than when it was captured: capture it again")


@dataclass(frozen=True, slots=True)
class _Place:
    """A host: its name in nova, and its providers, Unknown where Placement does not tell them."""

    name: str
    providers: tuple[Provider, ...] | Unknown


def hosts_of(
    read: Read, wanted: frozenset[str], captures: Mapping[str, Host]
) -> tuple[HostStock, ...] | Unknown:
    """All hosts, by name.

    Args:
        read: of the cloud.
        wanted: classes that flavors ask for.
        captures: hosts by their names in nova.
    """
    places = _places(read)
    if isinstance(places, Unknown) and not captures:
        return places
    known = () if isinstance(places, Unknown) else places
    unseen = places if isinstance(places, Unknown) else Unknown(_STRANGE)
    strange = captures.keys() - _names(known)
    names = {} if isinstance(read.placed, Unknown) else read.placed.names
    users, closed = _users(read.servers), _closed(read.services)
    closed |= {} if isinstance(places, Unknown) else dict.fromkeys(strange, _STRANGE)
    found = []
    for place in sorted([*known, *(_Place(name, unseen) for name in strange)], key=lambda place: place.name):
        there = users if isinstance(users, Unknown) else tuple(users.get(place.name, ()))
        bare = HostStock(place.name, (), users=there, closed=closed.get(place.name))
        found.append(_host(bare, place.providers, names, wanted, captures.get(place.name)))
    return tuple(found)


def _names(places: Iterable[_Place]) -> frozenset[str]:
    return frozenset(place.name for place in places)


def _places(read: Read) -> tuple[_Place, ...] | Unknown:
    """By nova's list of hypervisors; where that may not be read, by the names of Placement's roots."""
    if isinstance(read.placed, Unknown):
        if isinstance(read.hypervisors, Unknown):
            return read.hypervisors
        return tuple(_Place(each.host, read.placed) for each in read.hypervisors)
    trees: dict[str, list[Provider]] = {root: [] for root in read.placed.roots}
    for provider in read.placed.providers:
        trees.setdefault(provider.root, []).append(provider)
    if isinstance(read.hypervisors, Unknown):
        hosts = {root: read.placed.names.get(root, root) for root in trees}
    else:
        hosts = {each.id: each.host for each in read.hypervisors}
    return tuple(_Place(name, _tree(root, trees, read.placed)) for root, name in hosts.items())


def _tree(root: str, trees: Mapping[str, list[Provider]], placed: Placed) -> tuple[Provider, ...] | Unknown:
    if root not in trees:
        return Unknown("Placement has no provider of it: its nova-compute has not reported yet")
    if not trees[root]:
        name = placed.names.get(root, root)
        return Unknown(f"{name} has no memory, processor or disk left, and Placement lists no such host")
    return tuple(trees[root])


def _host(
    bare: HostStock,
    providers: tuple[Provider, ...] | Unknown,
    names: Mapping[str, str],
    wanted: frozenset[str],
    capture: Host | None,
) -> HostStock:
    if isinstance(providers, Unknown):
        return _captured(replace(bare, stocks=providers), capture)
    host = next((each for each in providers if each.is_host), None)
    found = (stock for each in providers for stock in _stocks(each, names.get(each.id, each.id), wanted))
    full = replace(
        bare,
        stocks=tuple(_with_groups(stock, bare.name, capture) for stock in found),
        room=None if host is None else _room(host),
        traits=frozenset() if host is None else host.traits,
        why_no_pools=None if any(_MANAGED in each.traits for each in providers) else _NO_POOLS,
    )
    return full if full.why_no_pools is None else _captured(full, capture)


def _room(host: Provider) -> dict[str, int]:
    return {name: host.capacity[name] - host.used[name] for name in PLAIN & host.capacity.keys()}


def _stocks(provider: Provider, name: str, wanted: frozenset[str]) -> Iterable[Stock]:
    """Devices: slices, those that nova reports, and what any flavor asks for beside processors and memory."""
    for kind, capacity in provider.capacity.items():
        is_custom = not provider.is_host and kind.startswith("CUSTOM_")
        if kind in _SLICES or kind in wanted or is_custom:
            yield Stock(
                name,
                kind,
                total=max(1, capacity),
                used=provider.used[kind],
                obstacle=None if capacity > 0 else _RESERVED,
                traits=provider.traits,
                is_reserved=capacity <= 0,
                is_mediated=kind in _SLICES or _MEDIATED in name.lower(),
            )


def _with_groups(stock: Stock, host: str, capture: Host | None) -> Stock:
    """The groups of the card that the provider's name ends with: ``gpu01_0000:3B:00.0``."""
    if capture is None:
        return stock
    try:
        address = PciAddress.parse_typed(stock.name.rpartition("_")[2])
    except ValueError:
        return replace(stock, groups=Unknown(f"{stock.name} is not called by an address"))
    unit = capture.unit_at(address)
    if unit is None:
        return replace(stock, groups=Unknown(f"the capture of {host} has no GPU at {address}"))
    return replace(stock, groups=_groups(unit), model=unit.primary.name)


def _groups(unit: GpuUnit) -> frozenset[int] | Unknown:
    unread = [each.iommu_group for each in unit.functions if isinstance(each.iommu_group, Unknown)]
    return unread[0] if unread else frozenset(unit.groups)


def _captured(known: HostStock, capture: Host | None) -> HostStock:
    """A host whose devices nova keeps to itself, with those of its capture, by the classes of their ids.

    Libvirt takes them from a driver of the host when a guest starts (``managed='yes'``), so that is no
    obstacle here.
    """
    if capture is None:
        return known
    found = host_stock(known.name, capture, Claims()).stocks
    if isinstance(found, Unknown):
        return replace(known, why_no_pools=found.why)
    before = () if isinstance(known.stocks, Unknown) else known.stocks
    guests = {user for stock in found for user in stock.users}
    is_old = not isinstance(known.users, Unknown) and len(guests) != len(known.users)
    cards = tuple(
        replace(
            stock,
            kind=_class_of(stock),
            obstacle=_OTHERS if is_old else _unread(stock.obstacle),
        )
        for stock in found
    )
    return replace(known, stocks=(*before, *cards), why_no_pools=None)


def _unread(obstacle: str | None | Unknown) -> Unknown | None:
    return obstacle if isinstance(obstacle, Unknown) else None


def _class_of(stock: Stock) -> str:
    """The class that nova makes of its ids; of a vGPU the type stands behind them."""
    ids = _IDS.match(stock.kind)
    return stock.kind if ids is None else class_of_ids(*ids.groups())


def _users(servers: Sequence[Server] | Unknown) -> dict[str, list[User]] | Unknown:
    if isinstance(servers, Unknown):
        return servers
    found: dict[str, list[User]] = {}
    for server in servers:
        if server.host is not None:
            found.setdefault(server.host, []).append(User(server.name, server.has))
    return found


def _closed(services: Sequence[Service] | Unknown) -> dict[str, str]:
    """Hosts whose nova-compute takes no guests, and why."""
    known = () if isinstance(services, Unknown) else services
    computes = [each for each in known if each.name == "nova-compute"]
    return {each.host: f"nova-compute is {each.trouble}" for each in computes if each.trouble is not None}
