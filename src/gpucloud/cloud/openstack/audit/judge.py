"""All that does not agree, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.cloud.openstack.audit.case import Case, Where, unread_devices
from gpucloud.cloud.openstack.audit.disagreement import Disagreement, Forget, Release
from gpucloud.cloud.openstack.audit.observed import Observed
from gpucloud.cloud.openstack.audit.rules.consumers import Holdings, holdings_of, judge_consumers
from gpucloud.cloud.openstack.audit.rules.hosts import judge_hosts
from gpucloud.cloud.openstack.audit.rules.providers import Behind, judge_providers
from gpucloud.cloud.openstack.audit.rules.relatives import judge_relatives
from gpucloud.cloud.openstack.audit.rules.rows import judge_row
from gpucloud.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Unseen:
    """A source that was not read: what of it, and why."""

    fact: str
    why: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Args:
        seen: the facts.
        found: rows first, then Placement.
        unseen: what could not be looked at.
    """

    seen: Observed
    found: tuple[Disagreement, ...]
    unseen: tuple[Unseen, ...]


def judge(seen: Observed) -> Audit:
    """Compare all sources with each other."""
    case = Case(seen)
    held = holdings_of(case)
    rows = tuple(each for each in (judge_row(case, row) for row in case.rows) if each is not None)
    forgotten = frozenset(each.remedy.row.id for each in rows if isinstance(each.remedy, Forget))
    consumers = () if isinstance(held, Unknown) else tuple(judge_consumers(held))
    remedies = [each.remedy for each in consumers]
    going = frozenset((one.consumer, one.tree) for one in remedies if isinstance(one, Release))
    providers = judge_providers(Behind(case, held, forgotten, going))
    found = (*rows, *judge_relatives(case, forgotten), *judge_hosts(case), *consumers, *providers)
    return Audit(seen, found, tuple(dict.fromkeys((*_unseen(case), *_undecided(case, held)))))


def _unseen(case: Case) -> Iterator[Unseen]:
    seen = case.seen
    if isinstance(seen.database, Unknown):
        yield Unseen("rows of pci_devices", seen.database.why)
    if isinstance(seen.providers, Unknown):
        yield Unseen("providers and allocations of Placement", seen.providers.why)
    if isinstance(seen.nova, Unknown):
        yield Unseen("servers, hosts and migrations of nova-api", seen.nova.why)
    else:
        for name in ("servers", "hypervisors", "migrations"):
            fact = getattr(seen.nova, name)
            if isinstance(fact, Unknown):
                yield Unseen(f"{name} of nova-api", fact.why)
    yield from _unseen_hosts(case)
    yield from _unjudged(case)


def _unjudged(case: Case) -> Iterator[Unseen]:
    """Guests that hold something and that nova is at work on; killed services leave that so for ever."""
    owners = {row.owner for row in case.rows if row.owner is not None and row.is_taken}
    holders = {consumer for each in case.providers if not each.is_root for consumer in each.held}
    moved = {each.uuid: each.instance for each in case.migrations() if each.uuid is not None}
    for uuid in sorted(owners | {moved.get(each, each) for each in holders}):
        work = case.work_on(uuid)
        if work is not None:
            then = "where that never ends: openstack server set --state error"
            yield Unseen(f"what guest {case.known_as(uuid)} holds", f"nova is at work on it ({work}); {then}")


def _undecided(case: Case, held: Holdings | Unknown) -> Iterator[Unseen]:
    """Guests that hold something, and of which no two sources say where they are."""
    taken = ((row.owner, case.node_of(row)) for row in case.rows if row.owner is not None and row.is_taken)
    guests = {who for who, node in taken if who and node and case.where(who, node) is Where.BUSY}
    if not isinstance(held, Unknown):
        guests |= {
            each
            for each, providers in held.of.items()
            if each in held.servers
            and not all(one.is_root for one in providers)
            and held.home(held.servers[each]) is None
            and not case.is_nowhere(held.servers[each])
        }
    for uuid in sorted(each for each in guests if case.work_on(each) is None):
        then = "what it holds is left alone until they agree, and its host is one that nova has"
        yield Unseen(f"where guest {case.known_as(uuid)} is", f"{case.disputed(uuid)}: {then}")


def _unseen_hosts(case: Case) -> Iterator[Unseen]:
    for node in case.live_nodes.values():
        host, is_asked = case.given(node), case.is_asked_for(node)
        if host is None and is_asked:
            yield Unseen(f"devices and guests of host {node.host}", case.why_not_given(node))
        elif host is None and node.id in case.by_node:
            none = f"no capture (--from {node.host}=CAPTURE) and no way to it (--host {node.host}=USER@HOST)"
            yield Unseen(f"devices and guests of host {node.host}", none)
        if host is None:
            continue
        for what in unread_devices(host.machine):
            yield Unseen(f"devices of host {node.host}", what)
        if isinstance(host.holders, Unknown):
            yield Unseen(f"guests on host {node.host}", host.holders.why)
        if isinstance(host.wanted, Unknown):
            yield Unseen(f"device_spec of host {node.host}", host.wanted.why)
