"""That cloud with what a request meets on its way: faults, services, limits, and a Placement.

Sources: docs.openstack.org/api-ref/compute (servers, os-instance-actions, limits, os-services); /placement
(allocation_candidates at 1.29, resource_providers); shapes as nova 31 and placement 13 print them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cloud.openstack.api_state import Answer, CloudState, need

DEVSTACK_DETAILS = (
    "Traceback (most recent call last):\n"
    '  File "nova/conductor/manager.py", line 1705, in schedule_and_build_instances\n'
    "    host_lists = self._schedule_instances(context, request_specs[0],\n"
    "nova.exception_Remote.NoValidHost_Remote: No valid host was found. "
    "There are not enough hosts available.\n"
)
NO_HOST = {
    "code": 500,
    "message": "No valid host was found. There are not enough hosts available.",
    "details": DEVSTACK_DETAILS,
    "created": "2026-11-22T10:00:00Z",
}


@dataclass
class Provider:
    """A provider: classes to total and used."""

    uuid: str
    root: str
    stock: dict[str, tuple[int, int]]
    traits: frozenset[str] = frozenset()


@dataclass
class WayState(CloudState):
    """Two hosts, one flavor with a GPU, and a project with room."""

    newest: tuple[int, int] = (2, 100)
    guests: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    absolute: dict[str, int] = field(default_factory=dict)
    providers: list[Provider] = field(default_factory=list)
    absolutes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Limits of other projects than one's own."""
    usages: dict[str, dict[str, int]] = field(default_factory=dict)
    """What Placement counts of each project."""
    groups: list[dict[str, Any]] = field(default_factory=list)
    """Server groups (2.64)."""
    pinned: dict[str, str | None] = field(default_factory=dict)
    """Servers to the zones that nova bound them to, which it shows from 2.96 on."""
    hints: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Servers to their scheduler hints, which nova shows from 2.100 on."""

    def guest(self, key: str, name: str, flavor: str, *, status: str = "ERROR", **more: Any) -> None:
        of = self.flavors[flavor]
        shown = {each: of[each] for each in ("vcpus", "ram", "disk", "extra_specs")}
        self.guests[key] = {
            "id": key,
            "name": name,
            "status": status,
            "tenant_id": "p",
            "image": "",
            "metadata": {},
            "OS-EXT-SRV-ATTR:host": None,
            "flavor": {"original_name": of["name"], **shown},
            **more,
        }

    def failing(self, key: str, action: str, traceback: str) -> None:
        """An event of an action that ended in an error, as administrators see it."""
        event = {"event": "compute__do_build_and_run_instance", "result": "Error", "traceback": traceback}
        self.actions[key] = [{"request_id": "req-1", "action": action, "message": "Error", "events": [event]}]

    def _route(  # noqa: C901 - one case for each path
        self, service: str, method: str, target: str, body: Any, headers: dict[str, str]
    ) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        match service, parts:
            case "compute", ["flavors", "detail"]:
                return self._list_flavors(query)
            case "compute", ["servers", "detail"]:
                return self._find(query)
            case "compute", ["servers", key]:
                need(key in self.guests, 404, f"Instance {key} could not be found.")
                return 200, {"server": self._shown(key, headers)}
            case "compute", ["servers", key, "os-instance-actions"]:
                shown = [
                    {k: v for k, v in each.items() if k != "events"} for each in self.actions.get(key, [])
                ]
                return 200, {"instanceActions": shown}
            case "compute", ["servers", key, "os-instance-actions", _]:
                return 200, {"instanceAction": self.actions[key][0]}
            case "compute", ["limits"]:
                return self._absolute(query)
            case "compute", ["os-server-groups"]:
                return self._groups(query)
            case "compute", ["os-availability-zone"]:
                return self._zones()
            case "identity", ["projects", key]:
                need(key in self.projects, 404, f"Could not find project: {key}.")
                return 200, {"project": {"id": key, "name": self.projects[key]}}
            case "placement", ["usages"]:
                need(self.is_admin, 403, "placement:usages is not allowed for this user")
                return 200, {"usages": self.usages.get(query["project_id"], {})}
            case "compute", ["os-services"]:
                need(
                    self.is_admin,
                    403,
                    "Policy doesn't allow os_compute_api:os-services:list to be performed.",
                )
                return 200, {"services": list(self.services.values())}
            case "placement", ["allocation_candidates"]:
                return self._candidates(url.query, headers)
            case "placement", ["resource_providers"]:
                return 200, {"resource_providers": [{"uuid": p.uuid, "name": p.uuid} for p in self.providers]}
            case "placement", ["resource_providers", key, ("inventories" | "usages") as what]:
                return self._stock(key, what)
        return super()._route(service, method, target, body, headers)

    def _shown(self, key: str, headers: dict[str, str]) -> dict[str, Any]:
        """A server; users without rights are not told where it is."""
        shown = dict(self.guests[key])
        if not self.is_admin:
            shown.pop("OS-EXT-SRV-ATTR:host", None)
        if headers.get("openstack-api-version") == "compute 2.96":
            self._microversion(headers)
            shown |= {"pinned_availability_zone": self.pinned[key]} if key in self.pinned else {}
        if headers.get("openstack-api-version") == "compute 2.100":
            self._microversion(headers)
            shown["scheduler_hints"] = self.hints.get(key, {})
        return shown

    def _absolute(self, query: dict[str, str]) -> Answer:
        project = query.get("tenant_id")
        if project is None:
            return 200, {"limits": {"rate": [], "absolute": self.absolute}}
        need(self.is_admin, 403, "Policy doesn't allow os_compute_api:limits:other_project to be performed.")
        return 200, {"limits": {"rate": [], "absolute": self.absolutes[project]}}

    def _zones(self) -> Answer:
        """Available is a zone with a service that is enabled (nova/availability_zones.py)."""
        enabled = {each["zone"] for each in self.services.values() if each["status"] == "enabled"}
        names = sorted({each["zone"] for each in self.services.values()})
        shown = [{"zoneName": n, "zoneState": {"available": n in enabled}, "hosts": None} for n in names]
        return 200, {"availabilityZoneInfo": shown}

    def _groups(self, query: dict[str, str]) -> Answer:
        need(
            self.is_admin or "all_projects" not in query,
            403,
            "Policy doesn't allow os_compute_api:os-server-groups:index:all_projects to be performed.",
        )
        first = int(query["offset"])
        return 200, {"server_groups": self.groups[first : first + int(query["limit"])]}

    def _find(self, query: dict[str, str]) -> Answer:
        if "all_tenants" in query:
            need(self.is_admin, 403, "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants")
        named = query.get("name", "")
        found = [each for each in self.guests.values() if re.search(named, each["name"])]
        return self._paged("servers", found, query, "servers_links")

    def _stock(self, key: str, what: str) -> Answer:
        stock = next(each.stock for each in self.providers if each.uuid == key)
        if what == "usages":
            return 200, {"usages": {name: used for name, (_, used) in stock.items()}}
        plain = {"reserved": 0, "min_unit": 1, "step_size": 1, "allocation_ratio": 1.0}
        return 200, {"inventories": {n: {"total": t, "max_unit": t, **plain} for n, (t, _) in stock.items()}}

    def _candidates(self, text: str, headers: dict[str, str]) -> Answer:
        """Hosts whose providers together have room for each group, each numbered one by one provider."""
        need(self.is_admin, 403, "placement:allocation_candidates:list is not allowed for this user")
        need(
            headers.get("openstack-api-version") == "placement 1.29", 404, "The resource could not be found."
        )
        query = {name: values[0] for name, values in parse_qs(text).items()}
        known = {trait for each in self.providers for trait in each.traits} | self.known_traits
        groups = []
        for name, amounts in query.items():
            if name.startswith("resources"):
                wanted = {k: int(v) for k, _, v in (each.partition(":") for each in amounts.split(","))}
                traits = query.get(f"required{name.removeprefix('resources')}", "").split(",")
                unknown = {each.lstrip("!") for each in traits if each} - known
                need(
                    not unknown, 400, f"Invalid query string parameters: No such trait(s): {sorted(unknown)}"
                )
                groups.append((name != "resources", wanted, {each for each in traits if each}))
        roots = [root for root in dict.fromkeys(p.root for p in self.providers) if self._has(root, groups)]
        allocations: list[dict[str, Any]] = [
            {"allocations": {root: {"resources": {}}}, "mappings": {}} for root in roots
        ]
        summaries = {root: {"resources": {}, "traits": [], "root_provider_uuid": root} for root in roots}
        return 200, {"allocation_requests": allocations, "provider_summaries": summaries}

    def _has(self, root: str, groups: list[tuple[bool, dict[str, int], set[str]]]) -> bool:
        free = {
            p.uuid: {name: total - used for name, (total, used) in p.stock.items()}
            for p in self.providers
            if p.root == root
        }
        traits = {p.uuid: p.traits for p in self.providers}
        for is_of_one, wanted, asked in groups:
            for name, count in wanted.items():
                able = [
                    uuid
                    for uuid, has in free.items()
                    if has.get(name, 0) >= count and (not is_of_one or _suits(traits[uuid], asked))
                ]
                if not able or not _suits(frozenset().union(*(traits[each] for each in free)), asked):
                    return False
                free[able[0]][name] -= count
        return True


def _suits(traits: frozenset[str], asked: set[str]) -> bool:
    return all((each[1:] not in traits) if each.startswith("!") else each in traits for each in asked)


def way() -> WayState:
    """All is well: gpu01 has cards, cpu01 has none."""
    state = WayState(hosts=("gpu01", "cpu01"))
    for host in state.hosts:
        state.services[host] = {
            "id": f"sv-{host}",
            "binary": "nova-compute",
            "host": host,
            "zone": "nova",
            "status": "enabled",
            "state": "up",
            "disabled_reason": None,
            "forced_down": False,
        }
        state.providers.append(
            Provider(
                f"rp-{host}", f"rp-{host}", {"VCPU": (32, 0), "MEMORY_MB": (65536, 0), "DISK_GB": (500, 0)}
            )
        )
    state.absolute = {
        "maxTotalInstances": 10,
        "totalInstancesUsed": 0,
        "maxTotalCores": 20,
        "totalCoresUsed": 0,
        "maxTotalRAMSize": 51200,
        "totalRAMUsed": 0,
    }
    offer(state, "gpu.1", {"pci_passthrough:alias": "v100:1"})
    return state


def offer(state: WayState, name: str, specs: dict[str, str], *, vcpus: int = 4) -> None:
    """A flavor more."""
    state.flavors[f"id-{name}"] = {
        "id": f"id-{name}",
        "name": name,
        "vcpus": vcpus,
        "ram": 8192,
        "disk": 20,
        "os-flavor-access:is_public": True,
        "description": None,
        "extra_specs": specs,
    }
