"""Nova is the judge of what is rendered: each release loads the files of every layout, takes them, and gives
guests exactly the devices that were meant.

Releases 15 to 34 judge. Per release: all clouds of ``tests/nova/render``, all layouts, all steps of the way
to Placement; files of nova-compute, nova-api and nova-scheduler, as the deployment tool puts them together.
13.1.4 and 14.1.0, unpacked from the repository as ``test_oracle`` says, were asked by hand: they take all of
it; which devices a guest gets was not asked of 13, which looks that up in its database.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES
from tests.nova.render.clouds import CLOUDS, Cloud
from tests.nova.render.read_back import OWN_FILTERS, texts_for
from tests.nova.render.test_every_release import machine_as_said, steps_of

from gpucloud.nova.machine import Machine
from gpucloud.nova.mdev import MdevSection, choose_types
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import scheduler
from gpucloud.nova.releases.release import Release, parse_release
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.nova.render.aliases import alias_name

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(900)]

Case = dict[str, Any]


def plain(machine: Machine) -> dict[str, Any]:
    devices = [
        {
            "address": device.address,
            "vendor_id": device.vendor_id,
            "product_id": device.product_id,
            "dev_type": device.type.value,
            "numa_node": device.numa_node,
            "parent_addr": device.parent,
            "card_serial_number": device.card_serial,
        }
        for device in machine.devices.values()
    ]
    return {"devices": devices, "interfaces": {}}


def cases_for(release: Release) -> Iterator[Case]:
    for name, cloud in CLOUDS.items():
        for layout in LAYOUTS:
            for placement in steps_of(release):
                if release.number >= cloud.since and cloud.fits(layout, placement, release.number):
                    yield from cases_of(name, cloud, layout, placement, release)


def cases_of(name: str, cloud: Cloud, layout: str, placement: str, release: Release) -> Iterator[Case]:
    spec, hosts = cloud.parsed(placement), cloud.looked_at()
    files = render(spec, hosts, release, LAYOUTS[layout]).files
    for host in hosts:
        usual: Case = {"machine": host_key(name, host), "sockets": [0] * 8, "cells": None, "policy": None}
        usual |= {"has_bookkeeping_tags": False, "cloud": name, "host": host, "layout": layout}
        usual |= {"step": placement}
        aliases = sorted({alias_name(pool) for pool in spec.pools}) if cloud.devices.get(host) else []
        flavors = [f"{aliases[0]}:{len(cloud.devices[host])}"] if len(spec.pools) == 1 and aliases else []
        for service in ("compute", "api", "scheduler"):
            texts = texts_for(layout, files, service, host)
            asked = flavors if service == "compute" else []
            yield {**usual, "files": texts, "service": service, "flavors": asked}


def host_key(cloud: str, host: str) -> str:
    return f"{cloud.replace(' ', '-').replace(',', '')}-{host}"


def theirs_of(version: str, cases: list[Case]) -> list[dict[str, Any]]:
    machines = {
        host_key(name, host): plain(machine_as_said(cloud, host))
        for name, cloud in CLOUDS.items()
        for host in cloud.hosts
    }
    return ask(version, "render_worker", [machines, *cases])


@pytest.mark.parametrize("version", PACKAGES)
def test_nova_takes_what_was_rendered_and_gives_what_was_meant(version: str) -> None:
    release = parse_release(version)
    cases = list(cases_for(release))
    assert len(cases) > 50
    for case, answer in zip(cases, theirs_of(version, cases), strict=True):
        shown = {key: case[key] for key in ("cloud", "host", "layout", "step", "service")}
        assert "raises" not in answer["aliases"], (shown, answer["aliases"])
        assert answer["in_placement"] is (case["step"] == "schedule"), shown
        if case["service"] == "compute":
            check_compute(case, answer, release, shown)
        if case["service"] == "scheduler" and CLOUDS[case["cloud"]].devices:
            check_filters(set(answer["filters"]), release, shown)


def check_compute(case: Case, answer: dict[str, Any], release: Release, shown: object) -> None:
    cloud, host = CLOUDS[case["cloud"]], case["host"]
    devices = plain(machine_as_said(cloud, host))["devices"]
    meant = cloud.devices.get(host, frozenset())
    assert "tracked" in answer, (shown, answer)
    tracked = {
        device["address"]
        for device, entry in zip(devices, answer["tracked"], strict=True)
        if entry is not None
    }
    assert tracked == meant, shown
    for fits in answer.get("flavors", {}).values():
        assert fits["gives"]["passes"], (shown, fits)
        assert set(fits["gives"]["devices"]) == meant, shown
    if case["step"] != "off" and meant:
        assert sum(total for _, _, total, _ in answer["placement"]["gives"]) == len(meant), shown
    assert not answer["post_copy"], shown
    check_types(cloud, host, answer, release, shown)


def check_types(cloud: Cloud, host: str, answer: dict[str, Any], release: Release, shown: object) -> None:
    known = answer["mdev"] or {}
    sections = {
        kind: MdevSection(
            tuple(said.get("device_addresses", ())), said.get("mdev_class", "VGPU"), said.get("max_instances")
        )
        for kind, said in known.items()
    }
    virtual = [each for each in cloud.parents.get(host, {}) if ":" not in each]
    chosen = choose_types(list(known), sections, release, virtual_parents=virtual)
    assert not isinstance(chosen, Refusal), shown
    for address, (kind, resource_class) in cloud.parents.get(host, {}).items():
        assert (chosen.type_of(address), chosen.class_of(address)) == (kind, resource_class), shown
    assert bool(known) is bool(cloud.parents.get(host)), shown


def check_filters(named: set[str], release: Release, shown: object) -> None:
    assert "PciPassthroughFilter" in named, shown
    assert OWN_FILTERS in named or set(scheduler.DEFAULT_FILTERS.at(release)) < named, shown
