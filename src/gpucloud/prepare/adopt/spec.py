"""The spec with what was set up by hand in it: a pool of its own for each use, by address and host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpucloud.model.pci import PciAddress
from gpucloud.model.spec import Match, Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.adopt.decide import Decision

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", re.ASCII)


def adopted_spec(spec: Spec, decision: Decision, host_name: str | Unknown) -> Spec:
    """The spec with the cards that it did not have yet.

    Addresses are of one host, so a pool is for that host, as far as its name is known.
    """
    for use, vfs, addresses in _groups(decision):
        spec = _with(spec, use, vfs, addresses, host_name)
    return spec


def _groups(decision: Decision) -> Iterator[tuple[Use, int | None, tuple[PciAddress, ...]]]:
    if decision.given:
        yield Use.PASSTHROUGH, None, decision.given
    for vfs in sorted(set(decision.cut.values())):
        yield Use.SRIOV, vfs, tuple(sorted(at for at, each in decision.cut.items() if each == vfs))


def _with(
    spec: Spec, use: Use, vfs: int | None, addresses: Sequence[PciAddress], host_name: str | Unknown
) -> Spec:
    known = host_name if isinstance(host_name, str) and _HOST.fullmatch(host_name) else None
    hosts = (known,) if known is not None else ()
    texts = tuple(map(str, addresses))
    for pool in spec.pools:
        is_ours = (pool.use, pool.vfs, pool.hosts) == (use, vfs, hosts) and pool.name.startswith("adopted")
        if is_ours and replace(pool.matches[0], addresses=()) == Match():
            first = replace(pool.matches[0], addresses=(*pool.matches[0].addresses, *texts))
            pools = tuple(
                replace(each, matches=(first, *each.matches[1:])) if each is pool else each
                for each in spec.pools
            )
            return replace(spec, pools=pools)
    pool = Pool(_name(spec, use, known), use, (Match(addresses=texts),), hosts=hosts, vfs=vfs)
    return replace(spec, pools=(*spec.pools, pool))


def _name(spec: Spec, use: Use, host_name: str | None) -> str:
    """``adopted-gpu01-passthrough``; with a number where that is taken."""
    short = (host_name or "").partition(".")[0][:30]
    base = "-".join(filter(None, ("adopted", short, use.value)))
    names = {pool.name for pool in spec.pools}
    return next(name for number in range(1, 1000) if (name := _numbered(base, number)) not in names)


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"
