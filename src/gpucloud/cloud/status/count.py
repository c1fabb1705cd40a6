"""What can still be sold: the stock of hosts against a size of guests. Pure.

Each size is counted alone, as if no other were sold meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gpucloud.cloud.status.pack import most_guests
from gpucloud.cloud.status.stock import UNSEEN_GROUPS, Ask, HostStock, Stock, Want
from gpucloud.model.unknown import Unknown

_OF_HOST = ("VCPU", "PCPU", "MEMORY_MB")
"""Classes that a host's own provider has, or the host has none of; a disk may be that of a shared storage."""


@dataclass(frozen=True, slots=True)
class Sold:
    """What can be sold of one size.

    Args:
        guests: that can be made now.
        most: that could be made if every device that no guest has were ready to be given.
        is_less: there may be fewer: devices of several kinds share IOMMU groups, or slices of a guest must
            be of several cards.
        stranded: devices that no guest has and none could get, because a group goes to one guest only.
        lacking: guests that there are devices for now, by what they lack: a resource class, or a service.
        unseen: hosts of which nothing tells what they have; guests there are not counted.
        is_unsure: nobody could see whether guests have some of the devices: now there may be more guests, and
            at most fewer.
    """

    guests: int
    most: int
    is_less: bool
    stranded: int | Unknown
    lacking: Mapping[str, int]
    unseen: tuple[str, ...] = ()
    is_unsure: bool = False


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of an ask: in bundles, and in slices, each of which is a bundle of its own."""

    sizes: tuple[int, ...]
    slices: int

    def guests(self, need: int) -> int:
        return most_guests(self.sizes, need, self.slices)


@dataclass(frozen=True, slots=True)
class _Fit:
    """What a host has of an ask, whatever number of it a guest needs.

    Args:
        stocks: that are of what is asked for.
        free: of each bundle that is open, what is free now; nothing where a guest may have some of it.
        left: of each bundle that is open, all that no guest has.
        ungrouped: what no guest has, of bundles that are not open, too.
    """

    stocks: tuple[Stock, ...]
    free: _Left
    left: _Left
    ungrouped: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """A host with its stock in bundles, each of which can go to one guest only.

    Args:
        host: the host.
        bundles: all of its stock.
        known: what it has of asks that came before: flavors differ in numbers more than in kinds.
    """

    host: HostStock
    bundles: tuple[tuple[Stock, ...], ...]
    known: dict[Ask, _Fit] = field(default_factory=dict, compare=False)

    def fit(self, ask: Ask) -> _Fit:
        """What it has of an ask."""
        if ask not in self.known:
            self.known[ask] = _fit(self, ask)
        return self.known[ask]


def shelves(hosts: Iterable[HostStock]) -> tuple[Shelf, ...]:
    """Hosts as `count` takes them: joined once, for all sizes."""
    return tuple(
        Shelf(host, () if isinstance(host.stocks, Unknown) else tuple(bundles(host.stocks))) for host in hosts
    )


def count(hosts: Sequence[Shelf], want: Want) -> Sold | Unknown:
    """What hosts can give together.

    Args:
        hosts: all there are; a guest is on one of them.
        want: the size.
    """
    if isinstance(want.asks, Unknown):
        return want.asks
    found: list[_Here] = []
    unseen: dict[str, str] = {}
    for shelf in hosts:
        why = _why_unseen(shelf.host, want)
        if why is None:
            found.append(_on(shelf, want, want.asks))
        else:
            unseen[shelf.host.name] = why
    if unseen and not any(one.has_any for one in found):
        why = next(iter(unseen.values()))
        return Unknown(why if len(unseen) == 1 else f"{len(unseen)} hosts: {why}")
    return _summed(found, tuple(unseen))


def _why_unseen(host: HostStock, want: Want) -> str | None:
    if isinstance(host.stocks, Unknown):
        return host.stocks.why
    return host.why_no_pools if want.is_of_pools else None


def bundles(stocks: Iterable[Stock]) -> list[tuple[Stock, ...]]:
    """Units joined by IOMMU groups that they share, through others too; all else alone."""
    joined: list[tuple[set[int], list[Stock]]] = []
    for stock in stocks:
        groups = set() if isinstance(stock.groups, Unknown) or not stock.is_unit else set(stock.groups)
        mine, members = groups, [stock]
        apart = []
        for each in joined:
            if each[0] & groups:
                mine, members = mine | each[0], [*each[1], *members]
            else:
                apart.append(each)
        joined = [*apart, (mine, members)]
    return [tuple(members) for _, members in joined]


def is_open(bundle: Sequence[Stock]) -> bool:
    """Claims that no guest has any of it: what is left beside a guest's can go to that guest only."""
    return not any(stock.used for stock in bundle if stock.is_unit)


@dataclass(frozen=True, slots=True)
class _Here:
    """What one host can give."""

    guests: int
    most: int
    is_less: bool
    stranded: int
    has_groups: bool
    lacking: Mapping[str, int]
    is_unsure: bool
    has_any: bool


_NOTHING = _Here(0, 0, False, 0, True, {}, is_unsure=False, has_any=False)


def _on(shelf: Shelf, want: Want, asks: Mapping[Ask, int]) -> _Here:
    fits = {ask: shelf.fit(ask) for ask in asks}
    wanted = [stock for fit in fits.values() for stock in fit.stocks]
    if not wanted:
        return _NOTHING
    now = min(fit.free.guests(asks[ask]) for ask, fit in fits.items())
    most = min(fit.left.guests(asks[ask]) for ask, fit in fits.items())
    ungrouped = min(fit.ungrouped // asks[ask] for ask, fit in fits.items())
    guests, lack = _within(shelf.host, want, now)
    at_most = _within(shelf.host, want, most)[0]
    has_slices = not all(stock.is_unit for stock in wanted)
    return _Here(
        guests,
        at_most,
        most > 0 and ((want.is_isolated and has_slices) or not _is_regular(shelf, asks)),
        (ungrouped - most) * sum(ask.amount * need for ask, need in asks.items()),
        all(not isinstance(stock.groups, Unknown) for stock in wanted if stock.is_unit),
        {} if lack is None else {lack: now - guests},
        is_unsure=guests < at_most and any(stock.is_unsure for stock in wanted),
        has_any=True,
    )


def _fit(shelf: Shelf, ask: Ask) -> _Fit:
    """Every stock gives whole amounts; slices of one card are bundles of their own."""
    ungrouped = 0
    stocks: list[Stock] = []
    of_units: list[tuple[int, int]] = []
    slices = [0, 0]
    for bundle in shelf.bundles:
        found = [stock for stock in bundle if ask.is_met_by(stock, shelf.host.traits)]
        here = sum(stock.left // ask.amount for stock in found)
        stocks += found
        ungrouped += here
        if found and is_open(bundle):
            is_unsure = any(stock.is_unsure for stock in bundle)
            free = 0 if is_unsure else sum(stock.free // ask.amount for stock in found)
            if bundle[0].is_unit:
                of_units.append((free, here))
            else:
                slices = [slices[0] + free, slices[1] + here]
    free_now, left = (_Left(tuple(pair[n] for pair in of_units), slices[n]) for n in (0, 1))
    return _Fit(tuple(stocks), free_now, left, ungrouped)


def _within(host: HostStock, want: Want, guests: int) -> tuple[int, str | None]:
    """How many of them the host has room for, and what they lack first."""
    if host.closed is not None:
        return 0, "a nova-compute that takes guests" if guests else None
    if not want.required <= host.traits or want.forbidden & host.traits:
        return 0, "the traits of the flavor" if guests else None
    if not isinstance(host.room, Mapping):
        return guests, None
    room = dict.fromkeys(_OF_HOST, 0) | dict(host.room)
    fit, lack = guests, None
    for name, amount in want.room.items():
        if amount and name in room and max(0, room[name]) // amount < fit:
            fit, lack = max(0, room[name]) // amount, name
    return fit, lack


def _is_regular(shelf: Shelf, asks: Collection[Ask]) -> bool:
    """Claims that kinds can be counted apart: no stock is of two, and bundles with several are all alike.

    A card with its audio function in one group is such a bundle.
    """
    if len(asks) == 1:
        return True
    met = [stock for ask in asks for stock in shelf.fit(ask).stocks]
    if len(met) > len({id(stock) for stock in met}):
        return False
    traits = shelf.host.traits
    shapes = {
        tuple(sum(ask.is_met_by(stock, traits) for stock in bundle) for ask in asks)
        for bundle in shelf.bundles
    }
    shapes.discard((0,) * len(asks))
    return len(shapes) == 1 or all(sum(map(bool, shape)) == 1 for shape in shapes)


def _summed(found: Sequence[_Here], unseen: tuple[str, ...]) -> Sold:
    lacking: dict[str, int] = {}
    for one in found:
        for what, guests in one.lacking.items():
            lacking[what] = lacking.get(what, 0) + guests
    return Sold(
        sum(one.guests for one in found),
        sum(one.most for one in found),
        any(one.is_less for one in found),
        sum(one.stranded for one in found) if all(one.has_groups for one in found) else UNSEEN_GROUPS,
        {what: guests for what, guests in lacking.items() if guests},
        unseen,
        any(one.is_unsure for one in found),
    )
