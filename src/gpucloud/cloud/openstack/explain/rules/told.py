"""Hosts that are left out for where a server's maker told nova to put it: scheduler hints, a forced host.

Hints count where their filter is in the scheduler's list, which has them not of itself. A forced host
(``availability_zone=ZONE:HOST:NODE``) stands in no API: nova keeps it in the request spec of its database;
that of ``--host`` (2.74) it keeps nowhere (nova/objects/request_spec.py, ``_get_update_primitives``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.rules.standing import Hosts, allowed
from gpucloud.cloud.openstack.explain.seen import Hints
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence, Finding
from gpucloud.model.unknown import Unknown

_FILTERS = {
    "same_host": "SameHostFilter",
    "different_host": "DifferentHostFilter",
    "build_near_host_ip": "SimpleCIDRAffinityFilter",
    "query": "JsonFilter",
}
"""Hint to the filter that reads it (nova/scheduler/filters/affinity_filter.py, json_filter.py)."""
_BLIND, _CAUSE = "filter-not-enabled", "no-room-on-hosts"
_SHOWN = 8
_LISTED = re.compile(r'\\?"(force_hosts|force_nodes)\\?":[ ]?(?:null|\[([^\]\n]{0,400})\])', re.ASCII)
_NAME = re.compile(r'\\?"([A-Za-z0-9_.:-]{1,255})\\?"', re.ASCII)
_NO_SUCH = re.compile(r"No such host - host: (\S{1,255}) node: (\S{1,255})", re.ASCII)
"""nova/scheduler/utils.py, resources_from_request_spec()."""


@dataclass(frozen=True, slots=True)
class Forced:
    """The host that alone was asked for; empty where a request spec says that none was.

    Args:
        line: what says so.
    """

    hosts: frozenset[str]
    nodes: frozenset[str]
    line: Evidence

    @property
    def text(self) -> str:
        return ", ".join(sorted(self.hosts | self.nodes))


def parse_forced(words: Mapping[str, str], server: str) -> Forced | None:
    """The forced host that texts name, by where each is from; None where none of them tells.

    A request spec counts only where it names the server: a file may have those of others, too.
    """
    for where, text in words.items():
        if (said := _NO_SUCH.search(text)) is not None:
            host, node = (frozenset({one} - {"None"}) for one in said.groups())
            return Forced(host, node, Evidence(where, said.group()))
        specs = [each for each in text.splitlines() if server in each and "force_hosts" in each]
        for line in specs or ([text] if server in text and "force_hosts" in text else []):
            lists = {key: frozenset(_NAME.findall(names or "")) for key, names in _LISTED.findall(line)}
            if "force_hosts" in lists:
                hosts, nodes = lists["force_hosts"], lists.get("force_nodes", frozenset())
                shown = f"force_hosts {sorted(hosts)}, force_nodes {sorted(nodes)}"
                return Forced(hosts, nodes, Evidence(f"request spec in {where}", shown))
    return None


def hints(case: Case) -> Answers:
    """Hints that name other servers, beside whom a server is to be or not to be."""
    found = case.seen.hints
    if isinstance(found, Unknown):
        yield Blind(_BLIND, "the server's scheduler hints", found.why)
    elif found is not None:
        for hint in _FILTERS.keys() & found.said.keys():
            if _counts(case, hint):
                yield from _judged(case, found, hint)


def _judged(case: Case, found: Hints, hint: str) -> Answers:
    if hint not in ("same_host", "different_host"):
        what = f"the hosts that the hint {hint}={', '.join(found.said[hint])} leaves"
        yield Blind(_BLIND, what, f"{_FILTERS[hint]} of the scheduler alone judges it")
    elif isinstance(found.hosts, Unknown):
        yield Blind(_BLIND, f"the hosts of the servers that the hint {hint} names", found.hosts.why)
    else:
        named = {one: found.hosts.get(one) for one in found.said[hint]}
        left, there = allowed(case), {host for host in named.values() if host is not None}
        if left and not (left & there if hint == "same_host" else left - there):
            yield _hinted(case, hint, named, left)


def _hinted(case: Case, hint: str, named: Mapping[str, str | None], left: Hosts) -> Finding:
    could = ", ".join(sorted(left)[:_SHOWN])
    there = ", ".join(sorted({host for host in named.values() if host is not None})[:_SHOWN])
    if hint == "same_host":
        on = f"are on {there}" if there else "are on no host"
        title = f"The servers of the hint same_host {on}, and only {could} could take the server"
    else:
        title = f"The hint different_host leaves no host: servers that it names are on each of {could}"
    lines = [Evidence(f"{hint} {one}", host or "on no host") for one, host in named.items()]
    sure = 0.6 if case.given.scheduler is None else 0.9
    why = f"The hint holds for every host that the scheduler takes, where {_FILTERS[hint]} is in its list."
    fix = "Make the server again without the hint, or free a host that it leaves"
    return stops(_CAUSE, title, lines[:_SHOWN], confidence=sure, why=why, fix=fix)


def _counts(case: Case, hint: str) -> bool:
    """Claims that the scheduler may read it: nova's own list has none of these filters."""
    scheduler = case.given.scheduler
    return scheduler is None or _FILTERS[hint] in (scheduler.filters or ())


def forced(case: Case) -> Answers:
    """The one host that was asked for, as far as a text shows it."""
    server = case.seen.server
    if server is None or server.runs or server.refused is not None:  # a move forgets it
        return
    found = parse_forced(case.words, server.id)
    if found is None:
        why = (
            "no API tells it: give what request_specs.spec of the database nova_api has for instance_uuid "
            f"{server.id} with --evidence (it has that of availability_zone=ZONE:HOST, none of --host)"
        )
        yield Blind(_BLIND, "whether one host alone was asked for", why)
    elif (found.hosts or found.nodes) and not isinstance(case.seen.services, Unknown):
        named = _named(case, found)
        if not named or (allowed(case) and not allowed(case) & named):
            yield _bound(case, found, named)


def _named(case: Case, found: Forced) -> Hosts:
    """Hosts of nova-compute that it means: names of hosts in any case, of nodes as they are."""
    services = () if isinstance(case.seen.services, Unknown) else case.seen.services
    hypervisors = () if isinstance(case.seen.hypervisors, Unknown) else case.seen.hypervisors
    lowered = {each.lower() for each in found.hosts}
    hosts = frozenset(each.host for each in services if not lowered or each.host.lower() in lowered)
    if not found.nodes or not hypervisors:
        return hosts
    return hosts & {each.host for each in hypervisors if each.name in found.nodes}


def _bound(case: Case, found: Forced, named: Hosts) -> Finding:
    left = ", ".join(sorted(allowed(case))[:_SHOWN])
    if named:
        title = f"The server was asked for on {found.text} alone, which cannot take it"
        title += f"; {left} could" if left else ""
    else:
        title = f"The server was asked for on {found.text} alone, and no nova-compute has that name"
    lines = (found.line, *_states(case, named))
    why = "Nova looks at the one host that was asked for, and at no other."
    fix = "Make the server again on another host, or without one"
    return stops(_CAUSE, title, lines, confidence=0.95, why=why, fix=fix)


def _states(case: Case, named: Hosts) -> Iterator[Evidence]:
    for each in () if isinstance(case.seen.services, Unknown) else case.seen.services:
        if each.host in named:
            state = "takes guests" if each.takes_guests else "disabled or down"
            yield Evidence(f"nova-compute on {each.host}", f"zone {each.zone or 'not told'}, {state}")


RULES = (
    Rule(Step.SCHEDULER, "nova/scheduler/host_manager.py: get_filtered_hosts()", forced),
    Rule(Step.SCHEDULER, "nova/scheduler/filters/affinity_filter.py", hints),
)
