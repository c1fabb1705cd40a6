"""Keystone's limits for resource classes, as nova's driver for unified limits counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.request import requests_of
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.seen import Classes
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown
from gpucloud.nova.releases import pci

_IN_LIMITS = frozenset({"VCPU", "MEMORY_MB"})
"""What GET /limits tells of under that driver too: cores and ram (nova/limit/placement.py, LEGACY_LIMITS)."""
_COUNTS = "nova.quota.UnifiedLimitsDriver counts resource classes against keystone's limits."


def classes(case: Case) -> Answers:
    """Classes of Placement that the flavor asks for. Whether nova asks keystone, only its files tell."""
    if case.seen.server is not None:
        return
    found, asked = case.seen.classes, _asked(case)
    if isinstance(found, Unknown):
        if asked and case.given.has_unified_limits is not False:
            named = ", ".join(asked)
            yield Blind("quota", f"keystone's limits of resource classes ({named})", found.why)
        return
    for name, count in asked.items():
        yield from _judged(case, found, name, count)


def _asked(case: Case) -> Mapping[str, int]:
    """What the driver counts of a request; devices of aliases only from the release that does."""
    counts_devices = pci.ALIASES_COUNT_FOR_LIMITS.at(case.given.release)
    devices = case.given.asks(case.seen.aliases) if counts_devices else ()
    image = {} if isinstance(case.seen.image, Unknown) else case.seen.image
    summed: Counter[str] = Counter()
    for group in next(requests_of(case.seen.flavor, image, devices)).values():
        summed.update(group.resources)
    return {name: count for name, count in summed.items() if name not in _IN_LIMITS}


def _judged(case: Case, found: Classes, name: str, count: int) -> Iterator[Finding | Blind]:
    most = found.limits.get(name)
    if most is None or most < 0:  # nova/limit/utils.py, should_enforce(): below 0 is no limit
        if most is None and case.given.needs_limit(f"class:{name}"):
            yield _unregistered(case, name, count)
        return
    used = found.used if isinstance(found.used, Unknown) else found.used.get(name, 0)
    least = 0 if isinstance(used, Unknown) else used
    if least + count > most:
        yield _refused(case, name, count, most, used)
    elif isinstance(used, Unknown) and case.given.has_unified_limits is not False:
        yield Blind("quota", f"how many {name} the project has of its {most}", used.why)


def _refused(case: Case, name: str, count: int, most: int, used: int | Unknown) -> Finding | Blind:
    if case.given.has_unified_limits is False:
        why = (
            f"keystone limits it to {most}; the files that were given do not have [quota]driver = "
            "nova.quota.UnifiedLimitsDriver, with which nova would refuse the flavor"
        )
        return Blind("quota", f"whether nova counts {name}", why)
    has = "" if isinstance(used, Unknown) else f", and {used} are used"
    whose = "the project" if isinstance(case.seen.project, Unknown) else case.seen.project.name
    room = count if isinstance(used, Unknown) else used + count
    return stops(
        "quota",
        f"Keystone limits {name} to {most} for {whose}{has}, and the flavor asks for {count}",
        (Evidence("keystone limits", f"class:{name} {most}"), _line(case, name, count)),
        confidence=0.95 if case.given.has_unified_limits else 0.8,
        why=_COUNTS,
        fix="Raise the project's limit, where it has one already with limit set ID, or ask for less",
        commands=(
            f"openstack limit create --service nova --project {whose} --resource-limit {room} class:{name}",
        ),
    )


def _unregistered(case: Case, name: str, count: int) -> Finding:
    title = f"Keystone has no registered limit of class:{name}, which nova {case.given.release} takes for 0"
    command = f"openstack registered limit create --service nova --default-limit {count} class:{name}"
    return stops("quota", title, (_line(case, name, count),), why=_COUNTS, commands=(command,))


def _line(case: Case, name: str, count: int) -> Evidence:
    return Evidence(f"flavor {case.seen.flavor_name}", f"{name} {count}")


RULES = (Rule(Step.QUOTA, "nova/limit/placement.py: enforce_num_instances_and_resources()", classes),)
