"""A cloud looked at: a server or flavor, and its way through nova. What may not be read is `Unknown`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.explain import answers
from gpucloud.cloud.openstack.explain.hints import hints_of
from gpucloud.cloud.openstack.explain.owner import classes_of, project_named, project_of
from gpucloud.cloud.openstack.explain.request import Request, parts_of, query_of, requests_of
from gpucloud.cloud.openstack.explain.seen import (
    Candidates,
    Classes,
    Holder,
    Inventory,
    Project,
    Seen,
    Server,
)
from gpucloud.cloud.openstack.explain.standing import group_of, zone_of, zones_of
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.pages import Send, pages
from gpucloud.cloud.openstack.publish.answers import (
    HasFlavor,
    aggregate_of,
    entries,
    entry,
    flavor_of,
    image_of,
)
from gpucloud.cloud.openstack.publish.offer import Aggregate, Flavor
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown
from gpucloud.nova.match.placement import Ask

T = TypeVar("T")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_PLACEMENT = "1.29"
"""Candidates name the root of each provider: Rocky, as nova 18 has it."""
_ACTIONS = 3
_LOOK_FOR_A_HOST = frozenset(("create", "unshelve", "resize", "migrate", "live-migration", "evacuate"))
"""Of nova/compute/instance_actions.py those that ask the scheduler."""
_PROVIDERS = 200
_NOT_UNDERSTOOD, _GONE = 400, 404


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked about: a flavor, or a server with its own."""

    name: str
    flavor: Flavor
    flavor_name: str
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at one cloud; changes nothing.

    Args:
        send: sends a request and gives its answer.
        place: of keystone's limits of nova.
        own_project: id of the project that is asked as; None for a token of none.
        named_project: id or name of the project that a flavor is asked about for; None: one's own.
    """

    send: Send
    place: Callable[[], Place]
    own_project: Callable[[], str | None]
    named_project: str | None = None

    def find(self, name: str) -> Subject:
        """The server or flavor of that name or id.

        Raises:
            Failure: there is none, or several; a project was named for a server; nova does not answer.
        """
        found = self._find(name)
        if found.server is not None and self.named_project is not None:
            what = f"{name} is a server, which is of its own project"
            raise Failure(what, "name a flavor, or leave --project out", code=Exit.USAGE)
        return found

    def _find(self, name: str) -> Subject:
        flavors = self._flavors()
        servers = self._servers(name)
        found = [Subject(name, each.flavor, each.flavor_name, each) for each in servers]
        found += [Subject(name, each.flavor, each.name) for each in flavors if name in (each.id, each.name)]
        if len(found) == 1:
            return found[0]
        if not found:
            near = get_close_matches(name, [each.name for each in flavors], n=1, cutoff=0.6)
            hint = f"; is it the flavor {near[0]}?" if near else ""
            then = "openstack server list and openstack flavor list show what there is"
            raise Failure(f"no server or flavor is called {name}{hint}", then, code=Exit.USAGE)
        names = ", ".join(one.server.id if one.server else f"flavor {one.flavor_name}" for one in found[:5])
        raise Failure(f"{len(found)} are called {name}: {names}", "give an id", code=Exit.USAGE)

    def look(self, subject: Subject, devices: Sequence[Ask]) -> Seen:
        """All that can be read of its way.

        Args:
            subject: what was found.
            devices: what its PCI devices ask Placement for, where nova asks that.

        Raises:
            Failure: the project that was named is not there, or cannot be looked up.
        """
        server = subject.server
        own = _known(self.own_project)
        project = self._project(server, own)
        if server is not None:
            said, refused = self._actions(server)
            server = replace(server, said={**server.said, **said}, refused=refused)
        image = _known(lambda: self._image(server))
        waits = None if server is None or server.runs else server
        return Seen(
            subject.name,
            subject.flavor,
            subject.flavor_name,
            server,
            image,
            _known(lambda: self._limits(project, own)),
            _known(lambda: tuple(map(answers.service_of, self._services()))),
            _known(lambda: tuple(map(answers.hypervisor_of, self._hypervisors()))),
            _known(self._aggregates),
            _known(lambda: self._candidates(_placed(subject), image, devices)),
            _known(lambda: self._holders(server)),
            project,
            _known(lambda: self._classes(project, own)) if server is None else Classes(),
            None if waits is None else zone_of(self.send, waits),
            None if waits is None else _known(lambda: zones_of(self.send)),
            None if waits is None else _known(lambda: group_of(self.send, waits)),
            None if waits is None else _known(lambda: hints_of(self.send, waits)),
        )

    def _project(self, server: Server | None, own: str | None | Unknown) -> Project | Unknown:
        """The server's; else the one that was named; else one's own."""
        if self.named_project is not None:
            return project_named(self.send, self.named_project)
        key = own if server is None else server.project
        if isinstance(key, Unknown):
            return key
        return project_of(self.send, key) if key else Unknown("the token is of no project")

    def _limits(self, project: Project | Unknown, own: str | None | Unknown) -> Mapping[str, int]:
        """Nova's; of another project it tells administrators (nova/api/openstack/compute/limits.py)."""
        key = own if isinstance(project, Unknown) else project.id
        asked = "" if key == own else f"?tenant_id={quote(str(key), safe='')}"
        return answers.limits_of(self._get("compute", f"/limits{asked}"))

    def _classes(self, project: Project | Unknown, own: str | None | Unknown) -> Classes | Unknown:
        if isinstance(project, Unknown):
            return project
        return classes_of(self.send, self.place(), project, is_own=project.id == own)

    def _get(self, service: str, path: str) -> Any:
        version = _PLACEMENT if service == "placement" else None
        return self.send(Call(service, "GET", path, microversion=version))

    def _flavors(self) -> list[HasFlavor]:
        path = "/flavors/detail?is_public=None"
        return [flavor_of(each) for each in pages(self.send, "compute", path, "flavors", "flavors_links")]

    def _servers(self, name: str) -> list[Server]:
        """By id; else the project's own of that name, else, where that is allowed, those of any project."""
        if _UUID.fullmatch(name):
            try:
                answer = self._get("compute", f"/servers/{name}")
            except Refusal as refusal:
                if refusal.status != _GONE:
                    raise
                return []
            return [answers.server_of(entry(answer, "server", dict, "server"))]
        path = f"/servers/detail?name={quote(f'^{re.escape(name)}$', safe='')}"
        own = self._listed(path, name)
        everybodys = own or _known(lambda: self._listed(f"{path}&all_tenants=1", name))
        return [] if isinstance(everybodys, Unknown) else everybodys

    def _listed(self, path: str, name: str) -> list[Server]:
        found = pages(self.send, "compute", path, "servers", "servers_links")
        return [each for each in map(answers.server_of, found) if each.name == name]

    def _actions(self, server: Server) -> tuple[Mapping[str, str], str | None]:
        """What failed of the newest actions, and the last that looks for a host, if that failed.

        Why where that may not be read is no word of nova's.
        """
        path = f"/servers/{quote(server.id, safe='')}/os-instance-actions"
        found = _known(lambda: entries(self._get("compute", path), "instanceActions", "actions"))
        said: dict[str, str] = {}
        looked: list[str] = []
        for action in () if isinstance(found, Unknown) else found[:_ACTIONS]:
            name = entry(action, "action", str, "actions")
            request = quote(entry(action, "request_id", str, "actions"), safe="")
            whole = _known(lambda key=request: self._get("compute", f"{path}/{key}"))  # type: ignore[misc]
            if not isinstance(whole, Unknown):
                words = answers.events_of(entry(whole, "instanceAction", dict, "actions"))
                looked += [words and name] if name in _LOOK_FOR_A_HOST else []
                said.setdefault(f"action {name}", words)
        return {where: words for where, words in said.items() if words}, next(iter(looked), "") or None

    def _image(self, server: Server | None) -> Mapping[str, str]:
        if server is None or server.image is None:
            return {}
        _, _, properties, _ = image_of(self._get("image", f"/images/{quote(server.image, safe='')}"))
        return properties

    def _services(self) -> list[Any]:
        return entries(self._get("compute", "/os-services?binary=nova-compute"), "services", "services")

    def _hypervisors(self) -> list[Any]:
        path = "/os-hypervisors/detail"
        return list(pages(self.send, "compute", path, "hypervisors", "hypervisors_links"))

    def _aggregates(self) -> tuple[Aggregate, ...]:
        items = entries(self._get("compute", "/os-aggregates"), "aggregates", "aggregates")
        return tuple(aggregate for _, _, aggregate, _ in map(aggregate_of, items))

    def _holders(self, server: Server | None) -> tuple[Holder, ...]:
        path = "/servers/detail?all_tenants=1"
        items = pages(self.send, "compute", path, "servers", "servers_links")
        others = (each for each in items if server is None or each.get("id") != server.id)
        return tuple(each for each in map(answers.holder_of, others) if each is not None)

    def _candidates(
        self, flavor: Flavor, image: Mapping[str, str] | Unknown, devices: Sequence[Ask]
    ) -> Candidates:
        policy = flavor.extra_specs.get("group_policy")
        properties = {} if isinstance(image, Unknown) else image
        request: Request = {}
        for request in requests_of(flavor, properties, devices):
            try:
                hosts = self._room(query_of(request, policy))
            except Refusal as refusal:
                if refusal.status != _NOT_UNDERSTOOD:
                    raise
                return Candidates(refusal=refusal.said)
            if hosts:
                return Candidates(hosts)
        parts = {name: self._room(query) for name, query in parts_of(request)}
        lacking = [name.partition(":")[0] for name, hosts in parts.items() if not hosts and ":" in name]
        return Candidates(parts=parts, inventories=self._inventories(lacking) if lacking else {})

    def _room(self, query: str) -> frozenset[str]:
        return answers.roots_of(self._get("placement", f"/allocation_candidates?{query}&limit=1000"))

    def _inventories(self, classes: Sequence[str]) -> dict[str, tuple[Inventory, ...] | Unknown]:
        """What all providers have of these classes; of very many it is not asked."""
        providers = entries(self._get("placement", "/resource_providers"), "resource_providers", "providers")
        if len(providers) > _PROVIDERS:
            why = f"{len(providers)} providers are more than are asked one by one"
            return dict.fromkeys(classes, Unknown(why))
        found: dict[str, list[Inventory]] = {name: [] for name in classes}
        for provider in providers:
            own = f"/resource_providers/{quote(entry(provider, 'uuid', str, 'providers'), safe='')}"
            has = entry(self._get("placement", f"{own}/inventories"), "inventories", dict, "inventories")
            if not found.keys() & has.keys():
                continue
            used = entry(self._get("placement", f"{own}/usages"), "usages", dict, "usages")
            for name in found.keys() & has.keys():
                title = entry(provider, "name", str, "providers")
                found[name].append(answers.inventory_of(title, has[name], int(used.get(name) or 0)))
        return {name: tuple(each) for name, each in found.items()}


def _placed(subject: Subject) -> Flavor:
    """The flavor as Placement is asked for it: a server of a volume needs no disk of its host."""
    is_of_volume = subject.server is not None and subject.server.image is None
    return replace(subject.flavor, disk_gib=0) if is_of_volume else subject.flavor


def _known(read: Callable[[], T]) -> T | Unknown:
    """What is read; where it is refused or fails, why."""
    try:
        return read()
    except Failure as failure:
        return Unknown(failure.what)
