"""Which GPU units can be given to a guest now, and for each other one the reason and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gpucloud.cloud.claims import Claims
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction, PciId
from gpucloud.model.units.virtual import has_vgpu_type
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan.vfio import is_vfio, leaves_group_viable


@dataclass(frozen=True, slots=True)
class NotFree:
    """Why a unit cannot be given to a guest now, and what to do about it."""

    unit: PciAddress
    why: str
    instead: str


def refuse(host: Host, unit: GpuUnit, claims: Claims, *, is_named: bool = False) -> NotFree | None:
    """Say why a unit cannot be given to a guest; None where it can be.

    Every function must be bound to vfio already: a unit is prepared as a whole and on purpose
    (``gpucloud plan``), never on the way to a guest. A unit that the definition of a guest which does
    not run names is left to it, unless the user names the unit too.
    """
    for why, instead in _obstacles(host, unit, claims, is_named):
        return NotFree(unit.address, why, instead)
    return None


def _obstacles(host: Host, unit: GpuUnit, claims: Claims, is_named: bool) -> Iterable[tuple[str, str]]:
    yield from _in_use(unit, claims)
    yield from _not_prepared(unit)
    yield from _bad_group(host, unit, claims)
    if not is_named:
        yield from _spoken_for(unit, claims)


def _in_use(unit: GpuUnit, claims: Claims) -> Iterable[tuple[str, str]]:
    for function in unit.functions:
        if guest := claims.running.get(function.address):
            yield f"guest {guest} has it", "wait for that guest, or end it"
        elif isinstance(function.holders, Unknown):
            yield f"{_which(unit, function)} of unknown holders ({function.holders.why})", "run as root"
        elif function.holders:
            holder = function.holders[0]
            who = f"guest {holder.guest}" if holder.guest else f"{holder.process} (process {holder.pid})"
            yield f"{_which(unit, function)} in use by {who}", "end that first"


def _not_prepared(unit: GpuUnit) -> Iterable[tuple[str, str]]:
    prepare = f"gpucloud plan --unit {unit.address}"
    for function in unit.functions:
        which = _which(unit, function)
        match function.driver:
            case Unknown(why):
                yield f"{which} held by a driver that could not be read ({why})", "run as root"
            case None:
                yield f"{which} bound to no driver; it must be bound to vfio-pci", prepare
            case driver if not is_vfio(driver) and not has_vgpu_type(function):
                yield f"{which} held by the host's driver {driver}", prepare
            case _:
                pass
        if not isinstance(function.id, PciId):
            yield f"{which} of unknown id ({function.id.why})", "run as root"
        if isinstance(function.bars, Unknown):
            # They size the guest's PCI window, and are what its report is compared with.
            yield f"{which} of unknown BARs ({function.bars.why})", "run as root"


def _bad_group(host: Host, unit: GpuUnit, claims: Claims) -> Iterable[tuple[str, str]]:
    if not unit.groups:
        yield "it has no IOMMU group", "gpucloud doctor"
    for peer in unit.group_peers:
        if guest := claims.running.get(peer):
            yield (
                f"guest {guest} has {peer} of its IOMMU group {_groups(unit)}",
                "give both to one guest: gpucloud launch --unit " + f"{unit.address} --unit {peer}",
            )
        else:
            yield from _spoiled_by(host, unit, peer)


def _spoiled_by(host: Host, unit: GpuUnit, peer: PciAddress) -> Iterable[tuple[str, str]]:
    """A peer whose driver keeps the group from guests, or may do so."""
    which = f"{peer} of its IOMMU group {_groups(unit)}"
    match _driver_of(host, peer):
        case Unknown(why):
            yield f"{which} is held by a driver that could not be read ({why})", "run as root"
        case driver if not leaves_group_viable(driver):
            prepare = f"gpucloud plan --unit {unit.address}"
            yield f"{which} is held by the host's driver {driver}", prepare
        case _:
            pass


def _driver_of(host: Host, address: PciAddress) -> str | None | Unknown:
    """The driver of any function of the host; of one that nobody could look at it is unknown."""
    if isinstance(host.functions, Unknown):
        return host.functions
    function = host.functions.get(address)
    return Unknown("the function is not listed") if function is None else function.driver


def _spoken_for(unit: GpuUnit, claims: Claims) -> Iterable[tuple[str, str]]:
    for address in unit.addresses:
        if guest := claims.defined.get(address):
            yield (
                f"the definition of guest {guest}, which does not run, names it",
                f"take it all the same with --unit {unit.address}",
            )


def _which(unit: GpuUnit, function: PciFunction) -> str:
    if function.address == unit.address:
        return "it is"
    return f"its function {function.address} is"


def _groups(unit: GpuUnit) -> str:
    return ", ".join(map(str, unit.groups))
