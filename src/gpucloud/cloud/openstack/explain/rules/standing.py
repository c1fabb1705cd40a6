"""Hosts that are left out for where a guest was to be, whose it is, and beside whom: in nova's order.

Each rule takes the hosts that the rules before it leave, so the one that leaves none is what stops a guest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.rules.pools import Desk, Reach, judge_host
from gpucloud.cloud.openstack.explain.rules.scheduler import desks, not_given, with_room
from gpucloud.cloud.openstack.explain.seen import Group, Service
from gpucloud.cloud.openstack.publish.offer import Aggregate
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown
from gpucloud.nova.releases.options import OptionName

Hosts = frozenset[str]
_FOR_TENANTS, _ISOLATION = "filter_tenant_id", "AggregateMultiTenancyIsolation"
_LIMITS = OptionName("scheduler", "limit_tenants_to_placement_aggregate")
_LIMITS_ALL = OptionName("scheduler", "placement_aggregate_required_for_tenants")
"""Source of both: nova/scheduler/request_filter.py, require_tenant_aggregate()."""
_ZONE_WHY = "nova looks for hosts in the zone that a server is bound to, and in no other."
_ZONE_FIX = "Ask for another zone, or for none; or add hosts to an aggregate of that zone"
_SHOWN = 8
_BLIND = "filter-not-enabled"


def zone(case: Case) -> Answers:
    """The availability zone that was asked for."""
    wanted, services = case.seen.zone, _services(case)
    if isinstance(wanted, Unknown):
        yield Blind(_BLIND, "the availability zone that the server is bound to", wanted.why)
    elif wanted is not None and services is None:
        yield _listed_zone(case, wanted)
    elif wanted is not None and services:
        here = [each for each in services if each.zone == wanted]
        left = fitting(case)
        if not here or (left and not _in_zone(case, left)):
            yield _no_host_in(wanted, services, here)


def _listed_zone(case: Case, wanted: str) -> Finding | Blind:
    """What everybody may know of a zone: whether it is there, and has a host that is enabled."""
    zones = case.seen.zones
    if isinstance(zones, Unknown) or zones is None or zones.get(wanted):
        return Blind(_BLIND, f"the hosts of availability zone {wanted}", "nova does not list its services")
    there = ", ".join(sorted(name for name, is_available in zones.items() if is_available)[:_SHOWN])
    is_there = "has no host that is enabled" if wanted in zones else "is not there"
    title = f"The availability zone {wanted} that was asked for {is_there}; available: {there or 'none'}"
    line = Evidence(
        "GET /os-availability-zone", f"{wanted}: {'not available' if wanted in zones else 'none'}"
    )
    return stops("no-room-on-hosts", title, (line,), confidence=0.9, why=_ZONE_WHY, fix=_ZONE_FIX)


def _no_host_in(zone: str, services: Sequence[Service], here: Sequence[Service]) -> Finding:
    title = f"No host of the availability zone {zone} that was asked for could take it"
    if not here:
        there = ", ".join(sorted({each.zone for each in services if each.zone})[:_SHOWN])
        title = f"No host is in the availability zone {zone} that was asked for; there are {there or 'none'}"
    lines = (Evidence(f"nova-compute on {each.host}", _place(each)) for each in (here or services)[:_SHOWN])
    return stops("no-room-on-hosts", title, lines, confidence=0.9, why=_ZONE_WHY, fix=_ZONE_FIX)


def tenants(case: Case) -> Answers:
    """Aggregates that are for some projects only (``filter_tenant_id``), where nova may look at that."""
    if _ignores_tenants(case):
        return
    found, project = case.seen.aggregates, case.seen.project
    for fact in (found, project):
        if isinstance(fact, Unknown):
            yield Blind(_BLIND, "whether aggregates are for some projects only", fact.why)
            return
    if not isinstance(found, Unknown) and (_is_on(case, _LIMITS) or any(map(_is_restricted, found))):
        left = _in_zone(case, fitting(case))
        if left and not _for_project(case, left):
            yield _for_others(case, found, left)


def _for_others(case: Case, found: Sequence[Aggregate], left: Hosts) -> Finding:
    project = case.seen.project
    whose = "" if isinstance(project, Unknown) else f"{project.name} ({project.id})"
    title = f"Aggregates keep project {whose} away from all hosts that could take it"
    lines = [
        Evidence(f"aggregate of {', '.join(sorted(each.hosts & left))}", f"{key}={value}")
        for each in found
        for key, value in each.metadata.items()
        if key.startswith(_FOR_TENANTS) and each.hosts & left
    ]
    sure = 0.8 if case.given.scheduler is None else 0.95
    why = f"Hosts of an aggregate with {_FOR_TENANTS} are for its projects alone, by {_ISOLATION}."
    if _is_on(case, _LIMITS):
        why = f"With {_LIMITS} a project gets hosts of its own aggregates alone, where it has any."
    fix = "Take the hosts out of these aggregates, or add the project to filter_tenant_id of theirs"
    return stops("no-room-on-hosts", title, lines[:_SHOWN], confidence=sure, why=why, fix=fix)


def _is_restricted(aggregate: Aggregate) -> bool:
    return any(key.startswith(_FOR_TENANTS) for key in aggregate.metadata)


def group(case: Case) -> Answers:
    """The policy of the server's group; a soft one keeps nobody away."""
    found = case.seen.group
    if isinstance(found, Unknown):
        yield Blind(_BLIND, "the server's group", found.why)
    elif found is not None and found.policy in ("affinity", "anti-affinity"):
        if isinstance(found.members, Unknown):
            yield Blind(_BLIND, f"the hosts of the server group {found.name}", found.members.why)
        else:
            left = _for_project(case, _in_zone(case, fitting(case)))
            if left and not _beside(found, left):
                yield _kept_apart(found, left)


def _kept_apart(found: Group, left: Hosts) -> Finding:
    members = {} if isinstance(found.members, Unknown) else found.members
    names = ", ".join(sorted(left)[:_SHOWN])
    title = f"The server group {found.name} ({found.policy}) "
    if found.policy == "affinity":
        title += f"is on {', '.join(sorted(members))}, and only {names} could take the server"
        fix = "Free a host of the group, or make the server outside of it"
    else:
        title += f"has {found.most} members already on each host that could take the server: {names}"
        fix = "Add hosts, raise max_server_per_host, or make the server outside of the group"
    lines = [Evidence(f"group on {host}", f"{number} members") for host, number in sorted(members.items())]
    why = "A server group's policy holds for every host that the scheduler takes."
    return stops("no-room-on-hosts", title, lines[:_SHOWN], confidence=0.9, why=why, fix=fix)


def allowed(case: Case) -> Hosts:
    """Hosts that all of that leaves."""
    left, found = _for_project(case, _in_zone(case, fitting(case))), case.seen.group
    if found is None or isinstance(found, Unknown) or found.policy not in ("affinity", "anti-affinity"):
        return left
    return left if isinstance(found.members, Unknown) else _beside(found, left)


def fitting(case: Case) -> Hosts:
    """Hosts that are up, for which Placement has room, and whose devices fit where all devices are known."""
    services = _services(case) or ()
    awake = frozenset(each.host for each in with_room(case, services) if each.takes_guests) - _left(case)
    if case.seen.aliases is None or not case.given.hosts:
        return awake
    judged = [judge_host(desk) for desk in desks(case) if isinstance(desk, Desk)]
    if len(judged) < len(case.given.hosts):
        return awake
    own = [case.service_of(each.host) for each in judged if each.reach is Reach.FITS]
    fit = frozenset(each.host for each in own if each is not None)
    return awake & (fit | frozenset(not_given(case, judged)))


def _left(case: Case) -> Hosts:
    """The host that a server was to leave: nova takes it out (nova/compute/api.py, ``ignore_hosts``)."""
    server = case.seen.server
    leaves = server is not None and server.refused in ("migrate", "live-migration", "evacuate")
    return frozenset({server.host}) if leaves and server and server.host else frozenset()


def _services(case: Case) -> tuple[Service, ...] | None:
    return None if isinstance(case.seen.services, Unknown) else case.seen.services


def _in_zone(case: Case, hosts: Hosts) -> Hosts:
    wanted = case.seen.zone
    if wanted is None or isinstance(wanted, Unknown):
        return hosts
    return hosts & {each.host for each in _services(case) or () if each.zone == wanted}


def _ignores_tenants(case: Case) -> bool:
    """Claims that nova looks at no projects of aggregates: in no release's own list is the filter."""
    return not _has_filter(case) and not _is_on(case, _LIMITS)


def _has_filter(case: Case) -> bool:
    scheduler = case.given.scheduler
    return scheduler is None or _ISOLATION in (scheduler.filters or ())


def _is_on(case: Case, option: OptionName) -> bool:
    return case.given.scheduler is not None and case.given.scheduler.is_on(option)


def _for_project(case: Case, hosts: Hosts) -> Hosts:
    """Hosts that are for everybody, or for this project."""
    found, project = case.seen.aggregates, case.seen.project
    if isinstance(found, Unknown) or isinstance(project, Unknown):
        return hosts
    left = hosts
    if _has_filter(case):
        owners = {host: set(_owners(each for each in found if host in each.hosts)) for host in hosts}
        left = frozenset(host for host in hosts if not owners[host] or project.id in owners[host])
    if not _is_on(case, _LIMITS):
        return left
    own = [each for each in found if project.id in _whole_owners(each)]
    if not own:
        return frozenset() if _is_on(case, _LIMITS_ALL) else left
    return left & frozenset().union(*(each.hosts for each in own))


def _whole_owners(aggregate: Aggregate) -> set[str]:
    """Projects that an aggregate is for: require_tenant_aggregate() splits nothing."""
    return {value for key, value in aggregate.metadata.items() if key.startswith(_FOR_TENANTS)}


def _owners(aggregates: Iterable[Aggregate]) -> Iterator[str]:
    """Projects that aggregates are for: nova/scheduler/filters/utils.py splits at commas."""
    for each in aggregates:
        for key, value in each.metadata.items():
            if key.startswith(_FOR_TENANTS):
                yield from (word.strip() for word in value.split(","))


def _beside(found: Group, hosts: Hosts) -> Hosts:
    members = {} if isinstance(found.members, Unknown) else found.members
    if found.policy == "affinity":
        return hosts & members.keys() if members else hosts
    return frozenset(host for host in hosts if members.get(host, 0) < found.most)


def _place(service: Service) -> str:
    state = "takes guests" if service.takes_guests else "disabled or down"
    return f"availability zone {service.zone or 'not told'}, {state}"


RULES = (
    Rule(Step.SCHEDULER, "nova/scheduler/request_filter.py: map_az_to_placement_aggregate()", zone),
    Rule(
        Step.SCHEDULER,
        "nova/scheduler/filters/aggregate_multitenancy_isolation.py, request_filter.py",
        tenants,
    ),
    Rule(Step.SCHEDULER, "nova/scheduler/filters/affinity_filter.py", group),
)
