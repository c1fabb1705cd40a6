"""Which pool a unit belongs to, and which hosts a pool is on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.pci import ParentName, PciAddress, Place
from gpucloud.model.spec import Match, Pool, Spec
from gpucloud.model.unknown import Unknown

_SHOWN = 3
_BRACKETS = re.compile(r"\[([^\[\]]{1,200})\]")


def pool_of(spec: Spec, host_name: str | Unknown, unit: GpuUnit) -> Pool | None:
    """The pool that takes the unit on that host; None where none does.

    Args:
        spec: what is wanted.
        host_name: short or whole; needed only where a pool that matches the unit is not on every host.
        unit: a card.

    Raises:
        Failure: two pools take it, or the host's name is needed and not known.
    """
    return _only(unit.address, (p for p in spec.pools if takes(p, unit) and is_on(spec, p, host_name)))


def pool_of_parent(spec: Spec, host_name: str | Unknown, parent: ParentName) -> Pool | None:
    """The pool that takes a parent of mediated devices that is no PCI function, as ``pool_of`` does.

    Raises:
        Failure: two pools take it, or the host's name is needed and not known.
    """
    named = (pool for pool in spec.pools if any(parent in match.parents for match in pool.matches))
    return _only(parent, (pool for pool in named if is_on(spec, pool, host_name)))


def _only(place: Place, pools: Iterator[Pool]) -> Pool | None:
    found = tuple(pools)
    if len(found) > 1:
        raise Failure(
            f"{place} is in two pools: {found[0].name} and {found[1].name}",
            "narrow match or hosts of one of them, so that each card is in one pool",
            code=Exit.USAGE,
        )
    return found[0] if found else None


def is_on(spec: Spec, pool: Pool, host_name: str | Unknown) -> bool:
    """Claims that the pool is on the host.

    Raises:
        Failure: that depends on the host's name, and it is not known.
    """
    if not pool.hosts:
        return True
    if isinstance(host_name, Unknown):
        raise Failure(
            f"pool {pool.name} is only on some hosts, and this host's name is not known ({host_name.why})",
            "say which host it is: --name HOST",
            code=Exit.USAGE,
        )
    return any(is_named(host_name, pattern) for pattern in hosts_of(spec, pool))


def hosts_of(spec: Spec, pool: Pool) -> tuple[str, ...]:
    """Names and patterns of the hosts that the pool is on, groups written out; empty: every host."""
    groups = {group.name: group.hosts for group in spec.host_groups}
    return tuple(dict.fromkeys(host for name in pool.hosts for host in groups.get(name, (name,))))


def strangers(spec: Spec, host_name: str | Unknown) -> Iterator[str]:
    """Hosts of pools that are neither a group nor this host, one line for each pool that is not here.

    A group that is written wrong is read as a host's name, and no host says that it is missing.
    """
    if isinstance(host_name, Unknown):
        return
    groups = {group.name for group in spec.host_groups}
    for pool in spec.pools:
        names = [name for name in pool.hosts if name not in groups]
        if names and not is_on(spec, pool, host_name):
            shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            where = f"pool {pool.name} is not on this host ({host_name})"
            yield f"{where}, and host_groups has no {shown}: a host's name, or a group written wrong"


def is_named(host_name: str, pattern: str) -> bool:
    """Claims that a host is called so, by its whole name or its first label; case does not matter."""
    name = host_name.lower()
    return any(fnmatchcase(each, pattern.lower()) for each in (name, name.partition(".")[0]))


def takes(pool: Pool, unit: GpuUnit) -> bool:
    """Claims that the pool takes the unit, on whichever host."""
    return any(_holds(match, unit) for match in pool.matches)


def _holds(match: Match, unit: GpuUnit) -> bool:
    return (
        not match.parents
        and (not match.models or _any(match.models, _names(unit)))
        and (not match.ids or unit.primary.id in match.ids)
        and (not match.addresses or _any(match.addresses, map(str, addresses_of(unit))))
        and (not match.groups or any(group in match.groups for group in unit.groups))
    )


def _any(patterns: tuple[str, ...], words: Iterator[str]) -> bool:
    """Whether one of the words is meant: also where it is written as it is, brackets and all."""
    wanted = [pattern.lower() for pattern in patterns]
    return any(word == each or fnmatchcase(word, each) for word in words for each in wanted)


def _names(unit: GpuUnit) -> Iterator[str]:
    """``ga100 [a100 pcie 40gb]``, ``a100 pcie 40gb``, and both after the vendor's name."""
    name = unit.primary.name.lower()
    for each in (name, *_BRACKETS.findall(name)):
        yield each
        if unit.primary.vendor_name is not None:
            yield f"{unit.primary.vendor_name.lower()} {each}"


def addresses_of(unit: GpuUnit) -> Iterator[PciAddress]:
    """By which addresses a pool may name the unit: its functions', or the PFs' of those that are VFs."""
    yield from unit.addresses
    for function in unit.functions:
        if isinstance(function.physical_function, PciAddress):
            yield function.physical_function
