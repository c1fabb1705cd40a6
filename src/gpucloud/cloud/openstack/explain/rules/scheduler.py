"""nova-scheduler: services, pools of devices, the list of filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.rules.pools import Desk, OnHost, Reach, desk_of, judge_host
from gpucloud.cloud.openstack.explain.seen import Service
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown
from gpucloud.nova.check.report import check
from gpucloud.nova.refusal import Refusal

_FILTER_KINDS = ("nova-filter-pci-missing", "nova-filter-gone", "nova-filter-available-lost")


def services(case: Case) -> Answers:
    """Hosts that are disabled, which Placement leaves out, or down, which ComputeFilter leaves out."""
    found = case.seen.services
    if isinstance(found, Unknown):
        yield Blind("compute-service-down", "the compute services", found.why)
    elif not found:
        line = Evidence("GET /os-services?binary=nova-compute", "none")
        yield stops("compute-service-down", "There is no nova-compute", (line,))
    elif not any(each.takes_guests for each in with_room(case, found)):
        yield _down(with_room(case, found))
    elif case.seen.aliases is not None and not case.given.hosts:
        for each in found:
            if not each.takes_guests:
                fact = f"whether {each.host} ({_state(each)}) is the one with the devices"
                yield Blind("compute-service-down", fact, "no API tells which host has devices")


def with_room(case: Case, services: tuple[Service, ...]) -> tuple[Service, ...]:
    """Of hosts for which Placement has room; of all where it is not known."""
    found = case.seen.candidates
    if isinstance(found, Unknown) or not found.hosts:
        return services
    names = set(map(case.name_of, found.hosts))
    return tuple(each for each in services if each.host in names) or services


def _down(services: tuple[Service, ...]) -> Finding:
    lines = [Evidence(f"nova-compute on {each.host}", _state(each)) for each in services]
    commands = [f"openstack compute service set --enable {each.host} nova-compute" for each in services]
    named = ", ".join(f"{each.host} ({_state(each)})" for each in services[:4])
    title = f"No host that could take it has a nova-compute that is enabled and up: {named}"
    needed = [line for line, each in zip(commands, services, strict=True) if not each.is_enabled]
    return stops("compute-service-down", title, lines, commands=tuple(needed))


def _state(service: Service) -> str:
    why = f": {service.reason}" if service.reason else ""
    disabled = "" if service.is_enabled else f"disabled{why}"
    return ", ".join(filter(None, (disabled, "" if service.is_up else "down"))) or "enabled, up"


def devices(case: Case) -> Answers:
    """Hosts that were given: how far the request comes on the best of them."""
    if case.seen.aliases is None:
        return
    found = []
    for desk in desks(case):
        if isinstance(desk, Blind):
            yield desk
        else:
            found.append(judge_host(desk))
    yield from _unseen(case, found)
    best = max(found, key=lambda each: each.reach, default=None)
    if best is None:
        return
    if best.finding is not None:
        others = not_given(case, found)
        yield from (Blind(best.finding.cause, f"the pools of {name}", "it was not given") for name in others)
        yield replace(best.finding, confidence=0.7) if others else best.finding
        return
    fitting = [each for each in found if each.finding is None]
    known = [case.service_of(each.host) for each in fitting]
    asleep = [each for each in known if each is not None and not each.takes_guests]
    if len(asleep) == len(fitting):
        yield _down(tuple(asleep))


def not_given(case: Case, found: list[OnHost]) -> list[str]:
    """Hosts that take guests, and of which no devices are known."""
    known = {None if (own := case.service_of(each.host)) is None else own.host for each in found}
    services = () if isinstance(case.seen.services, Unknown) else case.seen.services
    return [each.host for each in services if each.takes_guests and each.host not in known]


def desks(case: Case) -> Iterator[Desk | Blind]:
    """Each given host with its files, or why it cannot be judged."""
    for host in case.given.hosts:
        desk = desk_of(case, host)
        if isinstance(desk, Refusal):
            yield Blind("whitelist-mismatch", f"the pools of {host.name}", desk.message)
        elif desk is None:
            why = "give nova.conf with --config"
            yield Blind("whitelist-mismatch", f"the pools of {host.name}", why)
        elif isinstance(slow := _untried(desk), str):
            yield Blind("whitelist-mismatch", f"the pools of {host.name}", slow)
        else:
            yield desk


def _untried(desk: Desk) -> str | None:
    specs = () if isinstance(desk.compute.specs, Refusal) else desk.compute.specs
    slow = next((each.untried for each in specs if each.untried is not None), None)
    return None if slow is None else f"the pattern {slow[:60]!r} in device_spec could take hours"


def _unseen(case: Case, found: list[OnHost]) -> Iterator[Blind]:
    if not case.given.hosts:
        why = "no API tells it: give a capture of each host with --devices"
        yield Blind("whitelist-mismatch", "nova's pools of devices (pci_devices)", why)
    if found and isinstance(case.seen.holders, Unknown):
        yield Blind("not-enough-devices", "devices of other projects' servers", case.seen.holders.why)
    for each in found:
        if case.service_of(each.host) is None and not isinstance(case.seen.services, Unknown):
            why = "none has that name: say which it is with --devices HOST=CAPTURE"
            yield Blind("compute-service-down", f"the nova-compute of {each.host.name}", why)
        if each.nodes is not None:
            nodes = ", ".join(map(str, each.nodes))
            what = f"free CPUs and memory of NUMA node {nodes} on {each.host.name}"
            yield Blind("numa-policy-no-host", what, "no API tells it, and the guest must lie there")


def filters(case: Case) -> Answers:
    """The scheduler's list: without PciPassthroughFilter it takes hosts that have no device."""
    if case.seen.aliases is None:
        return
    scheduler = case.given.scheduler
    if scheduler is None:
        why = "no API tells it: give nova.conf of the scheduler's host with --config"
        yield Blind("filter-not-enabled", "enabled_filters of nova-scheduler", why)
        return
    for one in check(scheduler).findings:
        if one.kind.id in _FILTER_KINDS:
            place = Evidence(one.file or "nova.conf of nova-scheduler", one.what, one.line)
            title = f"{one.kind.title}: {one.what}"
            yield stops("filter-not-enabled", title, (place,), commands=one.fix)


def narrow_nodes(case: Case) -> Answers:
    """A guest that failed, and that all fitting hosts can only take on some NUMA nodes."""
    server = case.seen.server
    if server is None or not server.has_failed:
        return
    found = [judge_host(desk) for desk in desks(case) if isinstance(desk, Desk)]
    fitting = [each for each in found if each.reach is Reach.FITS]
    if fitting and all(each.nodes is not None for each in fitting):
        nodes = [(each.host.name, ", ".join(map(str, each.nodes or ()))) for each in fitting]
        lines = [Evidence(name, f"the policy leaves NUMA node {which}") for name, which in nodes]
        title = "The NUMA policy leaves some nodes alone, and the guest found no room there"
        yield stops("numa-policy-no-host", title, lines, confidence=0.5)


def sleeping_hosts(case: Case) -> Answers:
    """A guest that failed, and hosts that are disabled or down: they may be those with the devices."""
    server, found = case.seen.server, case.seen.services
    if server is None or not server.has_failed or isinstance(found, Unknown) or case.given.hosts:
        return
    asleep = tuple(each for each in found if not each.takes_guests)
    if asleep and "No valid host" in " ".join(case.words.values()) and _is_told_by_placement(case):
        yield stops(
            "compute-service-down",
            f"{len(asleep)} of {len(found)} hosts take no guests; they may be those with the devices",
            [Evidence(f"nova-compute on {each.host}", _state(each)) for each in asleep],
            confidence=0.5,
        )


def _is_told_by_placement(case: Case) -> bool:
    """Claims that Placement has room, or cannot be asked: then it is not what stopped the guest."""
    found = case.seen.candidates
    return isinstance(found, Unknown) or bool(found.hosts)


_MANAGER = "nova/scheduler/host_manager.py"
RULES = (
    Rule(Step.SCHEDULER, "nova/scheduler/filters/compute_filter.py, request_filter.py", services),
    Rule(Step.SCHEDULER, "nova/scheduler/filters/pci_passthrough_filter.py, nova/pci/stats.py", devices),
    Rule(Step.SCHEDULER, f"{_MANAGER}: _choose_host_filters()", filters),
    Rule(Step.SCHEDULER, "nova/pci/stats.py: _filter_pools_for_numa_cells()", narrow_nodes),
    Rule(Step.SCHEDULER, "nova/scheduler/filters/compute_filter.py", sleeping_hosts),
)
