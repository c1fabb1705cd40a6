"""The project's quota, as nova-api counts it before it makes a server."""

from __future__ import annotations

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence
from gpucloud.model.unknown import Unknown

_NO_LIMIT = -1
_RESOURCES = {"instances": "servers", "cores": "class:VCPU", "ram": "class:MEMORY_MB"}
"""Source: nova/limit/placement.py, LEGACY_LIMITS."""


def quota(case: Case) -> Answers:
    """Instances, cores and memory; a server that was made has passed it, and counts in it."""
    limits, flavor = case.seen.limits, case.seen.flavor
    if case.seen.server is not None:
        return
    if isinstance(limits, Unknown):
        yield Blind("quota", "the limits of the project", limits.why)
        return
    project = "PROJECT" if isinstance(case.seen.project, Unknown) else case.seen.project.name
    for name, most, used, asked in (
        ("instances", "maxTotalInstances", "totalInstancesUsed", 1),
        ("cores", "maxTotalCores", "totalCoresUsed", flavor.vcpus),
        ("ram", "maxTotalRAMSize", "totalRAMUsed", flavor.ram_mib),
    ):
        if most not in limits or used not in limits:
            yield Blind("quota", f"the limit of {name}", f"the answer has no {most} or {used}")
        elif _is_enforced(case, name, limits[most]) and limits[used] + asked > limits[most]:
            # As nova says it (nova/exception.py, TooManyInstances).
            said = f"Requested {asked}, but already used {limits[used]} of {limits[most]} {name}"
            raise_it = f"openstack quota set --{name} {limits[used] + asked} {project}"
            line = Evidence(f"GET /limits of {project}", f"{most} {limits[most]}, {used} {limits[used]}")
            asks = Evidence(f"flavor {case.seen.flavor_name}", f"{name} {asked}")
            title = f"Quota exceeded for {name}: {said}"
            yield stops("quota", title, (line, asks), commands=(raise_it,))


def _is_enforced(case: Case, name: str, most: int) -> bool:
    """Claims a limit. With unified limits nova shows 0 for one that is not registered, which may be none.

    Source: nova/limit/placement.py, _convert_keys_to_legacy_name(); nova/limit/utils.py, should_enforce().
    """
    if most or not case.given.has_unified_limits or isinstance(case.seen.classes, Unknown):
        return most != _NO_LIMIT
    return _RESOURCES[name] in case.seen.classes.registered or case.given.needs_limit(_RESOURCES[name])


RULES = (Rule(Step.QUOTA, "nova/compute/utils.py: check_num_instances_quota()", quota),)
