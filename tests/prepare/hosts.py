"""Small changes to a host's facts, for what a tree of files would take long to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciFunction
from gpucloud.model.plan import Plan
from gpucloud.prepare.plan import choose_units, plan_passthrough


def with_function(host: Host, address: str, **facts: Any) -> Host:
    """The host with other facts about one function."""
    return _mapped(host, PciAddress.parse_typed(address), lambda function: replace(function, **facts))


def _mapped(host: Host, address: PciAddress, change: Callable[[PciFunction], PciFunction]) -> Host:
    assert isinstance(host.functions, dict)
    functions = {
        at: change(function) if at == address else function for at, function in host.functions.items()
    }
    units = tuple(
        replace(unit, functions=tuple(functions[at] for at in unit.addresses)) for unit in host.units
    )
    return replace(host, functions=functions, units=units)


def plan_for(host: Host, *names: str, force: bool = False) -> Plan:
    """The plan for the units at these addresses."""
    return plan_passthrough(host, choose_units(host, names), force=force)


def causes(plan: Plan) -> list[str]:
    """Why it is refused."""
    assert not plan.refusals or not plan.steps
    return [refusal.cause for refusal in plan.refusals]


def only_refusal(plan: Plan) -> str:
    """The one reason and what to do, as one line."""
    (refusal,) = plan.refusals
    return f"{refusal.why}; {refusal.instead}"
