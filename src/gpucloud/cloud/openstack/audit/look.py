"""A cloud's APIs looked at: Placement's providers; nova's servers, hosts and migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from gpucloud.cloud.openstack.audit.observed import Hypervisor, Migration, Nova, Provider, Server
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.pages import Send, pages
from gpucloud.cloud.openstack.publish.answers import amounts, entries, entry
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown

T = TypeVar("T")
_Names = tuple[str, str, str, str | None]
"""Of a provider: its uuid, its name, the root of its tree, what is above it."""
_TREES = "1.18"
"""Providers are listed with their roots (1.14), and by the traits that they have: Rocky."""
_MIGRATIONS = "2.59"
"""Migrations are listed with their uuids, page by page: Queens."""
_PCI = "COMPUTE_MANAGED_PCI_DEVICE"
"""The trait of each provider that nova makes of PCI devices (nova/compute/pci_placement_translator.py)."""
_AT_A_TIME = 10
_FEW = 50
"""Guests that are asked for one by one; of more the listing is asked for."""
_PAGE, _PAGES = 1000, 100
_BAD, _GONE = 400, 404


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at one cloud.

    Args:
        send: sends a request and gives its answer; several at a time.
    """

    send: Send

    def providers(self) -> tuple[Provider, ...] | Unknown:
        """Every provider, with what it has and who has it."""
        return _known(self._providers)

    def nova(self, names: Iterable[str]) -> Nova:
        """What nova-api says of hosts, and of these servers or migrations.

        A server that is not there, and one that may not be seen, are answered alike; so where hosts or other
        projects' servers may not be listed, nothing is known of any.
        """
        wanted = sorted(set(names))
        hypervisors = _known(lambda: tuple(self._hypervisors()))
        if isinstance(hypervisors, Unknown):
            return Nova(hypervisors, hypervisors, hypervisors)
        servers = _known(lambda: self._servers(wanted))
        if isinstance(servers, Unknown) or servers.keys() >= set(wanted):
            return Nova(servers, hypervisors, () if not isinstance(servers, Unknown) else servers)
        migrations = _known(lambda: tuple(self._migrations()))
        return Nova(self._with_guests(servers, migrations, wanted), hypervisors, migrations)

    def _with_guests(
        self,
        servers: Mapping[str, Server],
        migrations: tuple[Migration, ...] | Unknown,
        wanted: Sequence[str],
    ) -> Mapping[str, Server] | Unknown:
        """Also the guests of migrations that were asked for by their own names."""
        told = () if isinstance(migrations, Unknown) else migrations
        more = {each.instance for each in told if each.uuid in wanted} - set(wanted)
        found = _known(lambda: self._servers(sorted(more))) if more else {}
        return found if isinstance(found, Unknown) else {**servers, **found}

    def _placement(self, path: str) -> Any:
        return self.send(Call("placement", "GET", path, microversion=_TREES))

    def _providers(self) -> tuple[Provider, ...]:
        listed = _listed(self._placement("/resource_providers"))
        pci = {each[0] for each in self._managed()}
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            return tuple(pool.map(lambda each: self._provider(*each, is_pci=each[0] in pci), listed))

    def _managed(self) -> Sequence[_Names]:
        try:
            return _listed(self._placement(f"/resource_providers?required={_PCI}"))
        except Refusal as refusal:
            if refusal.status != _BAD:
                raise
            return ()  # a Placement that does not know the trait has no such provider

    def _provider(self, uuid: str, name: str, root: str, parent: str | None, *, is_pci: bool) -> Provider:
        path = f"/resource_providers/{quote(uuid, safe='')}"
        held = entry(self._placement(f"{path}/allocations"), "allocations", dict, "allocations")
        stock = entry(self._placement(f"{path}/inventories"), "inventories", dict, "inventories")
        totals = {str(name): entry(of, "total", int, "inventories") for name, of in stock.items()}
        consumers = {str(who): amounts(entry(has, "resources", dict, path)) for who, has in held.items()}
        return Provider(uuid, name, root, is_pci, totals, consumers, parent)

    def _hypervisors(self) -> Iterator[Hypervisor]:
        path = "/os-hypervisors/detail"
        for each in pages(self.send, "compute", path, "hypervisors", "hypervisors_links"):
            host = entry(entry(each, "service", dict, path), "host", str, path)
            name = entry(each, "hypervisor_hostname", str, path)
            yield Hypervisor(entry(each, "id", str, path), name, host)

    def _servers(self, wanted: Sequence[str]) -> Mapping[str, Server]:
        """Those that are wanted: few by id; of many the whole listing, which lacks deferred deletes."""
        path = "/servers/detail?all_tenants=1"
        if len(wanted) > _FEW:
            listed = pages(self.send, "compute", path, "servers", "servers_links")
            found = {each.uuid: each for each in map(_server_of, listed)}
        else:
            self.send(Call("compute", "GET", f"{path}&limit=1"))
            found = {}
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            others = pool.map(self._server, [each for each in wanted if each not in found])
            found |= {each.uuid: each for each in others if each is not None}
        return {uuid: found[uuid] for uuid in wanted if uuid in found}

    def _server(self, uuid: str) -> Server | None:
        try:
            answer = self.send(Call("compute", "GET", f"/servers/{quote(uuid, safe='')}"))
        except Refusal as refusal:
            if refusal.status != _GONE:
                raise
            return None
        return _server_of(entry(answer, "server", dict, "server"))

    def _migrations(self) -> Iterator[Migration]:
        mark = ""
        for _ in range(_PAGES):
            path = f"/os-migrations?limit={_PAGE}{mark}"
            answer = self.send(Call("compute", "GET", path, microversion=_MIGRATIONS))
            found = [_migration(each) for each in entries(answer, "migrations", path)]
            yield from found
            if not found or not answer.get("migrations_links"):
                return
            mark = f"&marker={quote(found[-1].uuid or '', safe='')}"
        raise Failure("GET compute /os-migrations does not end", "look at that service")


def _listed(answer: Any) -> list[_Names]:
    what = "resource_providers"
    return [_names(each, what) for each in entries(answer, what, what)]


def _names(item: Any, what: str) -> _Names:
    root, parent = entry(item, "root_provider_uuid", str, what), _text(item.get("parent_provider_uuid"))
    return entry(item, "uuid", str, what), entry(item, "name", str, what), root, parent


def _server_of(item: Any) -> Server:
    return Server(
        entry(item, "id", str, "server"),
        _text(item.get("name")) or "",
        entry(item, "status", str, "server").upper(),
        _text(item.get("OS-EXT-SRV-ATTR:host")),
        _text(item.get("OS-EXT-SRV-ATTR:hypervisor_hostname")),
        _text(item.get("OS-EXT-STS:task_state")),
    )


def _migration(item: Any) -> Migration:
    what = "migrations"
    places = (_text(item.get("source_compute")), _text(item.get("dest_compute")))
    texts = [entry(item, name, str, what) for name in ("uuid", "instance_uuid", "status")]
    return Migration(texts[0], texts[1], texts[2], *places)


def _known(ask: Callable[[], T]) -> T | Unknown:
    """What a service answers; why not, where it refuses or cannot be reached."""
    try:
        return ask()
    except Failure as failure:
        return Unknown(str(failure))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
