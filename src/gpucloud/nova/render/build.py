"""A spec and what its hosts show, into settings for one release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.spec import NovaSettings, Placement, Pool, Spec, Use
from gpucloud.nova.releases import scheduler
from gpucloud.nova.releases.release import SERIES, Release
from gpucloud.nova.render import aliases as naming
from gpucloud.nova.render import candidates, entries, mediated
from gpucloud.nova.render.conf import ADDED_FILTERS
from gpucloud.nova.render.proof import check_host
from gpucloud.nova.render.settings import Entry, HostSettings, Settings
from gpucloud.nova.render.taken import HostTaken, take
from gpucloud.nova.render.wanted import Wanted
from gpucloud.spec import hosts_of
from gpucloud.spec.choose import is_named


def settings_for(spec: Spec, hosts: Mapping[str, Host], release: Release) -> Settings:
    """Decide what nova is to be told.

    Args:
        spec: what is wanted.
        hosts: hosts that were looked at, by the name that the deployment tool has for them; where there are
            none, only what the spec itself decides is there, and ``missing`` says what is not.
        release: which nova.

    Raises:
        Failure: the release cannot do what is wanted (the message names one that can), or nothing can.
    """
    taken = [take(spec, name, host) for name, host in sorted(hosts.items())]
    try:
        return _settings(spec, taken, release)
    except Failure as failure:
        later = next((each for each in SERIES if each > release and _can(spec, taken, each)), None)
        if later is None:
            raise
        hint = f"nova {later.number} ({later.title}) can"
        raise Failure(
            failure.what, f"{failure.then}; {hint}" if failure.then else hint, code=failure.code
        ) from failure


def _can(spec: Spec, taken: Sequence[HostTaken], release: Release) -> bool:
    try:
        _settings(spec, taken, release)
    except Failure:
        return False
    return True


def _settings(spec: Spec, taken: Sequence[HostTaken], release: Release) -> Settings:
    said = spec.openstack.placement if spec.openstack is not None else None
    wanted = Wanted(release, said or Placement.OFF)
    wanted.check()
    given = [each for host in taken for each in host.given]
    aliases: tuple[Mapping[str, str], ...] = naming.aliases_of(given, wanted)
    by_host = {host.name: [entries.entry_of(each, wanted) for each in host.given] for host in taken}
    warnings = [line for host in taken for line in check_host(host, by_host[host.name], aliases, wanted)]
    told = [_host(host, by_host[host.name], release) for host in taken]
    missing = [why for host in taken for why in host.missing]
    if not taken:
        told, aliases, missing = _without_hosts(spec, wanted)
    warnings += _losses(spec, taken, wanted)
    return Settings(
        release=release,
        placement=wanted.placement,
        aliases=aliases,
        filters=_filters(spec, aliases, release),
        hosts=tuple(told),
        candidates=candidates.candidates_for(taken, wanted),
        warnings=tuple(dict.fromkeys(warnings)),
        missing=tuple(dict.fromkeys([*missing, *_empty(spec, taken), *_unseen(spec, taken)])),
    )


def _host(taken: HostTaken, told: Sequence[Entry], release: Release) -> HostSettings:
    moves_pci = any(entry.written.get("live_migratable") for entry in told)
    migration = {**(mediated.NO_POST_COPY if moves_pci else {}), **mediated.migration_of(taken, release)}
    return HostSettings(taken.name, tuple(told), mediated.types_of(taken, release), migration)


def _filters(spec: Spec, aliases: Sequence[object], release: Release) -> tuple[str, ...] | None:
    if not aliases:
        return None
    is_near = any(pool.nova.numa_policy for pool in spec.pools)
    return (*scheduler.DEFAULT_FILTERS.at(release), *ADDED_FILTERS[: 2 if is_near else 1])


def _losses(spec: Spec, taken: Sequence[HostTaken], wanted: Wanted) -> Iterator[str]:
    mediating = {each.pool.name for host in taken for each in host.parents}
    for pool in spec.pools:
        if pool.use is not Use.HOST:
            yield from entries.losses_of(pool, wanted, is_mediated=pool.name in mediating)
    yield from candidates.losses_of(taken, wanted)
    for host in taken:
        yield from mediated.losses_of(host, wanted.release)
        yield from entries.troubles_of(host.given, wanted)
        vendors = {each.pool.name: each.pool for each in host.given if each.is_vendor_vfio}
        for name, pool in sorted(vendors.items()):
            if pool.nova.managed is None:
                yield (
                    f"pool {name}: write nova: {{managed: false}}: its hosts have the vendor's VFIO, so its "
                    "flavors ask for its alias; publish sees no host, and would make them of resources:VGPU"
                )
            yield (
                f"{host.name}: each VF of pool {name} that is listed must have its vGPU type "
                "(current_vgpu_type) before a guest starts, after every start of the host: nova does not set "
                "it, gpucloud boot does"
            )


def _without_hosts(
    spec: Spec, wanted: Wanted
) -> tuple[list[HostSettings], tuple[Mapping[str, str], ...], list[str]]:
    """What ids in the spec decide, for every compute host; and what only hosts could show."""
    told: list[Entry] = []
    aliases: list[Mapping[str, str]] = []
    missing: list[str] = []
    for pool in spec.pools:
        if pool.use is Use.HOST:
            continue
        if not _is_plain(pool):
            missing.append(
                f"pool {pool.name}: only its hosts show what it has: give their captures with --from"
            )
            continue
        for vendor, device in _ids(pool):
            told.append(
                Entry({"vendor_id": vendor, "product_id": device}, None, f"{pool.name}: every such card")
            )
            aliases.append(_alias_of_spec(pool, vendor, device, wanted))
        if pool.nova.device_type is None:
            missing.append(
                f"pool {pool.name}: device_type, without which its alias never takes a card that could "
                "have VFs: give a capture with --from, or write nova: {device_type: type-PF}"
            )
    return [HostSettings(None, tuple(told))], tuple(aliases), missing


def _is_plain(pool: Pool) -> bool:
    """Claims that ids alone say which cards the pool takes whole, on every host and without further keys."""
    said = pool.nova
    simple = NovaSettings(alias=said.alias, device_type=said.device_type, numa_policy=said.numa_policy)
    only_ids = all(each.ids and not (each.models or each.addresses or each.groups) for each in pool.matches)
    return pool.use is Use.PASSTHROUGH and not pool.hosts and only_ids and said == simple


def _ids(pool: Pool) -> Iterator[tuple[str, str]]:
    for each in dict.fromkeys(one for match in pool.matches for one in match.ids):
        yield f"{each.vendor:04x}", f"{each.device:04x}"


def _alias_of_spec(pool: Pool, vendor: str, device: str, wanted: Wanted) -> Mapping[str, str]:
    said = pool.nova.device_type
    return {
        "name": naming.alias_name(pool),
        "vendor_id": vendor,
        "product_id": device,
        **({} if said is None else {"device_type": said}),
        **naming.alias_tags(pool.nova, None, wanted),
    }


def _empty(spec: Spec, taken: Sequence[HostTaken]) -> Iterator[str]:
    """Pools that have nothing on any host that was looked at, and no reason of their own for it."""
    found = {each.pool.name for host in taken for each in host.given}
    found |= {each.pool.name for host in taken for each in host.parents}
    told = [why for host in taken for why in host.missing]
    for pool in spec.pools if taken else ():
        is_named_there = any(f"pool {pool.name}:" in why for why in told)
        if pool.use is not Use.HOST and pool.name not in found and not is_named_there:
            yield f"pool {pool.name}: no card of the hosts that were looked at is in it"


def _unseen(spec: Spec, taken: Sequence[HostTaken]) -> Iterator[str]:
    """Hosts that pools name without a pattern, and that were not looked at."""
    if not taken:
        return
    for pool in spec.pools:
        for name in hosts_of(spec, pool) if pool.use is not Use.HOST else ():
            if not set("*?[") & set(name) and not any(is_named(host.name, name) for host in taken):
                yield f"{name}: pool {pool.name} is on it, and it was not looked at: --from {name}=CAPTURE"
