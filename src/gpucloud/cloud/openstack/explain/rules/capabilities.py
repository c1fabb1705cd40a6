"""What a flavor asks of the hosts themselves, as ComputeCapabilitiesFilter weighs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.rules.specs import meets
from gpucloud.cloud.openstack.explain.rules.standing import allowed
from gpucloud.cloud.openstack.explain.seen import TOLD_OF_HOSTS
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown

_SCOPE = "capabilities:"
_BITS, _BITS_OF_HOST = "hw:maxphysaddr_bits", "cpu_info:maxphysaddr:bits"
_FILTER = "ComputeCapabilitiesFilter"
_SHOWN, _LONG = 8, 120
_BLIND = "no-room-on-hosts"

Asked = Mapping[str, tuple[str, str]]
"""By the flavor's own key: the path into a host's state, and what is wanted there."""


def capabilities(case: Case) -> Answers:
    """Extra specs for hosts that none meets which could take the guest otherwise."""
    scheduler = case.given.scheduler
    asked = dict(_asked(case.seen.flavor.extra_specs))
    if not asked or (scheduler is not None and _FILTER not in (scheduler.filters or ())):
        return
    found = case.seen.hypervisors
    if isinstance(found, Unknown):
        yield Blind(_BLIND, "what hosts have that capabilities: asks for", found.why)
        return
    for key, (path, _) in asked.items():
        if path.partition(":")[0] not in TOLD_OF_HOSTS:
            yield Blind(_BLIND, f"which hosts have {key}", "no API tells that of a host's state")
    left = allowed(case)
    told = {each.name: each.told for each in found if each.host in left}
    is_all = left <= {each.host for each in found}
    if left and is_all and not any(_may_pass(has, asked) for has in told.values()):
        yield _refused(asked, told, 0.8 if scheduler is None else 0.9)


def _asked(specs: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Keys that the filter reads: of its own scope, and those of none that name what a host has."""
    for key, wanted in specs.items():
        if key == _BITS:
            yield key, (_BITS_OF_HOST, f">= {wanted}")
        elif key.startswith(_SCOPE):
            yield key, (key.removeprefix(_SCOPE), wanted)
        elif key in TOLD_OF_HOSTS:
            yield key, (key, wanted)


def _may_pass(told: Mapping[str, Any], asked: Asked) -> bool:
    """Claims that nothing that is known of a host keeps it from what is asked."""
    return all(
        path.partition(":")[0] not in told or _meets(told, path, wanted) for path, wanted in asked.values()
    )


def _meets(told: Mapping[str, Any], path: str, wanted: str) -> bool:
    has = _at(told, path)
    return has is not None and meets(str(has), wanted)


def _at(told: Mapping[str, Any], path: str) -> Any:
    """What stands at a path: ``cpu_info:topology:cores``."""
    here: Any = told
    for part in path.split(":"):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _refused(asked: Asked, told: Mapping[str, Mapping[str, Any]], confidence: float) -> Finding:
    unmet = {
        key: each
        for key, each in asked.items()
        if not any(_may_pass(has, {key: each}) for has in told.values())
    }
    shown = unmet or asked
    wants = ", ".join(f"{key}={wanted}" for key, (_, wanted) in shown.items())
    lines = [Evidence("extra specs of the flavor", wants)]
    for host in sorted(told)[:_SHOWN]:
        has = (f"{path}: {_words(_at(told[host], path))}" for path, _ in shown.values())
        lines.append(Evidence(f"GET /os-hypervisors/detail, {host}", "; ".join(has)))
    return stops(
        _BLIND,
        f"No host that could take it has what the flavor asks of hosts: {wants}",
        lines,
        confidence=confidence,
        why=f"{_FILTER} takes a host that has all of it; a host without such a value does not pass.",
        fix="Ask for what a host with the device has, or take the key out of the flavor",
        commands=tuple(f"openstack flavor unset --property {key} FLAVOR" for key in shown),
    )


def _words(value: Any) -> str:
    said = "none" if value is None else str(value)
    return said if len(said) <= _LONG else f"{said[:_LONG]}..."


RULES = (Rule(Step.SCHEDULER, "nova/scheduler/filters/compute_capabilities_filter.py", capabilities),)
