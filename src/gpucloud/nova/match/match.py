"""One host's devices under one configuration: everything that nova would make of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gpucloud.nova.alias import Alias, PciRequest, parse_aliases, parse_flavor
from gpucloud.nova.device_spec import DeviceSpec, parse_device_specs
from gpucloud.nova.machine import Machine
from gpucloud.nova.match.fit import Fit, fit
from gpucloud.nova.match.placement import Ask, Provider, ask_of, placement_view
from gpucloud.nova.match.pools import Pool, make_pools
from gpucloud.nova.match.serve import Choice, Circumstances, Stock, Topology, choose
from gpucloud.nova.match.track import Tracked, track
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class Config:
    """What nova.conf says of PCI devices, all names of an option added up in oslo.config's order."""

    device_specs: Sequence[str]
    aliases: Sequence[str]
    report_in_placement: bool = False
    pci_in_placement: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What nova makes of a host on which nothing is in use.

    Args:
        specs: the entries.
        tracked: every device, by address, with the entry that has it.
        pools: in the order in which nova takes from them.
        aliases: by name.
        choices: for each alias, the pools that serve one device of it and why others do not.
        flavors: for each flavor, whether it passes the scheduler and which devices it would get.
        providers: what Placement is told; None where nothing is.
        asks: what each alias asks Placement for; None where Placement is not asked.
        Each is a ``Refusal`` where nova refuses, and empty where it does not come so far.
    """

    specs: tuple[DeviceSpec, ...] | Refusal
    tracked: tuple[Tracked, ...] | Refusal
    pools: tuple[Pool, ...]
    aliases: Mapping[str, Alias] | Refusal
    choices: Mapping[str, Choice]
    flavors: Mapping[str, Fit | Refusal]
    providers: tuple[Provider, ...] | Refusal | None
    asks: Mapping[str, Ask] | None


def match(
    config: Config,
    machine: Machine,
    release: Release,
    *,
    flavors: Sequence[str] = (),
    numa_policy: str | None = None,
    topology: Topology | None = None,
    host: str = "HOST",
) -> Match:
    """Do what nova-compute, nova-api and the scheduler do, for one host.

    Args:
        config: the options.
        machine: the host's devices.
        release: which nova.
        flavors: values of ``pci_passthrough:alias`` to be tried.
        numa_policy: ``hw:pci_numa_affinity_policy`` of those flavors.
        topology: where the guest's NUMA cells lie; none unless given.
        host: the name that Placement's providers begin with.
    """
    specs = parse_device_specs(
        config.device_specs, release, machine=machine, report_in_placement=config.report_in_placement
    )
    tracked = () if isinstance(specs, Refusal) else track(specs, machine, release)
    pools = () if isinstance(tracked, Refusal) else make_pools(tracked, release)
    aliases = parse_aliases(config.aliases, release, pci_in_placement=config.pci_in_placement)
    providers = _providers(config, specs, tracked, release, host)
    asks = _asks(config, aliases, release)
    given = Circumstances(release, topology or Topology(), _offered(asks, providers))
    return Match(
        specs=specs,
        tracked=tracked,
        pools=pools,
        aliases=aliases,
        choices={} if isinstance(aliases, Refusal) else _choices(aliases, pools, given),
        flavors={text: _fit(text, aliases, pools, numa_policy, given) for text in flavors},
        providers=providers,
        asks=asks,
    )


def _providers(
    config: Config,
    specs: tuple[DeviceSpec, ...] | Refusal,
    tracked: tuple[Tracked, ...] | Refusal,
    release: Release,
    host: str,
) -> tuple[Provider, ...] | Refusal | None:
    if not config.report_in_placement or options.REPORT_IN_PLACEMENT.at(release) is None:
        return None
    if isinstance(specs, Refusal) or isinstance(tracked, Refusal):
        return None
    return placement_view(specs, tracked, release, host=host)


def _asks(
    config: Config, aliases: Mapping[str, Alias] | Refusal, release: Release
) -> Mapping[str, Ask] | None:
    if not config.pci_in_placement or options.PCI_IN_PLACEMENT.at(release) is None:
        return None
    if isinstance(aliases, Refusal):
        return None
    return {name: ask_of(alias.specs[0]) for name, alias in aliases.items()}


def _offered(
    asks: Mapping[str, Ask] | None, providers: tuple[Provider, ...] | Refusal | None
) -> Mapping[str, Collection[str]] | None:
    if asks is None:
        return None
    known = () if providers is None or isinstance(providers, Refusal) else providers
    return {name: [each.address for each in known if ask.is_offered_by(each)] for name, ask in asks.items()}


def _choices(
    aliases: Mapping[str, Alias], pools: Sequence[Pool], given: Circumstances
) -> Mapping[str, Choice]:
    stocks = [Stock(pool, len(pool.devices)) for pool in pools]
    return {
        name: choose(PciRequest(alias, 1, alias.numa_policy), stocks, given)
        for name, alias in aliases.items()
    }


def _fit(
    text: str,
    aliases: Mapping[str, Alias] | Refusal,
    pools: Sequence[Pool],
    numa_policy: str | None,
    given: Circumstances,
) -> Fit | Refusal:
    if isinstance(aliases, Refusal):
        return aliases
    requests = parse_flavor(text, aliases, given.release, numa_policy=numa_policy)
    return requests if isinstance(requests, Refusal) else fit(requests, pools, given)
