"""Whatever fact of a card was not read: nothing fails, and nothing is claimed of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from tests.hosts.catalogue import host_of

from gpucloud.model.host import Host
from gpucloud.model.pci import PciFunction, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.slices import offers_of
from gpucloud.slices.layout import parse_layout, plan_layout

HOSTS = (
    "built-amd-s7150-mxgpu",
    "built-intel-uhd630-gvtg",
    "built-nvidia-a100-h100-mig",
    "built-nvidia-a2-mdev-of-vfs",
    "built-nvidia-a2-vendor-vfio",
    "built-nvidia-t4-mdev",
)
NOT_READ = Unknown("not read")
FACTS = [field.name for field in fields(PciFunction) if "Unknown" in str(field.type)]
LINES = (
    parse_layout(["every card: none"]),
    parse_layout(["every card: 2 x 4Q"]),
    parse_layout(["every card: vf"]),
)


def without(function: PciFunction, fact: str) -> PciFunction:
    if fact.startswith("sriov."):
        if not isinstance(function.sriov, Sriov):
            return function
        return replace(function, sriov=replace(function.sriov, **{fact.removeprefix("sriov."): NOT_READ}))
    facts: dict[str, Any] = {fact: NOT_READ}
    return replace(function, **facts)


def blind(host: Host, fact: str) -> Host:
    """The host with one fact of every function not read."""
    assert not isinstance(host.functions, Unknown)
    functions = {address: without(each, fact) for address, each in host.functions.items()}
    units = tuple(
        replace(unit, functions=tuple(functions[each.address] for each in unit.functions))
        for unit in host.units
    )
    return replace(host, functions=functions, units=units)


@pytest.mark.parametrize("name", HOSTS)
def test_a_fact_of_functions_that_was_not_read_hurts_nothing(name: str) -> None:
    for fact in (*FACTS, "sriov.total", "sriov.enabled", "sriov.vfs"):
        offers = offers_of(blind(host_of(name), fact))
        for wishes in LINES:
            plans, _ = plan_layout(wishes, {None: offers})
            assert all(plan.steps == () for plan in plans if plan.refusals)


@pytest.mark.parametrize("name", HOSTS)
def test_a_fact_of_the_kernel_that_was_not_read_hurts_nothing(name: str) -> None:
    host = host_of(name)
    for fact in ("release", "arguments", "loaded_modules", "available_modules"):
        offers_of(replace(host, kernel=replace(host.kernel, **{fact: NOT_READ})))


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        ("mdevs", "built-nvidia-a2-mdev-of-vfs"),
        ("current_vgpu_type", "built-nvidia-a2-vendor-vfio"),
        ("holders", "built-nvidia-a2-vendor-vfio"),
        ("sriov.vfs", "built-nvidia-a2-vendor-vfio"),
    ],
)
def test_nothing_is_taken_away_where_it_is_not_known_what_is_there_or_who_uses_it(
    fact: str, name: str
) -> None:
    plans, _ = plan_layout(LINES[0], {None: offers_of(blind(host_of(name), fact))})
    assert plans[0].refusals
