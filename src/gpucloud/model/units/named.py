"""GPU units that a user named, found on a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.units.unclassified import how_to_read_classes, say_unclassified, unclassified
from gpucloud.model.units.virtual import card_of, slice_to_give, unit_to_give
from gpucloud.model.unknown import Unknown

_OFFERED = 8


def units_named(host: Host, names: Iterable[str]) -> tuple[GpuUnit, ...]:
    """The units at these addresses; the address of a companion names its card. Each once, in order.

    Raises:
        Failure: a name is no address, or no GPU is there.
    """
    return _found(host, names, host.unit_at)


def units_to_give(host: Host, names: Iterable[str]) -> tuple[GpuUnit, ...]:
    """As ``units_named``, but the address of a virtual function names that alone.

    Raises:
        Failure: as ``units_named``.
    """
    return _found(host, names, lambda address: unit_to_give(host, address))


def slices_to_give(host: Host, names: Iterable[str]) -> tuple[GpuUnit, ...]:
    """As ``units_to_give``, and virtual functions that are vGPUs over their vendor's own VFIO, too.

    Raises:
        Failure: as ``units_named``.
    """
    return _found(host, names, lambda address: slice_to_give(host, address))


Find = Callable[[PciAddress], GpuUnit | None]


def _found(host: Host, names: Iterable[str], find: Find) -> tuple[GpuUnit, ...]:
    return tuple({unit.address: unit for unit in (_unit(host, name, find) for name in names)}.values())


def _unit(host: Host, name: str, find: Find) -> GpuUnit:
    try:
        address = PciAddress.parse_typed(name)
    except ValueError as error:
        raise Failure(str(error), offer(host), code=Exit.USAGE) from None
    unit = find(address)
    if unit is None and address in (unread := unclassified(host)):
        raise Failure(
            f"whether {address} is a GPU cannot be said: its class could not be read ({unread[address].why})",
            how_to_read_classes(host),
        )
    if unit is None:
        what, then = _what_is_there(host, address)
        raise Failure(what, then, code=Exit.USAGE)
    return unit


def _what_is_there(host: Host, address: PciAddress) -> tuple[str, str]:
    """What a name that is none of a unit is of, and what to do."""
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    function = functions.get(address)
    if function is None:
        return f"there is nothing at {address} on {host.source}", offer(host)
    if (card := card_of(host, function)) is not None:
        made, then = _what_is_made(function, card.address)
        what = f"{address} is a virtual function of {card.address}, and {made}, on {host.source}"
        return what, then or offer(host)
    return f"{address} ({function.name}) is no GPU on {host.source}", offer(host)


def _what_is_made(function: PciFunction, card: PciAddress) -> tuple[str, str]:
    """What its vendor's driver has made of a virtual function, and what to do; empty: nothing of its own."""
    give = f"give it to a guest: gpucloud vgpu attach GUEST {function.address}"
    match function.current_vgpu_type:
        case Unknown(why):
            return f"whether it is a vGPU could not be read ({why})", "run as root"
        case 0:
            return "no vGPU yet", f"make one: gpucloud vgpu create TYPE --on {card.short}"
        case int(type_):
            return f"a vGPU of type {type_}, which stays with its driver", give
    if function.mdev_types and not isinstance(function.mdev_types, Unknown):
        return "what guests get of it are mediated devices", "see gpucloud vgpu list"
    return "no card by itself", ""


def offer(host: Host) -> str:
    """The GPUs that can be named, as options: ``its GPUs are --unit 3b:00.0, --unit 3c:00.0``."""
    if not host.units and (unread := say_unclassified(host)):
        return f"no GPU can be told there, for {unread}: {how_to_read_classes(host)}"
    if not host.units:
        return "no GPU was found there: gpucloud scan says what was seen"
    names = [f"--unit {unit.address.short}" for unit in host.units]
    more = f" and {len(names) - _OFFERED} more" if len(names) > _OFFERED else ""
    return f"its GPUs are {', '.join(names[:_OFFERED])}{more}"
