"""All of it for one screen: hosts summed up, sizes counted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpucloud.cloud.status.count import Shelf, Sold, count, is_open, shelves
from gpucloud.cloud.status.stock import UNSEEN_GROUPS, HostStock, Service, Stock, Want
from gpucloud.model.unknown import Unknown

_FUNCTION = re.compile(r"\.[0-7]$")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read.

    Args:
        source: of what: a cloud, a host, so many captures.
        services: all that must run.
        hosts: those that have devices or may have some.
        wants: sizes of guests.
        unread: what could not be read, and why, beside what is `Unknown` in the hosts.
    """

    source: str
    services: tuple[Service, ...] | Unknown
    hosts: tuple[HostStock, ...] | Unknown
    wants: tuple[Want, ...]
    unread: Mapping[str, Unknown]


@dataclass(frozen=True, slots=True)
class Sum:
    """A host, or all of them.

    Args:
        units: cards, or cards cut into slices.
        groups: IOMMU groups that they lie in.
        devices: whole cards and slices that could be given.
        used: of these, guests have.
        free: of these, are ready to be given.
        stranded: of those that no guest has, what is left over when each group goes to one guest.
        blocked: neither used nor free: not prepared, or nobody could look.
        unknown: of these, those that nobody could look at: they may be used, or free.
    """

    units: int = 0
    groups: int | Unknown = 0
    devices: int = 0
    used: int = 0
    free: int = 0
    stranded: int | Unknown = 0
    blocked: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What was read with what follows from it.

    Args:
        seen: what was read.
        sums: of each host, in their order; Unknown where its stock is.
        total: of all hosts whose stock is known.
        sold: each size with what can be sold of it.
    """

    seen: Seen
    sums: tuple[Sum | Unknown, ...]
    total: Sum
    sold: tuple[tuple[Want, Sold | Unknown], ...]


def summarize(seen: Seen) -> Status:
    """Sum up hosts and count sizes."""
    joined = shelves(() if isinstance(seen.hosts, Unknown) else seen.hosts)
    sums = tuple(_sum(shelf) for shelf in joined)
    sold: tuple[tuple[Want, Sold | Unknown], ...]
    if isinstance(seen.hosts, Unknown):
        sold = tuple((want, seen.hosts) for want in seen.wants)
    else:
        sold = tuple((want, count(joined, want)) for want in seen.wants)
    return Status(seen, sums, _total([one for one in sums if not isinstance(one, Unknown)]), sold)


def card_of(stock: Stock) -> str:
    """The card: nova lists functions one by one, and a card's audio function is no card of its own."""
    return _FUNCTION.sub("", stock.name)


def _sum(shelf: Shelf) -> Sum | Unknown:
    if isinstance(shelf.host.stocks, Unknown):
        return shelf.host.stocks
    cards: dict[str, list[Stock]] = {}
    for stock in shelf.host.stocks:
        cards.setdefault(card_of(stock), []).append(stock)
    devices = [max(stock.total for stock in each) for each in cards.values()]
    left = [min(stock.left for stock in each) for each in cards.values()]
    free = [min(stock.free for stock in each) for each in cards.values()]
    unsure = [any(stock.is_unsure for stock in each) for each in cards.values()]
    return Sum(
        len(cards),
        _groups(shelf.host.stocks),
        sum(devices),
        sum(devices) - sum(left),
        sum(free),
        _stranded(shelf),
        sum(left) - sum(free),
        sum(each for each, is_unsure in zip(left, unsure, strict=True) if is_unsure),
    )


def _groups(stocks: Iterable[Stock]) -> int | Unknown:
    found: set[int] = set()
    for stock in stocks:
        if not stock.is_unit:
            continue
        if isinstance(stock.groups, Unknown):
            return stock.groups
        found |= stock.groups
    return len(found)


def _stranded(shelf: Shelf) -> int | Unknown:
    """Units beside one that a guest has, and of each other group all but one."""
    stranded = 0
    for bundle in shelf.bundles:
        if bundle[0].is_unit and isinstance(bundle[0].groups, Unknown):
            return bundle[0].groups
        left = {card_of(stock) for stock in bundle if stock.is_unit}
        left -= {card_of(stock) for stock in bundle if not stock.left}
        stranded += max(0, len(left) - 1) if is_open(bundle) else len(left)
    return stranded


def _total(sums: Sequence[Sum]) -> Sum:
    return Sum(
        sum(one.units for one in sums),
        _added([one.groups for one in sums]),
        sum(one.devices for one in sums),
        sum(one.used for one in sums),
        sum(one.free for one in sums),
        _added([one.stranded for one in sums]),
        sum(one.blocked for one in sums),
        sum(one.unknown for one in sums),
    )


def _added(numbers: Iterable[int | Unknown]) -> int | Unknown:
    known = 0
    for each in numbers:
        if isinstance(each, Unknown):
            return UNSEEN_GROUPS
        known += each
    return known
