"""A cloud in memory that answers as the API references say, with the checks that nova, glance, keystone and
placement make. Sources: docs.openstack.org/api-ref; nova/api/openstack/compute/{flavor_manage,flavor_access,
flavors_extraspecs,aggregates,quota_sets}.py; glance/api/v2/images.py; placement/handlers/trait.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from threading import RLock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MAX_LIMIT = 1000
KEY = re.compile(r"[a-zA-Z0-9\-_:. ]{1,255}")
SERVICE, REGION = "svc-nova", "RegionOne"
ADMIN_CALLS = re.compile(r"/(flavors|os-|servers\?all_tenants)")

Answer = tuple[int, Any]


class RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message


def need(holds: bool, status: int, message: str) -> None:
    if not holds:
        raise RefusedError(status, message)


@dataclass
class CloudState:
    """All that the services keep."""

    flavors: dict[str, dict[str, Any]] = field(default_factory=dict)
    access: dict[str, set[str]] = field(default_factory=dict)
    aggregates: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    servers: list[dict[str, str]] = field(default_factory=list)
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    default_quota: dict[str, int] = field(
        default_factory=lambda: {"instances": 10, "cores": 20, "ram": 51200}
    )
    quotas: dict[str, dict[str, int]] = field(default_factory=dict)
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    known_traits: set[str] = field(default_factory=lambda: {"HW_CPU_X86_AVX2"})
    traits: dict[str, set[str]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    is_admin: bool = True
    page: int = MAX_LIMIT
    newest: tuple[int, int] = (2, 96)
    calls: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, pattern of the path, status."""
    has_unified_limits: bool = False
    """Nova's driver: PUT of quotas is answered with 200, and does nothing."""
    own_project: str = "p"
    """Of a token that is no token of the system's."""
    shows_all_limits: bool = False
    """As keystone from 29 on; before, a project's token sees that project's limits."""
    knows_system: bool = True
    """The user has a role on the system."""
    most_listed: int | None = None
    """Keystone's list_limit."""
    orphans: frozenset[str] = frozenset()
    told_of_hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Hosts whose compute node has no service: nova passes over them after it has cut a page."""
    lock: RLock = field(default_factory=RLock)
    numbers: Any = field(default_factory=lambda: count(1))

    def answer(self, service: str, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        """One request; below the service's versioned endpoint."""
        with self.lock:
            self.calls.append((method, f"{service} {target}"))
            for wanted, pattern, status in self.faults:
                if wanted == method and re.search(pattern, target):
                    return status, {"computeFault": {"code": status, "message": "injected"}}
            try:
                return self._route(service, method, target, body, headers)
            except RefusedError as error:
                form = {"errors": [{"detail": error.message}]} if service == "placement" else None
                return error.status, form or {"refused": {"code": error.status, "message": error.message}}

    def _route(self, service: str, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if service == "compute":
            self._microversion(headers)
            if method != "GET" or ADMIN_CALLS.match(target):
                need(self.is_admin, 403, f"Policy doesn't allow os_compute_api:{parts[0]} to be performed.")
        routes: list[tuple[str, str, str, Callable[..., Answer]]] = [
            ("compute", "GET", "flavors/detail", self._list_flavors),
            ("compute", "POST", "flavors", self._make_flavor),
            ("compute", "DELETE", "flavors/*", self._delete_flavor),
            ("compute", "POST", "flavors/*/os-extra_specs", self._set_specs),
            ("compute", "DELETE", "flavors/*/os-extra_specs/*", self._drop_spec),
            ("compute", "GET", "flavors/*/os-flavor-access", self._list_access),
            ("compute", "POST", "flavors/*/action", self._change_access),
            (
                "compute",
                "GET",
                "os-aggregates",
                lambda **_: (200, {"aggregates": [*self.aggregates.values()]}),
            ),
            ("compute", "POST", "os-aggregates", self._make_aggregate),
            ("compute", "DELETE", "os-aggregates/*", self._delete_aggregate),
            ("compute", "POST", "os-aggregates/*/action", self._change_aggregate),
            ("compute", "GET", "os-hypervisors/detail", self._list_hypervisors),
            ("compute", "GET", "servers", self._list_servers),
            ("compute", "GET", "os-quota-class-sets/default", self._quota),
            ("compute", "PUT", "os-quota-class-sets/default", self._quota),
            ("compute", "GET", "os-quota-sets/*", self._quota),
            ("compute", "PUT", "os-quota-sets/*", self._quota),
            ("image", "GET", "images", self._list_images),
            ("image", "PATCH", "images/*", self._patch_image),
            ("identity", "GET", "projects", self._list_projects),
            ("identity", "GET", "*", self._list_limits),
            ("identity", "POST", "*", self._make_limits),
            ("identity", "PATCH", "*/*", self._change_limit),
            ("placement", "GET", "traits", lambda **_: (200, {"traits": sorted(self.known_traits)})),
            ("placement", "PUT", "traits/*", self._make_trait),
            ("placement", "GET", "resource_providers/*/traits", self._provider),
            ("placement", "PUT", "resource_providers/*/traits", self._set_traits),
        ]
        for owner, verb, pattern, act in routes:
            words = pattern.split("/")
            if (owner, verb, len(words)) == (service, method, len(parts)) and all(
                word in ("*", part) for word, part in zip(words, parts, strict=True)
            ):
                named = [part for word, part in zip(words, parts, strict=True) if word == "*"]
                return act(named=named, query=query, body=body, headers=headers)
        raise RefusedError(404, f"The resource could not be found: {method} {target}")

    def _microversion(self, headers: dict[str, str]) -> None:
        said = headers.get("openstack-api-version", "compute 2.1").removeprefix("compute ")
        asked = tuple(int(part) for part in said.split("."))
        need(asked <= self.newest, 406, f"Version {said} is not supported by the API.")

    # flavors

    def _list_flavors(self, query: dict[str, str], **_: Any) -> Answer:
        shown = [each for each in self.flavors.values() if query.get("is_public") == "None" or _public(each)]
        return self._paged("flavors", shown, query, "flavors_links")

    def _paged(self, key: str, shown: list[Any], query: dict[str, str], more: str) -> Answer:
        names = [each["id"] for each in shown]
        begin = names.index(query["marker"]) + 1 if "marker" in query else 0
        size = min(int(query.get("limit", self.page)), self.page)
        page = shown[begin : begin + size]
        answer: dict[str, Any] = {key: page}
        if begin + size < len(shown):
            answer[more] = [{"rel": "next", "href": "..."}] if more.endswith("links") else "/v2/images?..."
        return 200, answer

    def _make_flavor(self, body: Any, **_: Any) -> Answer:
        new = dict(body["flavor"])
        allowed = {"name", "id", "ram", "vcpus", "disk", "os-flavor-access:is_public", "description"}
        need(
            new.keys() <= allowed | {"swap", "OS-FLV-EXT-DATA:ephemeral", "rxtx_factor"},
            400,
            "Additional properties are not allowed",
        )
        need(all(isinstance(new[key], int) for key in ("ram", "vcpus", "disk")), 400, "Invalid input")
        key = new.get("id") or f"f-{next(self.numbers)}"
        taken = any(each["name"] == new["name"] or each["id"] == key for each in self.flavors.values())
        need(not taken, 409, f"Flavor with name {new['name']} already exists.")
        unsaid = {"swap": "", "rxtx_factor": 1.0, "OS-FLV-EXT-DATA:ephemeral": 0}
        self.flavors[key] = {**unsaid, **new, "id": key, "extra_specs": {}}
        self.access[key] = set()
        return 200, {"flavor": self.flavors[key]}

    def _flavor(self, key: str) -> dict[str, Any]:
        need(key in self.flavors, 404, f"Flavor {key} could not be found.")
        return self.flavors[key]

    def _delete_flavor(self, named: list[str], **_: Any) -> Answer:
        self._flavor(named[0])
        del self.flavors[named[0]]
        return 202, None

    def _set_specs(self, named: list[str], body: Any, **_: Any) -> Answer:
        specs = body["extra_specs"]
        need(bool(specs) and all(KEY.fullmatch(key) for key in specs), 400, "Invalid input for extra_specs")
        need(all(isinstance(v, str) and len(v) <= 255 for v in specs.values()), 400, "Invalid value")
        self._flavor(named[0])["extra_specs"] |= specs
        return 200, {"extra_specs": specs}

    def _drop_spec(self, named: list[str], **_: Any) -> Answer:
        specs = self._flavor(named[0])["extra_specs"]
        need(named[1] in specs, 404, f"Flavor {named[0]} has no extra specs with key {named[1]}.")
        del specs[named[1]]
        return 200, None

    def _list_access(self, named: list[str], **_: Any) -> Answer:
        need(not _public(self._flavor(named[0])), 404, "Access list not available for public flavors.")
        return 200, {"flavor_access": self._access(named[0])}

    def _access(self, key: str) -> list[dict[str, str]]:
        return [{"flavor_id": key, "tenant_id": each} for each in sorted(self.access[key])]

    def _change_access(self, named: list[str], body: Any, **_: Any) -> Answer:
        ((verb, wish),) = body.items()
        project, members = wish["tenant"], self.access[self._flavor(named[0])["id"]]
        need(project in self.projects, 400, f"Project ID {project} is not a valid project.")
        if verb == "addTenantAccess":
            need(not _public(self.flavors[named[0]]), 409, "Can not add access to a public flavor.")
            need(project not in members, 409, "Flavor access already exists")
            members.add(project)
        else:
            need(project in members, 404, "Flavor access not found")
            members.remove(project)
        return 200, {"flavor_access": self._access(named[0])}

    # aggregates, hypervisors, servers

    def _make_aggregate(self, body: Any, **_: Any) -> Answer:
        name = body["aggregate"]["name"]
        need(all(each["name"] != name for each in self.aggregates.values()), 409, f"{name} already exists.")
        number = next(self.numbers)
        zone = {"availability_zone": None, "uuid": f"a-{number}", "deleted": False}
        made = {"id": number, "name": name, "hosts": [], "metadata": {}, **zone}
        self.aggregates[str(number)] = made
        return 200, {"aggregate": {k: v for k, v in made.items() if k not in ("hosts", "metadata")}}

    def _delete_aggregate(self, named: list[str], **_: Any) -> Answer:
        need(named[0] in self.aggregates, 404, "Aggregate could not be found.")
        need(
            not self.aggregates[named[0]]["hosts"],
            400,
            "Cannot remove aggregate. Reason: Host aggregate is not empty.",
        )
        del self.aggregates[named[0]]
        return 200, None

    def _change_aggregate(self, named: list[str], body: Any, **_: Any) -> Answer:
        need(named[0] in self.aggregates, 404, "Aggregate could not be found.")
        aggregate = self.aggregates[named[0]]
        ((verb, wish),) = body.items()
        if verb == "set_metadata":
            for key, value in wish["metadata"].items():
                need(KEY.fullmatch(key) is not None, 400, "Invalid input for metadata")
                aggregate["metadata"].pop(key, None)
                if value is not None:
                    aggregate["metadata"][key] = value
            return 200, {"aggregate": aggregate}
        host, hosts = wish["host"], aggregate["hosts"]
        if verb == "add_host":
            need(host in self.hosts, 404, f"Compute host {host} could not be found.")
            need(host not in hosts, 409, f"Aggregate already has host {host}.")
            hosts.append(host)
            self._raise_generation(host)  # nova mirrors aggregates to placement
        else:
            need(host in hosts, 404, f"Cannot remove host {host} in aggregate")
            hosts.remove(host)
            self._raise_generation(host)
        return 200, {"aggregate": aggregate}

    def _raise_generation(self, host: str) -> None:
        key = f"rp-{host}"
        self.generations[key] = self.generations.get(key, 0) + 1

    def _list_hypervisors(self, query: dict[str, str], **_: Any) -> Answer:
        shown = [
            {
                "id": f"rp-{host}",
                "hypervisor_hostname": f"{host}.example",
                "service": {"host": host},
                **self.told_of_hosts.get(host, {}),
            }
            for host in self.hosts
        ]
        status, answer = self._paged("hypervisors", shown, query, "hypervisors_links")
        page = [each for each in answer["hypervisors"] if each["service"]["host"] not in self.orphans]
        links = (
            {}
            if len(page) < min(int(query.get("limit", self.page)), self.page)
            else {"hypervisors_links": [{"rel": "next", "href": "..."}]}
        )
        return status, {"hypervisors": page, **links}

    def _list_servers(self, query: dict[str, str], **_: Any) -> Answer:
        found = [each for each in self.servers if each["flavor"] == query["flavor"]]
        return 200, {"servers": [{"id": each["name"], "name": each["name"]} for each in found]}

    def _quota(self, named: list[str], body: Any, **_: Any) -> Answer:
        kind = "quota_set" if named else "quota_class_set"
        own = self.quotas.setdefault(named[0], {}) if named else self.default_quota
        if body is not None:
            need(body[kind].keys() <= self.default_quota.keys(), 400, "Additional properties are not allowed")
            if not self.has_unified_limits:
                own |= body[kind]
        return 200, {kind: {**self.default_quota, **own, "id": named[0] if named else "default"}}

    # images

    def snapshot(self, image: str, key: str) -> None:
        """A server that was made of the image kept as an image: nova copies the properties."""
        self.images[key] = {
            **self.images[image],
            "id": key,
            "name": f"snapshot {key}",
            "image_type": "snapshot",
        }

    def _list_images(self, query: dict[str, str], **_: Any) -> Answer:
        hidden = query.get("os_hidden") == "true"
        shown = [each for each in self.images.values() if each.get("os_hidden", False) == hidden]
        return self._paged("images", shown, query, "next")

    def _patch_image(self, named: list[str], body: Any, headers: dict[str, str], **_: Any) -> Answer:
        need(named[0] in self.images, 404, f"Failed to find image {named[0]}")
        need(
            headers.get("content-type") == "application/openstack-images-v2.1-json-patch", 415, "Unsupported"
        )
        image = dict(self.images[named[0]])
        for step in body:
            name = step["path"].removeprefix("/").replace("~1", "/").replace("~0", "~")
            need(name not in ("status", "id", "size", "checksum", "deleted"), 403, f"{name} is read-only.")
            need(step["op"] == "add" or name in image, 409, f"Property {name} does not exist.")
            image.pop(name, None)
            if step["op"] != "remove":
                image[name] = step["value"]
        self.images[named[0]] = image
        return 200, image

    # keystone

    def _list_projects(self, **_: Any) -> Answer:
        need(
            self.is_admin,
            403,
            "You are not authorized to perform the requested action: identity:list_projects.",
        )
        projects = [{"id": key, "name": name} for key, name in self.projects.items()]
        return 200, self._cut("projects", projects)

    def _cut(self, key: str, listed: list[Any]) -> dict[str, Any]:
        if self.most_listed is None or len(listed) <= self.most_listed:
            return {key: listed, "links": {}}
        return {key: listed[: self.most_listed], "links": {}, "truncated": True}

    def _kept(self, kind: str) -> dict[str, dict[str, Any]]:
        need(kind in ("registered_limits", "limits"), 404, "Could not find the resource")
        return self.registered if kind == "registered_limits" else self.limits

    def _list_limits(self, named: list[str], headers: dict[str, str], **_: Any) -> Answer:
        """keystone/api/limits.py: only a token of the system shows the limits of every project."""
        shown = [*self._kept(named[0]).values()]
        if named[0] == "limits" and not self.shows_all_limits and headers.get("x-auth-token") != "system":
            shown = [each for each in shown if each["project_id"] == self.own_project]
        return 200, self._cut(named[0], shown)

    def _make_limits(self, named: list[str], body: Any, **_: Any) -> Answer:
        kept = self._kept(named[0])
        for new in body[named[0]]:
            same: tuple[str, ...] = ("service_id", "region_id", "resource_name")
            if named[0] == "limits":
                found = any(all(each[k] == new.get(k) for k in same) for each in self.registered.values())
                need(found, 403, "No registered limit for the resource")
                same = (*same, "project_id")
            need(
                not any(all(each[k] == new.get(k) for k in same) for each in kept.values()),
                409,
                "Duplicate entry",
            )
            key = f"l-{next(self.numbers)}"
            kept[key] = {"domain_id": None, "project_id": None, "region_id": None, **new, "id": key}
        return 201, {named[0]: [*kept.values()]}

    def _change_limit(self, named: list[str], body: Any, **_: Any) -> Answer:
        kept = self._kept(named[0])
        need(named[1] in kept, 404, "Could not find limit")
        kept[named[1]] |= body[named[0].removesuffix("s")]
        return 200, {named[0].removesuffix("s"): kept[named[1]]}

    # placement

    def _make_trait(self, named: list[str], **_: Any) -> Answer:
        need(re.fullmatch("CUSTOM_[A-Z0-9_]+", named[0]) is not None, 400, "The trait is invalid.")
        is_new = named[0] not in self.known_traits
        self.known_traits.add(named[0])
        return (201 if is_new else 204), None

    def _provider(self, named: list[str], **_: Any) -> Answer:
        need(
            named[0].removeprefix("rp-") in self.hosts,
            404,
            f"No resource provider with uuid {named[0]} found",
        )
        traits = sorted(self.traits.get(named[0], ()))
        return 200, {"traits": traits, "resource_provider_generation": self.generations.get(named[0], 0)}

    def _set_traits(self, named: list[str], body: Any, **_: Any) -> Answer:
        now = self.generations.get(named[0], 0)
        need(
            body["resource_provider_generation"] == now,
            409,
            "Resource provider's generation already changed.",
        )
        unknown = set(body["traits"]) - self.known_traits
        need(not unknown, 400, f"No such trait {', '.join(sorted(unknown))}.")
        self.traits[named[0]] = set(body["traits"])
        self.generations[named[0]] = now + 1
        return self._provider(named=named)


def _public(flavor: dict[str, Any]) -> bool:
    return bool(flavor["os-flavor-access:is_public"])
