"""Which PCI functions carry the default route."""

from __future__ import annotations

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.paths import functions_in
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_NET = "/sys/class/net"
_UP = 0x1
_REJECT = 0x200
"""Route flags: include/uapi/linux/route.h, RTF_*."""


def read_network(reader: Reader) -> tuple[Vital, ...] | Unknown:
    """Read which functions the default routes go through, below bridges, bonds and VLANs.

    An interface that cannot be traced to a card (Open vSwitch, a tunnel) makes every function with a
    network interface vital.
    """
    interfaces = _default_interfaces(reader)
    if isinstance(interfaces, Unknown):
        return interfaces
    vital: dict[PciAddress, str] = {}
    for interface in interfaces:
        functions, role = _of_interface(reader, interface), "default route"
        if functions is None:
            functions, role = (
                _all_cards(reader),
                f"a network card ({interface}, the default route, may use it)",
            )
        if isinstance(functions, Unknown):
            return functions
        if not functions:
            return Unknown(f"the default route goes through {interface}, which leads to no PCI function")
        for address in functions:
            vital.setdefault(address, role)
    return tuple(Vital(address, role) for address, role in vital.items())


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
    names = parse_routes(ipv4 or "") + parse_ipv6_routes(ipv6 if isinstance(ipv6, str) else "")
    return list(dict.fromkeys(name for name in names if name != "lo" and "/" not in name))


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
