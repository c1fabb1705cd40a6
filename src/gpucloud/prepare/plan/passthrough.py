"""The plan that makes units ready for guests: whole cards by address, never by id.

The order, and why:

1. Modules, so that nothing has been taken from the host if one is missing.
2. The console off the card, where it is on it and the user accepted to lose it.
3. The override of every function, *before* anything is unbound. Taking a card from its driver can last
   seconds, and a module that is loaded meanwhile (udev acts on every uevent) would grab what is free already:
   the kernel matches an override first (drivers/pci/pci-driver.c, ``pci_match_device``), and setting it
   neither unbinds nor probes (Documentation/ABI/testing/sysfs-bus-pci). So from the first unbind on only
   vfio-pci can take them.
4. Every function of all groups unbound, companions first: they are consumers of the card's device links.
5. Every function bound, the card first. Only now all members of a group are in hand: binding one while
   another is still with the host leaves a group that VFIO refuses.

``new_id`` is never written: it takes every free card with that id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.change import BindDriver, SetDriverOverride, UnbindDriver
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.plan.console import console_changes, loss
from gpucloud.prepare.plan.facts import facts_of
from gpucloud.prepare.plan.guards import refusals_for, split_unseen
from gpucloud.prepare.plan.risks import (
    risk_of_console,
    risk_of_giving,
    risk_of_loading,
    risk_of_override,
    risk_of_unbinding,
)
from gpucloud.prepare.plan.vfio import is_ready, modules_to_load, vfio_driver_for, waits_for_vfio
from gpucloud.prepare.plan.wording import call_unit

Taken = Sequence[tuple[GpuUnit, PciFunction]]
"""Functions that change hands, each with its unit, in the units' order."""


def plan_passthrough(
    host: Host, units: Sequence[GpuUnit], *, force: bool = False, is_captured: bool = False
) -> Plan:
    """Steps that make the units ready for guests, or why they cannot be made ready.

    Args:
        host: the host the units were read from.
        units: units of that host; repeats count once.
        force: the user accepts to lose the last console. Nothing else is ever forced.
        is_captured: the host is a capture; what it lacks and no step depends on is left to the host itself.

    Returns:
        An empty plan where all units are ready; a plan without steps where one is refused.
    """
    asked = tuple({unit.address: unit for unit in units}.values())
    reasons = (reason for unit in asked for reason in refusals_for(host, unit, asked, force=force))
    refusals, unseen = split_unseen(reasons, is_captured=is_captured)
    return Plan(
        host=host.source,
        units=tuple(unit.address for unit in asked),
        is_forced=force,
        facts=facts_of(host, asked),
        steps=() if refusals else tuple(_steps(host, asked)),
        refusals=refusals,
        unseen=unseen,
    )


def _steps(host: Host, asked: Sequence[GpuUnit]) -> Iterator[Step]:
    taken = [(unit, each) for unit in asked for each in unit.functions if not is_ready(each)]
    if not taken:
        return
    yield from _modules(host, taken)
    yield from _console(host, [unit for unit in asked if any(unit is each for each, _ in taken)], asked)
    yield from _overrides(taken)
    yield from _unbinds(taken)
    yield from _binds(taken)


def _modules(host: Host, taken: Taken) -> Iterator[Step]:
    unit = taken[0][0]
    waiting = waits_for_vfio(host) - {function.address for _, function in taken}
    for change in modules_to_load(host):
        because = "the kernel has not loaded it, and VFIO needs it"
        because += f"; it brings {', '.join(change.brings)}" if change.brings else ""
        because += "; with an empty ids= it takes only what later steps give it" if change.options else ""
        yield Step(change, because, unit.address, risk_of_loading(waiting) if change.options else "")


def _console(host: Host, units: Sequence[GpuUnit], asked: Sequence[GpuUnit]) -> Iterator[Step]:
    done = set()
    for unit in units:
        reason = loss(host, unit, asked) or "the console may be on it"
        for change in console_changes(host, unit, asked):
            if change not in done:
                done.add(change)
                because = f"{call_unit(unit)}: {reason}, and --force accepts to lose it"
                yield Step(change, because, unit.address, risk_of_console(change))


def _overrides(taken: Taken) -> Iterator[Step]:
    for unit, function in taken:
        before, after = function.driver_override, vfio_driver_for(function)
        if isinstance(before, str | None) and before != after:
            because = f"from now on only {after} can take this function of {call_unit(unit)}"
            change = SetDriverOverride(address=function.address, before=before, after=after)
            yield Step(change, because, unit.address, risk_of_override(before))


def _unbinds(taken: Taken) -> Iterator[Step]:
    for unit, function in reversed(taken):
        driver, override = function.driver, function.driver_override
        if isinstance(driver, str) and isinstance(override, str | None):
            because = f"a guest can only have what the host's {driver} has let go"
            change = UnbindDriver(address=function.address, driver=driver, override=override)
            yield Step(change, because, unit.address, risk_of_unbinding(function, driver))


def _binds(taken: Taken) -> Iterator[Step]:
    for unit, function in taken:
        is_card = function is unit.primary
        because = f"guests get {call_unit(unit)} whole or not at all; this is "
        because += _part(function) if is_card else "a companion"
        change = BindDriver(address=function.address, driver=vfio_driver_for(function))
        yield Step(change, because, unit.address, risk_of_giving(function) if is_card else "")


def _part(function: PciFunction) -> str:
    return "a virtual function" if isinstance(function.physical_function, PciAddress) else "the card itself"
