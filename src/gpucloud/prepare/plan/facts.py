"""What a plan rests on: the facts of the units, their groups and their holders, as they were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciFunction
from gpucloud.model.plan import Fact
from gpucloud.model.unknown import Unknown
from gpucloud.prepare import sysfs
from gpucloud.prepare.plan.group import members_of, vitals
from gpucloud.prepare.plan.vfio import is_ready


def facts_of(host: Host, units: Sequence[GpuUnit]) -> tuple[Fact, ...]:
    """Drivers, overrides, groups and holders of the units and of all who share a group with them."""
    addresses = sorted({address for unit in units for address in members_of(host, unit)})
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    own = {function.address: function for unit in units for function in unit.functions}
    found = [own.get(address) or functions.get(address) for address in addresses]
    facts: list[Fact] = []
    for address, function in zip(addresses, found, strict=True):
        if function is None:
            facts.append(Fact(sysfs.function(address, ""), "not read"))
        else:
            facts += _facts(host, function, is_taken=address in own and not is_ready(function))
    return (*facts, *_groups(host, units))


def changed(before: Sequence[Fact], after: Sequence[Fact], *, is_partial: bool = False) -> tuple[str, ...]:
    """Each fact that is not what it was, in words; empty where all are.

    Args:
        before: the facts of a plan.
        after: those of the host now.
        is_partial: the plan was made of a part of the host: what it did not know may be anything now.
    """
    was = {fact.key: fact.value for fact in before}
    now = {fact.key: fact.value for fact in after}
    open_ = {fact.key for fact in before if not fact.is_known} | (now.keys() - was.keys())
    keys = sorted((was.keys() | now.keys()) - (open_ if is_partial else set()))
    return tuple(
        f"{key} was {was.get(key, 'not there')}, is {now.get(key, 'not there')}"
        for key in keys
        if was.get(key) != now.get(key)
    )


def _facts(host: Host, function: PciFunction, *, is_taken: bool) -> Iterator[Fact]:
    def fact(attribute: str, value: object) -> Fact:
        return say_fact(sysfs.function(function.address, attribute), value)

    yield fact("id", function.id)
    yield fact("driver", function.driver)
    yield fact("driver_override", function.driver_override)
    yield fact("iommu_group", function.iommu_group)
    if carries := [vital.carries for vital in vitals(host) if vital.address == function.address]:
        yield fact("carries", ", ".join(carries))
    if is_taken:
        yield fact("is_boot_vga", function.is_boot_vga)
        yield fact("held by", _holders(function))
        if isinstance(function.mdevs, tuple) and function.mdevs:  # said only then: plans of old lack it
            yield fact("mediated devices", " ".join(mdev.name for mdev in function.mdevs))


def _holders(function: PciFunction) -> object:
    if isinstance(function.holders, Unknown):
        return function.holders
    return ", ".join(f"{holder.process} ({holder.pid}) {holder.node}" for holder in function.holders) or None


def _groups(host: Host, units: Sequence[GpuUnit]) -> Iterator[Fact]:
    groups = host.iommu.groups
    for number in sorted({number for unit in units for number in unit.groups}):
        key = f"{sysfs.GROUPS}/{number}/devices"
        if isinstance(groups, Unknown):
            yield say_fact(key, groups)
        else:
            members = groups[number].members if number in groups else ()
            yield Fact(key, " ".join(map(str, members)) or "(none)")


def say_fact(key: str, value: object) -> Fact:
    """What was read, or that it could not be."""
    if isinstance(value, Unknown):
        return Fact(key, f"unknown: {value.why}", is_known=False)
    return Fact(key, "(none)" if value is None else str(value))
