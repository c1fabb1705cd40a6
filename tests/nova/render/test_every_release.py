"""Every layout, for every release: what a service reads back gives exactly the devices that were meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import pytest
from tests.nova.render.clouds import CLOUDS, Cloud
from tests.nova.render.read_back import OWN_FILTERS, configuration_for, mdev_types, pci_config, values

from gpucloud.model.failure import Failure
from gpucloud.nova.config import Configuration
from gpucloud.nova.machine import Machine
from gpucloud.nova.match import match
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, scheduler
from gpucloud.nova.releases.release import SERIES, Release
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.nova.render.taken import take

POINTS = tuple(Release(*version) for version in ((14, 0, 0), (22, 2, 0), (31, 3, 0), (31, 0, 0)))
"""Older point versions on the other side of a change inside their series."""


def steps_of(release: Release) -> Iterator[str]:
    """The steps of the way to Placement that the release has."""
    yield "off"
    if release.number >= 26:
        yield "report"
    if release.number >= 27:
        yield "schedule"


def ends_and_between(releases: Sequence[Release]) -> pytest.MarkDecorator:
    """The oldest and the newest at every check, all at every test."""
    first, *between, last = releases
    proofs = (pytest.param(release, marks=pytest.mark.proof) for release in between)
    return pytest.mark.parametrize("release", [first, *proofs, last], ids=str)


each_release = ends_and_between((*SERIES[:-1], *POINTS, SERIES[-1]))
each_layout = pytest.mark.parametrize("layout", LAYOUTS)


@each_layout
@each_release
def test_a_service_reads_what_was_meant(release: Release, layout: str) -> None:
    for cloud in CLOUDS.values():
        for placement in steps_of(release):
            check(release, layout, cloud, placement)


def check(release: Release, layout: str, cloud: Cloud, placement: str) -> None:
    spec, hosts = cloud.parsed(placement), cloud.looked_at()
    if release.number < cloud.since or not cloud.fits(layout, placement, release.number):
        with pytest.raises(Failure):
            render(spec, hosts, release, LAYOUTS[layout])
        return
    files = render(spec, hosts, release, LAYOUTS[layout]).files
    for host in hosts:
        mine = configuration_for(layout, files, "compute", host)
        check_compute(release, cloud, mine, host)
        check_controllers(release, layout, cloud, files, mine, host)


@cache
def machine_as_said(cloud: Cloud, host: str) -> Machine:
    """The host's devices; those of a partial listing with the type that the spec gives them."""
    return take(cloud.parsed(), host, cloud.looked_at()[host]).machine


def check_compute(release: Release, cloud: Cloud, read: Configuration, host: str) -> None:
    assert read.error is None
    found = match(pci_config(read, release), machine_as_said(cloud, host), release)
    assert not isinstance(found.tracked, Refusal), found.tracked
    tracked = {each.device.address for each in found.tracked if each.entry is not None}
    assert tracked == cloud.devices.get(host, frozenset())
    chosen = mdev_types(read, release)
    assert not isinstance(chosen, Refusal)
    for address, (kind, resource_class) in cloud.parents.get(host, {}).items():
        assert (chosen.type_of(address), chosen.class_of(address)) == (kind, resource_class)
        assert resource_class in chosen.allocation_classes


def check_controllers(
    release: Release, layout: str, cloud: Cloud, files: Mapping[str, str], compute: Configuration, host: str
) -> None:
    services = {
        name: configuration_for(layout, files, name, host) for name in ("api", "conductor", "scheduler")
    }
    assert not any(read.error for read in services.values())
    mine = pci_config(compute, release)
    api = pci_config(services["api"], release)
    assert api.aliases == mine.aliases
    assert len({pci_config(read, release).pci_in_placement for read in services.values()}) == 1
    found = match(mine, machine_as_said(cloud, host), release)
    assert not isinstance(found.aliases, Refusal), found.aliases
    served = {
        device.address
        for choice in found.choices.values()
        for stock in choice.serving
        for device in stock.pool.devices
    }
    assert served == cloud.devices.get(host, frozenset())
    if mine.aliases:
        (filters,) = values(services["scheduler"], options.ENABLED_FILTERS.at(release))
        named = filters.split(",")
        assert OWN_FILTERS in named or set(scheduler.DEFAULT_FILTERS.at(release)) < set(named)
        assert "PciPassthroughFilter" in named
        assert not set(named) & set(scheduler.GONE_FILTERS.at(release))
