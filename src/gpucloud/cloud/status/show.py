"""The status as lines, tables and an object for JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gpucloud.cloud.status.count import Sold
from gpucloud.cloud.status.stock import HostStock, Stock, Want
from gpucloud.cloud.status.summary import Status, Sum
from gpucloud.model.unknown import Unknown

HOST_COLUMNS = ("HOST", "UNITS", "GROUPS", "USED", "FREE", "STRANDED", "USED BY", "STATE")
UNIT_COLUMNS = ("UNIT", "NAME", "GROUP", "USED BY", "STATE")
SIZE_COLUMNS = ("FLAVOR OR SIZE", "DEVICES", "NOW", "AT MOST", "STRANDED", "LACKS")
_FOLDED_FROM = 40
"""Hosts from which on those that look alike are one row."""
_NAMES = 4
"""Names that are listed before the others are counted."""

Row = tuple[str, ...]


def plain_of(status: Status) -> dict[str, Any]:
    """The status for JSON; the keys never change their meaning."""
    hosts = () if isinstance(status.seen.hosts, Unknown) else status.seen.hosts
    return {
        "source": status.seen.source,
        "services": status.seen.services,
        "total": status.total,
        "hosts": status.seen.hosts
        if isinstance(status.seen.hosts, Unknown)
        else [_plain_host(host, one) for host, one in zip(hosts, status.sums, strict=True)],
        "flavors": [_plain_size(want, sold) for want, sold in status.sold],
        "could_not_look": [{"fact": fact, "why": why} for fact, why in _unread(status).items()],
    }


def _plain_host(host: HostStock, one: Sum | Unknown) -> dict[str, Any]:
    return {
        "name": host.name,
        "sum": one,
        "units": host.stocks,
        "room": host.room,
        "guests": host.users,
        "closed": host.closed,
    }


def _plain_size(want: Want, sold: Sold | Unknown) -> dict[str, Any]:
    return {"name": want.name, "devices": want.said, "room": want.room, "sold": sold}


def headline(status: Status) -> str:
    """All of it in one line."""
    if isinstance(status.seen.hosts, Unknown):
        return f"{status.seen.source}: its hosts cannot be seen"
    total, hosts = status.total, len(status.seen.hosts)
    lies = "" if isinstance(total.groups, Unknown) else f" in {_many(total.groups, 'IOMMU group')}"
    slices = "" if total.devices == total.units else f" ({total.devices} devices, with slices)"
    what = f"{_many(hosts, 'host')}, {_many(total.units, 'unit')}{slices}{lies}"
    return f"{status.seen.source}: {what}: {_left(total)}"


def _left(total: Sum) -> str:
    stranded = "unknown how many" if isinstance(total.stranded, Unknown) else total.stranded
    used, free = _known(total.used, total), _known(total.free, total)
    return ", ".join((f"{used} used, {free} free, {stranded} stranded by groups", *_blocked(total)))


def _known(count: int, one: Sum) -> str:
    """What is known of used or free ones: there may be more where nobody could look at some."""
    return f"{count}{'+' if one.unknown else ''}"


def _blocked(one: Sum) -> Iterator[str]:
    if one.blocked > one.unknown:
        yield f"{one.blocked - one.unknown} not ready"
    if one.unknown:
        yield f"{one.unknown} unknown"


def service_lines(status: Status) -> Iterator[str]:
    """How many services of each kind there are, and those that do not do their work."""
    services = status.seen.services
    if isinstance(services, Unknown):
        return
    counted = Counter(each.name for each in services)
    well = Counter(each.name for each in services if each.trouble is None)
    yield "services: " + ", ".join(f"{name} {well[name]} of {counted[name]}" for name in sorted(counted))
    for each in services:
        if each.trouble is not None:
            yield f"  {each.name} on {each.host}: {each.trouble}"


def host_rows(status: Status) -> list[Row]:
    """Hosts that have devices, or of which that is unknown; of very many, those that look alike as one."""
    if isinstance(status.seen.hosts, Unknown):
        return []
    both = zip(status.seen.hosts, status.sums, strict=True)
    shown = [(host, one) for host, one in both if isinstance(one, Unknown) or one.devices or host.closed]
    if len(shown) < _FOLDED_FROM:
        return [(host.name, *_figures(one), _guests([host]), _state(host, one)) for host, one in shown]
    alike: dict[Row, list[HostStock]] = {}
    for host, one in shown:
        alike.setdefault((*_figures(one), _state(host, one)), []).append(host)
    return [
        (_listed([host.name for host in hosts], len(hosts)), *key[:-1], _guests(hosts), key[-1])
        for key, hosts in alike.items()
    ]


def _figures(one: Sum | Unknown) -> Row:
    if isinstance(one, Unknown):
        return ("?",) * 5
    return (
        str(one.units),
        _number(one.groups),
        _known(one.used, one),
        _known(one.free, one),
        _number(one.stranded),
    )


def _state(host: HostStock, one: Sum | Unknown) -> str:
    if isinstance(one, Unknown):
        return "unknown"
    return "; ".join([*([] if host.closed is None else [host.closed]), *_blocked(one)]) or "ready"


def _guests(hosts: Iterable[HostStock]) -> str:
    names: list[str] = []
    for host in hosts:
        if isinstance(host.users, Unknown):
            return "?"
        names += [f"{user.name} ({user.has})" for user in host.users]
    return _listed(names, len(names)) or "-"


def unit_rows(host: HostStock) -> list[Row]:
    """Each unit of one host."""
    stocks = () if isinstance(host.stocks, Unknown) else host.stocks
    return [
        (
            stock.name,
            stock.model or stock.kind,
            _groups(stock),
            _unit_users(stock),
            _unit_state(stock),
        )
        for stock in stocks
    ]


def _unit_users(stock: Stock) -> str:
    if stock.users or not stock.used:
        return ", ".join(stock.users) or ("?" if stock.is_unsure else "-")
    return f"{stock.used} of {stock.total}"


def _groups(stock: Stock) -> str:
    return "?" if isinstance(stock.groups, Unknown) else ", ".join(map(str, sorted(stock.groups))) or "none"


def _unit_state(stock: Stock) -> str:
    if not stock.left:
        return "in use"
    if isinstance(stock.obstacle, Unknown):
        return "unknown"
    if stock.obstacle is not None:
        return stock.obstacle
    return f"{stock.left} of {stock.total} free" if stock.used else "free"


def size_rows(status: Status) -> list[Row]:
    """Each flavor, with what can be sold of it."""
    return [(want.name, want.said, *_sold(sold)) for want, sold in status.sold]


def _sold(sold: Sold | Unknown) -> Row:
    if isinstance(sold, Unknown):
        return ("?", "?", "?", "-")
    more = "+" if sold.unseen else ""
    lacks = ", ".join(f"{what} for {guests}" for what, guests in sold.lacking.items())
    unsure = more or ("+" if sold.is_unsure else "")
    now = f"{'<=' if sold.is_less else ''}{sold.guests}{unsure}"
    most = f"{'<=' if sold.is_unsure else ''}{sold.most}{more}"
    return (now, most, _number(sold.stranded), lacks or "-")


def notes(status: Status) -> Iterator[str]:
    """What could not be looked at, each reason once."""
    reasons: dict[str, list[str]] = {}
    for fact, unknown in _unread(status).items():
        reasons.setdefault(unknown.why, []).append(fact)
    for why, facts in reasons.items():
        yield f"could not look at {_listed(facts, len(facts))}: {why}"


def _unread(status: Status) -> Mapping[str, Unknown]:
    """Facts by name: what was not read, then hosts, their groups and units, then flavors."""
    found = dict(status.seen.unread)
    if isinstance(status.seen.services, Unknown):
        found.setdefault("services", status.seen.services)
    if isinstance(status.seen.hosts, Unknown):
        return found | {"hosts": status.seen.hosts}
    for host in status.seen.hosts:
        found |= _of_host(host)
    for want, sold in status.sold:
        if isinstance(sold, Unknown):
            found[f"flavor {want.name}"] = sold
        elif sold.unseen:
            hosts = _listed(sold.unseen, len(sold.unseen))
            found[f"flavor {want.name} beyond what is counted"] = Unknown(f"devices of {hosts} are not known")
    return found


def _of_host(host: HostStock) -> Mapping[str, Unknown]:
    if isinstance(host.stocks, Unknown):
        return {f"devices of {host.name}": host.stocks}
    found: dict[str, Unknown] = {}
    for stock in host.stocks:
        if isinstance(stock.groups, Unknown) and stock.is_unit:
            found.setdefault(f"groups of {host.name}", stock.groups)
        if isinstance(stock.obstacle, Unknown) and stock.left:
            found.setdefault(f"whether units of {host.name} are free", stock.obstacle)
    return found


def _number(value: int | Unknown) -> str:
    return "?" if isinstance(value, Unknown) else str(value)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str], count: int) -> str:
    more = f" and {count - _NAMES} more" if count > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more
