"""This host and captured ones: units as they stand, and the guests of libvirt that have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from gpucloud.cloud.claims import Claims
from gpucloud.cloud.eligible import refuse
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.libvirt.domain import Domain, claims_of
from gpucloud.cloud.status.stock import Ask, HostStock, Service, Stock, User, Want
from gpucloud.cloud.status.summary import Seen
from gpucloud.model.failure import Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.units.virtual import has_vgpu_type, slice_to_give
from gpucloud.model.unknown import Unknown
from gpucloud.slices.interface import seen_vfs

_SIZES = (1, 2, 4, 8, 16)
"""GPUs of a guest that are counted where no flavor says what is sold."""
_ELSEWHERE = Unknown("libvirt is asked on this machine only: of other hosts those who hold a GPU are named")


def read_domains(connect: Callable[[], Hypervisor]) -> tuple[Domain, ...] | Unknown:
    """All guests of this machine's libvirt; why not, where it does not answer."""
    try:
        hypervisor = connect()
        try:
            return hypervisor.domains()
        finally:
            hypervisor.close()
    except Failure as failure:
        return Unknown(failure.what)


def seen_here(host: Host, domains: tuple[Domain, ...] | Unknown) -> Seen:
    """This machine."""
    known = () if isinstance(domains, Unknown) else domains
    stock = host_stock(host.source, host, claims_of(known))
    libvirt = Service("libvirt", host.source, is_up=not isinstance(domains, Unknown))
    if isinstance(domains, Unknown):
        libvirt = replace(libvirt, reason=domains.why)
    unread = {"guests that do not run": domains} if isinstance(domains, Unknown) else {}
    return Seen(host.source, (libvirt,), (stock,), wants_of([stock]), unread)


def seen_elsewhere(hosts: Sequence[tuple[str, Host]]) -> Seen:
    """Hosts that were captured, or read over ssh, by name."""
    stocks = tuple(host_stock(name, host, Claims()) for name, host in hosts)
    source = hosts[0][0] if len(hosts) == 1 else f"{len(hosts)} hosts"
    return Seen(source, _ELSEWHERE, stocks, wants_of(stocks), {})


def host_stock(name: str, host: Host, claims: Claims) -> HostStock:
    """A host's units, or the virtual functions of those that are cut into such as guests get by themselves.

    The display of its management controller is none that anybody sells.

    Args:
        name: as it is called here.
        host: its facts.
        claims: of libvirt's guests, where it was asked.
    """
    if isinstance(host.functions, Unknown) and not host.units:
        return HostStock(name, Unknown(f"its PCI functions: {host.functions.why}"))
    units = (unit for unit in host.units if not unit.primary.is_management_display)
    stocks = tuple(stock for unit in units for stock in _stocks(host, unit, claims))
    return HostStock(name, stocks, users=_guests(stocks))


def _guests(stocks: Sequence[Stock]) -> tuple[User, ...] | Unknown:
    """All guests that have any of them; Unknown where some may have others that nobody could look at."""
    for stock in stocks:
        if isinstance(stock.obstacle, Unknown):
            return stock.obstacle
    guests = dict.fromkeys(user for stock in stocks for user in stock.users)
    has = {guest: sum(guest in stock.users for stock in stocks) for guest in guests}
    return tuple(User(guest, f"{has[guest]} GPUs") for guest in guests)


def wants_of(hosts: Iterable[HostStock]) -> tuple[Want, ...]:
    """One, two, four... GPUs of each model, up to what the best equipped host has."""
    most: dict[str, int] = {}
    models: dict[str, str] = {}
    for host in hosts:
        has = Counter[str]()
        for stock in () if isinstance(host.stocks, Unknown) else host.stocks:
            has[stock.kind] += stock.total
        for kind, total in has.items():
            most[kind] = max(most.get(kind, 0), total)
        models |= {} if isinstance(host.stocks, Unknown) else {one.kind: one.model for one in host.stocks}
    return tuple(
        Want(f"{size} x {models[kind]}", {Ask(kind): size}, said=kind)
        for kind in sorted(most)
        for size in _SIZES
        if size <= most[kind]
    )


def _stocks(host: Host, unit: GpuUnit, claims: Claims) -> Iterator[Stock]:
    """The unit, or its virtual functions: those that guests have or can have, and those not ready."""
    known = {} if isinstance(host.functions, Unknown) else host.functions
    seen = (slice_to_give(host, vf.address) for each in unit.functions for vf in seen_vfs(each, known))
    slices = [one for one in seen if one is not None]
    if not slices:
        yield _stock(host, unit, claims)
        return
    stocks = [_stock(host, each, claims) for each in slices]
    for kind, reason in dict.fromkeys((each.kind, each.obstacle) for each in stocks):
        same = [each for each in stocks if (each.kind, each.obstacle) == (kind, reason)]
        users = dict.fromkeys(user for each in same for user in each.users)
        yield replace(
            same[0],
            name=f"{unit.address}: {len(same)} of {len(stocks)} virtual functions",
            total=len(same),
            used=sum(each.used for each in same),
            users=tuple(users),
        )


def _stock(host: Host, unit: GpuUnit, claims: Claims) -> Stock:
    users = tuple(_users(host, unit, claims))
    groups = _groups(unit)
    obstacle = None if users else _obstacle(host, unit, claims)
    kind, model = _kind(host, unit.primary)
    return Stock(str(unit.address), kind, model, 1, len(users[:1]), groups, users, obstacle)


def _kind(host: Host, function: PciFunction) -> tuple[str, str]:
    """What it is asked for by, and what people call it: NVIDIA's virtual functions have their card's ids."""
    if not has_vgpu_type(function):
        return str(function.id), function.name
    type_ = str(function.current_vgpu_type)
    name = next(_names(host, function, type_), f"{function.name}, vGPU type {type_}")
    return f"{function.id} type {type_}", name


def _names(host: Host, function: PciFunction, type_: str) -> Iterator[str]:
    """What it and those beside it call the type: one that has a vGPU lists no more than it can become."""
    known = {} if isinstance(host.functions, Unknown) else host.functions
    for each in known.values():
        if each.physical_function == function.physical_function and isinstance(each.vendor_vfio_types, tuple):
            yield from (
                kind.name
                for kind in each.vendor_vfio_types
                if kind.id == type_ and isinstance(kind.name, str)
            )


def _groups(unit: GpuUnit) -> frozenset[int] | Unknown:
    for function in unit.functions:
        if isinstance(function.iommu_group, Unknown):
            return function.iommu_group
    return frozenset(unit.groups)


def _with_vfs(host: Host, unit: GpuUnit) -> tuple[PciFunction, ...]:
    """Its functions, and the virtual ones of these: a guest that has a slice has one of them, or its mdev."""
    known = {} if isinstance(host.functions, Unknown) else host.functions
    vfs = (vf for function in unit.functions for vf in seen_vfs(function, known))
    return (*unit.functions, *vfs)


def _users(host: Host, unit: GpuUnit, claims: Claims) -> Iterable[str]:
    """Guests that run and have any function or any slice of it."""
    names: dict[str, None] = {}
    for function in _with_vfs(host, unit):
        if function.address in claims.running:
            names[claims.running[function.address]] = None
        elif not isinstance(function.holders, Unknown):
            names |= {holder.guest: None for holder in function.holders if holder.guest}
    return names


def _obstacle(host: Host, unit: GpuUnit, claims: Claims) -> str | None | Unknown:
    """Why it cannot be given, apart from other units of its group, of which `count` thinks."""
    for function in _with_vfs(host, unit):
        if isinstance(function.holders, Unknown):
            return Unknown(f"who holds it: {function.holders.why}")
    others = {at: guest for at, guest in claims.running.items() if not _is_of_unit(host, at)}
    refusal = refuse(host, unit, Claims(others, claims.defined))
    return None if refusal is None else refusal.why


def _is_of_unit(host: Host, address: PciAddress) -> bool:
    return host.unit_at(address) is not None
