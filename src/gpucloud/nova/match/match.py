"""One host's devices under one configuration: everything that nova would make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpucloud.nova.alias import Alias, PciRequest, parse_aliases, parse_flavor
from gpucloud.nova.device_spec import DeviceSpec, parse_device_specs
from gpucloud.nova.machine import Machine
from gpucloud.nova.match.fit import passes_scheduler
from gpucloud.nova.match.placement import Provider, placement_view
from gpucloud.nova.match.pools import Pool, make_pools
from gpucloud.nova.match.serve import Choice, Stock, Topology, choose
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
        flavors: for each flavor, whether the scheduler would let this host through.
        providers: what Placement is told; None where nothing is.
        Each is a ``Refusal`` where nova refuses, and empty where it does not come so far.
    """

    specs: tuple[DeviceSpec, ...] | Refusal
    tracked: tuple[Tracked, ...] | Refusal
    pools: tuple[Pool, ...]
    aliases: Mapping[str, Alias] | Refusal
    choices: Mapping[str, Choice]
    flavors: Mapping[str, bool | Refusal]
    providers: tuple[Provider, ...] | Refusal | None


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
    topology = topology or Topology()
    reports = config.report_in_placement and options.REPORT_IN_PLACEMENT.at(release) is not None
    specs = parse_device_specs(
        config.device_specs, release, machine=machine, report_in_placement=config.report_in_placement
    )
    tracked = () if isinstance(specs, Refusal) else track(specs, machine, release)
    pools = () if isinstance(tracked, Refusal) else make_pools(tracked, release)
    aliases = parse_aliases(config.aliases, release, pci_in_placement=config.pci_in_placement)
    known = {} if isinstance(aliases, Refusal) else aliases
    providers: tuple[Provider, ...] | Refusal | None = None
    if reports and not isinstance(specs, Refusal) and not isinstance(tracked, Refusal):
        providers = placement_view(specs, tracked, release, host=host)
    return Match(
        specs=specs,
        tracked=tracked,
        pools=pools,
        aliases=aliases,
        choices={name: _serving(alias, pools, release, topology) for name, alias in known.items()},
        flavors={text: _fits(text, aliases, pools, release, numa_policy, topology) for text in flavors},
        providers=providers,
    )


def _serving(alias: Alias, pools: Sequence[Pool], release: Release, topology: Topology) -> Choice:
    stocks = [Stock(pool, len(pool.devices)) for pool in pools]
    return choose(PciRequest(alias, 1, alias.numa_policy), stocks, release, topology)


def _fits(
    text: str,
    aliases: Mapping[str, Alias] | Refusal,
    pools: Sequence[Pool],
    release: Release,
    numa_policy: str | None,
    topology: Topology,
) -> bool | Refusal:
    if isinstance(aliases, Refusal):
        return aliases
    requests = parse_flavor(text, aliases, release, numa_policy=numa_policy)
    if isinstance(requests, Refusal):
        return requests
    return passes_scheduler(requests, pools, release, topology)
