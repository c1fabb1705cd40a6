"""A plan held against the host as it is now: what was shown is what is done, or nothing is."""

from __future__ import annotations

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.plan import Plan
from gpucloud.prepare.plan.choose import choose_units
from gpucloud.prepare.plan.facts import changed
from gpucloud.prepare.plan.passthrough import plan_passthrough

_ANEW = "make the plan anew: gpucloud plan"
_SHOWN = 3


def recheck(plan: Plan, host: Host) -> Plan:
    """Plan again for the same units on the host as it is now, and demand the same plan.

    So every guard speaks again, and a plan file can name nothing that this host would not plan itself.

    Returns:
        The same plan, or an empty one where the units are ready already.

    Raises:
        Failure: the host has other facts, a unit is gone or refused, or the plan has other steps.
    """
    units = choose_units(host, [str(address) for address in plan.units])
    fresh = plan_passthrough(host, units, force=plan.is_forced)
    if fresh.is_empty:
        return fresh
    if differences := changed(plan.facts, fresh.facts):
        more = f" (and {len(differences) - _SHOWN} more)" if len(differences) > _SHOWN else ""
        raise Failure(f"the host has changed since the plan: {'; '.join(differences[:_SHOWN])}{more}", _ANEW)
    if fresh.refusals:
        raise Failure(fresh.refusals[0].why, fresh.refusals[0].instead)
    if [step.change for step in fresh.steps] != [step.change for step in plan.steps]:
        raise Failure("the plan has other steps than this host needs", _ANEW)
    return fresh
