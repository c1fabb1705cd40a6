"""Consumers of Placement that are not there, or are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gpucloud.cloud.openstack.audit.case import Case
from gpucloud.cloud.openstack.audit.disagreement import (
    Blocked,
    Disagreement,
    Release,
    Remedy,
)
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.cloud.openstack.audit.observed import Migration, Nova, Provider, Server
from gpucloud.model.finding import Evidence
from gpucloud.model.unknown import Unknown

_MOST_SHOWN = 6
_ASIDE = "SHELVED_OFFLOADED"


@dataclass(frozen=True)
class Holdings:
    """All that consumers have, and whose it is.

    Args:
        case: the facts.
        nova: what nova-api tells, of which servers and hosts are known.
        servers: of it.
        roots: uuid of a host's provider to the name of its nova-compute.
    """

    case: Case
    nova: Nova
    servers: Mapping[str, Server]
    roots: Mapping[str, str]

    @cached_property
    def of(self) -> Mapping[str, tuple[Provider, ...]]:
        """Consumer to the providers that it has something of."""
        found: dict[str, list[Provider]] = {}
        for provider in self.case.providers:
            for consumer in provider.held:
                found.setdefault(consumer, []).append(provider)
        return {consumer: tuple(has) for consumer, has in found.items()}

    @cached_property
    def migrations(self) -> Mapping[str, Migration]:
        """By their own uuid; one that any source calls under way is."""
        told = {each.uuid: each for each in self.case.migrations() if each.uuid is not None}
        return told | {each.uuid: each for each in self.case.migrations() if each.is_under_way and each.uuid}

    def may_be_in(self, guest: str, trees: Iterable[str]) -> bool:
        """Whether a guest is there and may be on a host of these trees."""
        server = self.servers.get(guest)
        if server is None:
            return self.case.instance(guest) is not None
        home = self.home(server)
        return home is None or home in trees or server.task is not None

    def home(self, server: Server) -> str | None:
        """Root of the host that a server is on; None where that is not known, or sources disagree."""
        instance = self.case.instance(server.uuid)
        if instance is not None and instance.host != server.host:
            return None
        hypervisors = () if isinstance(self.nova.hypervisors, Unknown) else self.nova.hypervisors
        on = [each for each in hypervisors if each.host == server.host]
        named = [each for each in on if each.name == server.node] or on
        return named[0].uuid if len(named) == 1 else None


def holdings_of(case: Case) -> Holdings | Unknown:
    """What is needed to judge consumers; why it is not known."""
    nova = case.seen.nova
    if isinstance(nova, Unknown):
        return nova
    for fact in (nova.servers, nova.hypervisors, nova.migrations):
        if isinstance(fact, Unknown):
            return fact
    if isinstance(nova.servers, Unknown) or isinstance(nova.hypervisors, Unknown):
        return Unknown("nova-api was not asked")
    roots = {each.uuid: each.host for each in nova.hypervisors}
    return Holdings(case, nova, nova.servers, roots)


def judge_consumers(held: Holdings) -> Iterator[Disagreement]:
    """Those that are no guest and no migration under way, and guests that are elsewhere."""
    case = held.case
    for consumer, providers in sorted(held.of.items()):
        if all(each.is_root for each in providers):
            continue  # no device: nova-manage placement audit looks at those
        server = held.servers.get(consumer)
        if server is not None:
            yield from _of_server(held, server, providers)
            continue
        migration = held.migrations.get(consumer)
        guest = consumer if migration is None else migration.instance
        if held.case.instance(consumer) is not None or guest in held.case.moving:
            continue
        if migration is not None:
            yield _of_migration(held, migration, consumer, providers)
            continue
        host = held.roots.get(providers[0].root)
        title = f"{consumer} is no guest and no migration, and holds devices of {host or 'a lost host'}"
        said = Evidence(f"nova-api, server {consumer}", "not there")
        evidence = (*_told(providers, consumer), said, case.tell_guest(consumer))
        remedy = _of_nobody(held, consumer, providers)
        yield Disagreement(Kinds.GONE_CONSUMER.value, host, title, evidence, remedy)


def _of_nobody(held: Holdings, consumer: str, providers: tuple[Provider, ...]) -> Release | Blocked:
    """A consumer that nova-api does not tell of.

    nova-api leaves out the hosts and migrations of a cell that is down (``compute/multi_cell_list.py``), and
    Placement serves others than nova.
    """
    case = held.case
    if case.was_guest(consumer):
        return Release(consumer)
    if any(each.root not in held.roots and each.root not in case.deleted_roots for each in providers):
        return Blocked(
            "nova-api lists no host of what it holds: its cell may be down, and this a migration of it",
            "bring all cells up, then audit again: nova-manage cell_v2 list_cells",
        )
    return Release(consumer, doubt="nova has no record of it: it may be of another service, or of a cell")


def _of_migration(
    held: Holdings, migration: Migration, consumer: str, providers: tuple[Provider, ...]
) -> Disagreement:
    """One that has ended; what it holds may be all that is held for its guest, which never went away."""
    guest, host = migration.instance, held.roots.get(providers[0].root)
    status = "deleted" if migration.is_deleted else migration.status
    title = f"migration {consumer} of guest {guest} is {status}, and holds devices"
    said = Evidence(f"migration {consumer}", f"{status}, of guest {guest}")
    remedy: Release | Blocked = Release(consumer)
    trees = {each.root for each in providers}
    own = {each.root for each in held.of.get(guest, ()) if not each.is_root}
    if held.may_be_in(guest, trees) and not trees <= own:
        why = f"guest {held.case.known_as(guest)} may be there, and holds nothing of that host itself"
        remedy = Blocked(why, "nova-manage placement heal_allocations gives it what it has; then audit again")
    kind = Kinds.ENDED_MIGRATION.value
    return Disagreement(kind, host, title, (*_told(providers, consumer), said), remedy)


def _of_server(held: Holdings, server: Server, providers: tuple[Provider, ...]) -> Iterator[Disagreement]:
    home = held.home(server)
    is_moving = server.task is not None or server.uuid in held.case.moving
    if is_moving or server.status in ("VERIFY_RESIZE", "RESIZE", "MIGRATING", "REVERT_RESIZE"):
        return
    if held.case.is_nowhere(server):
        yield from _of_nowhere(held, server, providers)
    if home is None:
        return
    trees = {each.root for each in providers}
    for tree in sorted((trees - {home}) & held.roots.keys()):
        there, host = tuple(each for each in providers if each.root == tree), held.roots[tree]
        if all(each.is_root for each in there):
            continue
        name = f"{server.name} ({server.uuid})"
        title = f"guest {name} is on {server.host} and still holds devices of {host}"
        said = Evidence(f"nova-api, server {server.uuid}", f"{server.status} on {server.host}")
        remedy: Remedy | Blocked = Release(server.uuid, tree)
        if home not in trees:
            why = f"it holds nothing of {server.host}, where it is: without this it would hold nothing at all"
            remedy = Blocked(
                why, "nova-manage placement heal_allocations gives it what it has; then audit again"
            )
        kind = Kinds.OTHER_HOST.value
        yield Disagreement(kind, host, title, (*_told(there, server.uuid), said), remedy)


def _of_nowhere(held: Holdings, server: Server, providers: tuple[Provider, ...]) -> Iterator[Disagreement]:
    """A guest on no host: nova may build it again, and only its end frees what it holds."""
    there = tuple(each for each in providers if not each.is_root)
    hosts = sorted({held.roots.get(each.root, "a lost host") for each in there})
    name = f"{server.name} ({server.uuid})"
    title = f"guest {name} is {server.status} on no host, and holds devices of {', '.join(hosts)}"
    said = Evidence(f"nova-api, server {server.uuid}", f"{server.status} on no host")
    back = "unshelve or delete it" if server.status == _ASIDE else "delete it"
    remedy = Blocked("nova may still build it with what it holds", f"{back}; then audit again")
    host = hosts[0] if len(hosts) == 1 and there[0].root in held.roots else None
    yield Disagreement(Kinds.NO_HOST.value, host, title, (*_told(there, server.uuid), said), remedy)


def _told(providers: tuple[Provider, ...], consumer: str) -> tuple[Evidence, ...]:
    """What a consumer holds, provider by provider."""
    shown = []
    for each in providers[:_MOST_SHOWN]:
        has = ", ".join(f"{name} {amount}" for name, amount in sorted(each.held[consumer].items()))
        shown.append(Evidence(f"provider {each.name}", f"consumer {consumer}: {has}"))
    return tuple(shown)
