"""A plan held against the same plan made now: what was shown is what is done, or nothing is."""

from __future__ import annotations

from gpucloud.model.failure import Failure
from gpucloud.model.plan import Plan
from gpucloud.prepare.plan.facts import changed

_ANEW = "make the plan anew: gpucloud plan"
_SHOWN = 3


def recheck(plan: Plan, fresh: Plan) -> Plan:
    """Demand that what would be planned now is the plan.

    So every guard speaks again, and a plan file can name nothing that this host would not plan itself.

    Args:
        plan: what was shown.
        fresh: what the same wishes come to on the host as it is now.

    Returns:
        The same plan, or an empty one where all is done already.

    Raises:
        Failure: the host has other facts, something is refused, or the plan has other steps.
    """
    if fresh.is_empty:
        if gone := [str(unit) for unit in plan.units if unit not in fresh.units]:
            why = f"{', '.join(gone[:_SHOWN])} is no GPU of this host that its pools match"
            raise Failure(f"the host has changed since the plan: {why}", _ANEW)
        return fresh
    if differences := changed(plan.facts, fresh.facts, is_partial=bool(plan.unseen)):
        more = f" (and {len(differences) - _SHOWN} more)" if len(differences) > _SHOWN else ""
        raise Failure(f"the host has changed since the plan: {'; '.join(differences[:_SHOWN])}{more}", _ANEW)
    if fresh.refusals:
        raise Failure(fresh.refusals[0].why, fresh.refusals[0].instead)
    if [step.change for step in fresh.steps] != [step.change for step in plan.steps]:
        raise Failure("the plan has other steps than this host needs", _ANEW)
    return fresh
