"""The APIs of a cloud with devices in Placement: with the checks that placement and nova make.

Sources: placement/handlers/{resource_provider,allocation,inventory,trait}.py at 1.28;
nova/api/openstack/compute/{hypervisors,migrations,servers}.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cloud.openstack.api_state import Answer, CloudState, need

MANAGED = "COMPUTE_MANAGED_PCI_DEVICE"
WHO = {"project_id": "p", "user_id": "u"}
Holdings = dict[str, dict[str, Any]]


@dataclass
class Shelf:
    """A provider."""

    name: str
    parent: str | None
    root: str
    stock: dict[str, Any] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)
    aggregates: list[str] = field(default_factory=list)
    generation: int = 0


@dataclass
class StaleState(CloudState):
    """Hosts, guests, providers, and who holds what."""

    shelves: dict[str, Shelf] = field(default_factory=dict)
    held: dict[str, Holdings] = field(default_factory=dict)
    """Consumer to provider to its resources."""
    versions: dict[str, int] = field(default_factory=dict)
    guests: dict[str, dict[str, Any]] = field(default_factory=dict)
    moves: list[dict[str, Any]] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)

    def node(self, uuid: str, host: str) -> None:
        self.nodes[uuid] = host
        self.shelves[uuid] = Shelf(host, None, uuid, {"VCPU": {"total": 8}})

    def device(self, uuid: str, root: str, address: str) -> None:
        name = f"{self.shelves[root].name}_{address.upper()}"
        self.shelves[uuid] = Shelf(name, root, root, {"CUSTOM_PCI_10DE_1DB4": {"total": 1}}, [MANAGED])

    def hold(self, consumer: str, *providers: str) -> None:
        has = {each: {"resources": {"CUSTOM_PCI_10DE_1DB4": 1}} for each in providers}
        self.held[consumer] = has
        self.versions[consumer] = 1

    def guest(self, uuid: str, host: str) -> None:
        where = {"OS-EXT-SRV-ATTR:host": host, "OS-EXT-SRV-ATTR:hypervisor_hostname": host}
        self.guests[uuid] = {"id": uuid, "name": "train", "status": "ACTIVE", **where}

    def _route(self, service: str, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        match service, method, [unquote(part) for part in url.path.strip("/").split("/")]:
            case "compute", "GET", ["os-hypervisors", "detail"]:
                need(self.is_admin, 403, "Policy doesn't allow os_compute_api:os-hypervisors:list-detail")
                return 200, {"hypervisors": [_hypervisor(*each) for each in self.nodes.items()]}
            case "compute", "GET", ["servers", "detail"]:
                return 200, {"servers": list(self.guests.values())}
            case "compute", "GET", ["servers", key]:
                need(key in self.guests, 404, f"Instance {key} could not be found.")
                return 200, {"server": self.guests[key]}
            case "compute", "GET", ["os-migrations"]:
                return 200, {"migrations": self.moves}
            case "placement", "GET", ["resource_providers"]:
                named = query.get("required")
                of = self.shelves.items()
                listed = [each for each in of if named is None or named in each[1].traits]
                return 200, {"resource_providers": [_provider(*each) for each in listed]}
            case "placement", "POST", ["resource_providers"]:
                parent = body["parent_provider_uuid"]
                need(parent is None or parent in self.shelves, 400, "parent provider does not exist")
                names = {each.name for each in self.shelves.values()}
                need(body["name"] not in names, 409, "Conflicting resource provider name already exists")
                root = body["uuid"] if parent is None else self.shelves[parent].root
                self.shelves[body["uuid"]] = Shelf(body["name"], parent, root)
                return 200, _provider(body["uuid"], self.shelves[body["uuid"]])
            case "placement", _, ["resource_providers", key, *rest]:
                need(key in self.shelves, 404, f"No resource provider with uuid {key} found")
                return self._one(method, key, rest, body)
            case "placement", "GET", ["allocations", key]:
                return 200, self._holdings(key)
            case "placement", "PUT", ["allocations", key]:
                return self._write(key, body)
        return super()._route(service, method, target, body, headers)

    def _one(self, method: str, key: str, rest: list[str], body: Any) -> Answer:
        shelf = self.shelves[key]
        match method, rest:
            case "GET", []:
                return 200, _provider(key, shelf)
            case "DELETE", []:
                need(not any(key in has for has in self.held.values()), 409, "has allocations")
                need(not any(each.parent == key for each in self.shelves.values()), 409, "has children")
                del self.shelves[key]
                return 204, None
            case "GET", ["inventories"]:
                return 200, {"inventories": shelf.stock, "resource_provider_generation": shelf.generation}
            case "GET", ["traits"]:
                return 200, {"traits": shelf.traits, "resource_provider_generation": shelf.generation}
            case "GET", ["aggregates"]:
                return 200, {"aggregates": shelf.aggregates, "resource_provider_generation": shelf.generation}
            case "GET", ["allocations"]:
                held = {who: has[key] for who, has in self.held.items() if key in has}
                return 200, {"allocations": held, "resource_provider_generation": shelf.generation}
        need(body["resource_provider_generation"] == shelf.generation, 409, "generation conflict")
        shelf.generation += 1
        if rest == ["inventories"]:
            shelf.stock = body["inventories"]
        else:
            setattr(shelf, rest[0], body[rest[0]])
        return 200, {"resource_provider_generation": shelf.generation}

    def _holdings(self, key: str) -> Any:
        if not self.held.get(key):
            return {"allocations": {}}
        return {"allocations": self.held[key], "consumer_generation": self.versions[key], **WHO}

    def _write(self, key: str, body: Any) -> Answer:
        need(body["consumer_generation"] == self.versions.get(key), 409, "consumer generation conflict")
        need(set(body) >= {"project_id", "user_id"}, 400, "'project_id' is a required property")
        need(body["allocations"].keys() <= self.shelves.keys(), 400, "no such provider")
        self.held[key] = body["allocations"]
        self.versions[key] = self.versions.get(key, 0) + 1
        if not body["allocations"]:
            del self.held[key], self.versions[key]
        return 204, None


def _hypervisor(uuid: str, host: str) -> dict[str, Any]:
    return {"id": uuid, "hypervisor_hostname": host, "service": {"host": host, "id": "s"}}


def _provider(uuid: str, shelf: Shelf) -> dict[str, Any]:
    tree = {"parent_provider_uuid": shelf.parent, "root_provider_uuid": shelf.root}
    return {"uuid": uuid, "name": shelf.name, "generation": shelf.generation, **tree}
