"""Which PCI functions carry a default route: of the main table, of a VRF, or of any other table.

What the kernel shows: ``/proc/net/route`` has IPv4's main table alone (net/ipv4/fib_trie.c,
``fib_route_seq_start``), and ``/proc/net/fib_trie`` all of its tables, but no interfaces
(``fib_trie_seq_show``); ``/proc/net/ipv6_route`` has all tables (net/ipv6/ip6_fib.c).

Of an IPv4 route over several next hops the first alone is shown (``fib_route_seq_show``), and nothing shows
that there are others: their functions are not guarded, which ``refusals`` says of ``unit-is-vital``.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.paths import functions_in
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_NET = "/sys/class/net"
_HEADINGS = ("Main:", "Local:", "Id")
"""Of tables in fib_trie: ``Main:``, ``Local:``, ``Id 10:`` (``fib_table_print``)."""

OF_TABLE = "the default route of table"
"""What a function carries that may have the default route of an IPv4 table beside the main one."""

_UP = 0x1
_REJECT = 0x200
"""Route flags: include/uapi/linux/route.h, RTF_*."""


def read_network(reader: Reader) -> tuple[Vital, ...] | Unknown:
    """Read which functions the default routes go through, below bridges, bonds and VLANs.

    An interface that cannot be traced to a card (Open vSwitch, a tunnel) makes every function with a
    network interface vital; so does a default route of an IPv4 table that shows no interface.
    """
    interfaces, tables = _default_interfaces(reader), _other_tables(reader)
    if isinstance(interfaces, Unknown):
        return interfaces
    if isinstance(tables, Unknown):
        return tables
    vital: dict[PciAddress, str] = {}
    for functions, role in (
        *(_carriers(reader, interface) for interface in interfaces),
        *((_all_cards(reader), _may_use(f"{OF_TABLE} {table}")) for table in tables),
    ):
        if isinstance(functions, Unknown):
            return functions
        for address in functions:
            vital.setdefault(address, role)
    return tuple(Vital(address, role) for address, role in vital.items())


def _carriers(reader: Reader, interface: str) -> tuple[tuple[PciAddress, ...] | Unknown, str]:
    """Functions that a default route through the interface goes through, and what to call that."""
    functions, role = _of_interface(reader, interface), "default route"
    if functions is None:
        functions, role = _all_cards(reader), _may_use(f"{interface}, the default route,")
    if functions == ():
        return Unknown(f"the default route goes through {interface}, which leads to no PCI function"), role
    return functions, role


def has_default_route(reader: Reader, *, of_any_table: bool) -> bool:
    """Claims a default route through an interface that is known; what cannot be read has none.

    Args:
        reader: the host.
        of_any_table: one of an IPv4 table beside the main one will do. A VRF has its own there, but so have
            tunnels whose other end nobody reaches (WireGuard, Tailscale).
    """
    sources: tuple[tuple[str, Callable[[str], list[str]]], ...] = (
        ("/proc/net/route", parse_routes),
        ("/proc/net/ipv6_route", parse_ipv6_routes),
        *((("/proc/net/fib_trie", parse_fib_trie),) if of_any_table else ()),
    )
    texts = ((reader.read_text(path), parse) for path, parse in sources)
    return any(parse(text) for text, parse in texts if isinstance(text, str))


def read_on_link(reader: Reader) -> tuple[str, ...] | Unknown:
    """Read which networks the host is in by its cards, as ``10.0.0.0/24``: who is there reaches it.

    Bridges and bonds count with what is below them. What has no card below it does not: a network for guests
    alone comes and goes with the service that makes it. Link-local networks are on every interface.
    """
    texts = (reader.read_text("/proc/net/route"), reader.read_text("/proc/net/ipv6_route"))
    found: dict[str, None] = {}
    for text, parse in zip(texts, (parse_on_link, parse_ipv6_on_link), strict=True):
        if isinstance(text, Unknown):
            return text
        for interface, network in parse(text or ""):
            functions = _of_interface(reader, interface)
            if isinstance(functions, Unknown):
                return functions
            found.update({network: None} if functions else {})
    return tuple(sorted(found))


def parse_on_link(text: str) -> list[tuple[str, str]]:
    """Interfaces and networks of the routes without a gateway in ``/proc/net/route``.

    Addresses are words of the machine there (net/ipv4/fib_trie.c, ``fib_route_seq_show``): little-endian on
    all that has GPUs.
    """
    rows = [line.split() for line in text.splitlines()[1:]]
    used = [row for row in rows if len(row) >= 8 and row[2] == "00000000" and _is_used(row[3])]
    return [(row[0], found) for row in used if (found := _network(row[1], row[7])) is not None]


def _network(address: str, mask: str) -> str | None:
    try:
        words = (IPv4Address(int.from_bytes(bytes.fromhex(word), "little")) for word in (address, mask))
        network = IPv4Network("/".join(map(str, words)))
    except ValueError:
        return None
    return str(network) if network.prefixlen and not network.is_link_local else None


def parse_ipv6_on_link(text: str) -> list[tuple[str, str]]:
    """The same of ``/proc/net/ipv6_route`` (net/ipv6/route.c, ``rt6_info_route``)."""
    found = []
    for row in (line.split() for line in text.splitlines()):
        if len(row) == 10 and not row[4].strip("0") and _is_used(row[8]) and row[9] != "lo":
            try:
                network = IPv6Network((bytes.fromhex(row[0]), int(row[1], 16)))
            except ValueError:
                continue
            if 0 < network.prefixlen < 128 and not (network.is_link_local or network.is_multicast):
                found.append((row[9], str(network)))
    return found


def _may_use(who: str) -> str:
    return f"network ({who} may use it)"


def parse_routes(text: str) -> list[str]:
    """Interfaces of the default routes in ``/proc/net/route``: destination and mask are zero."""
    rows = (line.split() for line in text.splitlines()[1:])
    return [row[0] for row in rows if len(row) >= 8 and row[1] == row[7] == "00000000" and _is_used(row[3])]


def parse_ipv6_routes(text: str) -> list[str]:
    """Interfaces of the default routes in ``/proc/net/ipv6_route``; a rejecting one leads nowhere."""
    rows = (line.split() for line in text.splitlines())
    return [
        row[9]
        for row in rows
        if len(row) == 10 and row[0].strip("0") == "" and row[1] == "00" and _is_used(row[8])
    ]


def parse_fib_trie(text: str) -> list[str]:
    """Tables in ``/proc/net/fib_trie``, by number, that have a default route which leads somewhere.

    Without ``Main`` and ``Local``: the one is in ``/proc/net/route`` with its interfaces, and the other shows
    the same routes as long as the two share one trie.
    """
    found, table = [], ""
    for line in text.splitlines():
        words = line.split()
        if line.endswith(":") and words[0] in _HEADINGS:
            table = words[-1].removesuffix(":") if words[0] == "Id" else ""
        elif table and words[:1] == ["/0"] and words[2:3] == ["UNICAST"]:
            found.append(table)
    return list(dict.fromkeys(found))


def _is_used(flags: str) -> bool:
    try:
        bits = int(flags, 16)
    except ValueError:  # no flags: no route
        return False
    return bool(bits & _UP) and not bits & _REJECT


def _default_interfaces(reader: Reader) -> list[str] | Unknown:
    ipv4 = reader.read_text("/proc/net/route")
    ipv6 = reader.read_text("/proc/net/ipv6_route")
    if isinstance(ipv4, Unknown):
        return ipv4
    if isinstance(ipv6, Unknown):
        return ipv6
    names = parse_routes(ipv4 or "") + parse_ipv6_routes(ipv6 or "")
    return list(dict.fromkeys(name for name in names if name != "lo" and "/" not in name))


def _other_tables(reader: Reader) -> list[str] | Unknown:
    text = reader.read_text("/proc/net/fib_trie")
    return text if isinstance(text, Unknown) else parse_fib_trie(text or "")


def _of_interface(reader: Reader, name: str) -> tuple[PciAddress, ...] | None | Unknown:
    """Functions of an interface and of all below it; None where one leads to no function."""
    found: dict[PciAddress, None] = {}
    waiting, seen = [name], {name}
    while waiting:
        each = waiting.pop()
        target = reader.read_link(f"{_NET}/{each}")
        if not isinstance(target, str):
            return target
        functions = functions_in(target)
        found.update(dict.fromkeys(functions))
        below = [] if functions else _below(reader, each)
        fresh = [lower for lower in below if lower not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return tuple(found) or None


def _below(reader: Reader, name: str) -> list[str]:
    """``lower_IF`` links of bonds, VLANs and bridges, and the ports in a bridge's ``brif``."""
    names = reader.list_dir(f"{_NET}/{name}")
    ports = reader.list_dir(f"{_NET}/{name}/brif")
    known = names if isinstance(names, tuple) else ()
    lower = [each.removeprefix("lower_") for each in known if each.startswith("lower_")]
    return list(dict.fromkeys(lower + list(ports if isinstance(ports, tuple) else ())))


def _all_cards(reader: Reader) -> tuple[PciAddress, ...] | Unknown:
    names = reader.list_dir(_NET)
    if isinstance(names, Unknown):
        return names
    found: dict[PciAddress, None] = {}
    for name in names or ():
        target = reader.read_link(f"{_NET}/{name}")
        found.update(dict.fromkeys(functions_in(target) if isinstance(target, str) else ()))
    return tuple(found)
