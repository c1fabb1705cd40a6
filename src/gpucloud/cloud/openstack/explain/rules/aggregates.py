"""What a flavor asks of the aggregates of its hosts, as AggregateInstanceExtraSpecsFilter weighs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.rules.specs import meets
from gpucloud.cloud.openstack.explain.rules.standing import Hosts, allowed
from gpucloud.cloud.openstack.publish.offer import Aggregate
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown

_SCOPE = "aggregate_instance_extra_specs:"
_FILTER = "AggregateInstanceExtraSpecsFilter"
_SHOWN = 8


def aggregates(case: Case) -> Answers:
    """Extra specs for aggregates that none of the hosts meets which could take the guest otherwise."""
    scheduler = case.given.scheduler
    is_known = scheduler is not None and _FILTER in (scheduler.filters or ())
    asked = dict(_asked(case.seen.flavor.extra_specs, with_bare=is_known))
    if not asked or (scheduler is not None and not is_known):
        return
    found = case.seen.aggregates
    if isinstance(found, Unknown):
        yield Blind("no-room-on-hosts", "the aggregates", found.why)
        return
    left = allowed(case)
    if left and not any(all(_has(found, host, *each) for each in asked.items()) for host in left):
        yield _refused(case, found, asked, left, 0.9 if is_known else 0.8)


def _asked(specs: Mapping[str, str], *, with_bare: bool) -> Iterator[tuple[str, str]]:
    """Keys that the filter reads: of its own scope, and those of none (``key.split(':', 1)``)."""
    for key, value in specs.items():
        if key.startswith(_SCOPE) or (with_bare and ":" not in key):
            yield key.removeprefix(_SCOPE), value


def _values(found: Sequence[Aggregate], host: str, key: str) -> tuple[str, ...]:
    """What the aggregates of a host say (nova/scheduler/filters/utils.py splits at commas)."""
    said = (each.metadata[key] for each in found if host in each.hosts and key in each.metadata)
    return tuple(word.strip() for value in said for word in value.split(","))


def _has(found: Sequence[Aggregate], host: str, key: str, wanted: str) -> bool:
    return any(meets(value, wanted) for value in _values(found, host, key))


def _refused(
    case: Case, found: Sequence[Aggregate], asked: Mapping[str, str], left: Hosts, confidence: float
) -> Finding:
    wants = ", ".join(f"{key}={value}" for key, value in asked.items())
    keys = [key for key in asked if not any(each.hosts and key in each.metadata for each in found)]
    title = f"No host that could take it is in aggregates with {wants}, which the flavor asks for"
    if keys:
        title = f"No aggregate with hosts has the key {keys[0]} that the flavor asks for"
    lines = [Evidence(f"flavor {case.seen.flavor_name}", wants)]
    for host in sorted(left)[:_SHOWN]:
        has = [f"{key}={value}" for key in asked for value in _values(found, host, key)]
        lines.append(Evidence(f"aggregates of {host}", ", ".join(has) or "none of these keys"))
    why = f"{_FILTER} takes a host whose aggregates meet every key of the flavor, each by its value."
    fix = "Put a host with the device into an aggregate that has them, or take the keys out of the flavor"
    host = min(left)
    commands = (
        f"openstack aggregate add host AGGREGATE {host}",
        *(
            f"openstack aggregate set --property {key}={_plain(value)} AGGREGATE"
            for key, value in asked.items()
        ),
    )
    return stops("no-room-on-hosts", title, lines, confidence=confidence, why=why, fix=fix, commands=commands)


def _plain(wanted: str) -> str:
    """A value that meets it, where it says one."""
    words = wanted.split()
    return words[-1] if words else ""


RULES = (Rule(Step.SCHEDULER, "nova/scheduler/filters/aggregate_instance_extra_specs.py", aggregates),)
