"""What a spec names and a host has not: a card elsewhere, or a word written wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.spec import Pool, Spec
from gpucloud.model.unknown import Unknown
from gpucloud.spec.choose import addresses_of, is_on, takes

NO_POOLS = "the spec has no pools: every card stays with the host"
_SHOWN = 8
_WILD = frozenset("*?[")


def unmatched(
    spec: Spec, host_name: str | Unknown, units: Sequence[GpuUnit], *, emptied: bool = False
) -> Iterator[str]:
    """Name whole addresses that no card here has, pools none of which takes a card, and a spec without pools.

    A pool that takes nothing here is no mistake where another takes something: hosts share a spec.

    Args:
        spec: what is wanted.
        host_name: short or whole; needed only where a pool is not on every host.
        units: the cards of the host.
        emptied: that pools have lost their last card is said elsewhere; where their cards are now, here.

    Raises:
        Failure: a pool's hosts are named, and the host's name is not known.
    """
    if not spec.pools and not emptied:
        yield NO_POOLS
    pools = [pool for pool in spec.pools if is_on(spec, pool, host_name)]
    there = {str(address) for unit in units for address in addresses_of(unit)}
    lost = [(pool, [each for each in _whole(pool) if each not in there]) for pool in pools]
    for pool, addresses in lost:
        for address in addresses[:_SHOWN]:
            yield f"pool {pool.name} names {address}, where this host has no GPU; {_have(units)}"
    cards = [pool for pool in pools if not any(match.parents for match in pool.matches)]
    is_used = any(takes(pool, unit) for pool in cards for unit in units)
    if cards and not is_used and not emptied and not any(addresses for _, addresses in lost):
        yield f"no pool matches a GPU of this host; {_have(units)}"


def _whole(pool: Pool) -> list[str]:
    """Addresses that are no patterns."""
    said = (address.lower() for match in pool.matches for address in match.addresses)
    return list(dict.fromkeys(address for address in said if not _WILD.intersection(address)))


def _have(units: Sequence[GpuUnit]) -> str:
    cards = [unit for unit in units if not unit.primary.is_management_display]
    if not cards:
        return "it has none"
    shown = ", ".join(f"{unit.address.short} {unit.primary.name}" for unit in cards[:_SHOWN])
    return f"it has {shown}" + (f" and {len(cards) - _SHOWN} more" if len(cards) > _SHOWN else "")
