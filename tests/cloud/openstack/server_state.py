"""That cloud with servers: they are built, run and go as they are looked at, and their guests print.

Sources: docs.openstack.org/api-ref/compute (servers); nova/api/openstack/compute/{servers,console_output,
server_metadata,deferred_delete}.py.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cloud.openstack.api_state import KEY, Answer, CloudState, need

from gpucloud.cloud.openstack.publish.offer import DESCRIPTION

NAMES = re.compile(r"[a-z0-9-]{1,63}")
MOST_METADATA = 128
BRIDGE = "function 0000:00:00.0 8086:29c0 060000"


def prints_report(server: Made) -> str:
    """What a healthy guest prints: a host bridge, a display of the hypervisor, and the GPUs."""
    token = server.nonce
    gpus = [
        f"function 0000:0{n + 5}:00.0 10de:1db4 030200 0=16777216 1=17179869184" for n in range(server.gpus)
    ]
    lines = ["begin", BRIDGE, "function 0000:00:01.0 1af4:1050 030000", *gpus, f"end {len(gpus) + 2}"]
    return "".join(f"[    1.0] gpucloud-report {token} {line}\r\n" for line in lines)


@dataclass
class Made:
    """A server as nova keeps it."""

    id: str
    name: str
    flavor: dict[str, Any]
    metadata: dict[str, str]
    nonce: str
    """As its user data has it, or empty."""
    gpus: int
    ahead: list[str] = field(default_factory=list)
    """What it becomes, one at each look."""
    status: str = "BUILD"
    fault: str | None = None
    looks_to_go: int | None = None
    """So many more looks until it is gone; None: it is not being deleted."""


@dataclass
class ServersState(CloudState):
    """One project's servers on hosts with some GPUs."""

    made: dict[str, Made] = field(default_factory=dict)
    keypairs: dict[str, str] = field(default_factory=dict)
    free_gpus: int = 2
    most_servers: int = 10
    becomes: tuple[str, ...] = ("BUILD", "ACTIVE")
    prints: Callable[[Made], str] = prints_report
    looks_to_go: int = 2
    seen_user_data: Callable[[str], None] = lambda _: None
    is_soft: bool = False
    """Deleted servers are put aside first (reclaim_instance_interval)."""
    is_down: bool = False
    """The cell of all servers does not answer."""

    def add_flavor(
        self, name: str, gpus: int, *, is_ours: bool = True, disk: int = 20, cpus: int = 4
    ) -> None:
        specs = {"pci_passthrough:alias": f"v100:{gpus}"} if gpus else {"hw:cpu_policy": "shared"}
        self.flavors[f"id-{name}"] = {
            "id": f"id-{name}",
            "name": name,
            "vcpus": 4,
            "ram": 8192,
            "disk": 20,
            "os-flavor-access:is_public": True,
            "description": DESCRIPTION if is_ours else None,
            "extra_specs": specs,
        }

    def add_image(self, key: str, name: str, **more: Any) -> None:
        plain = {"size": 1 << 30, "virtual_size": None, "min_disk": 0, "min_ram": 0, "status": "active"}
        self.images[key] = {"id": key, "name": name, **plain, **more}

    def _route(self, service: str, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if (service, parts[0], method) == ("image", "images", "GET"):
            return self._find_images(parts[1:], query)
        if (service, parts[0]) == ("compute", "os-keypairs"):
            return self._keypair(parts[1:], body)
        if (service, parts[0]) != ("compute", "servers"):
            return super()._route(service, method, target, body, headers)
        self._microversion(headers)
        match method, parts[1:]:
            case "POST", []:
                return self._create(body["server"])
            case "GET", [] | ["detail"]:
                return self._list(parts[1:], query, headers)
            case "GET", [key]:
                return 200, {"server": self._look_at(self._one(key))}
            case "DELETE", [key]:
                self._delete(self._one(key), is_forced=False)
                return 204, None
            case "POST", [key, "action"]:
                return self._act(self._one(key), body)
            case "POST", [key, "metadata"]:
                one = self._one(key)
                what = f"Cannot 'update metadata' instance {key} while it is in vm_state error"
                need(one.status not in ("ERROR", "BUILD"), 409, what)
                return self._keep(one, body["metadata"])
            case _:
                return 404, {"itemNotFound": {"message": f"{method} {target}"}}

    def _list(self, how: list[str], query: dict[str, str], headers: dict[str, str]) -> Answer:
        if how:
            shown = [self._plain(one) for one in self._listed(query)]
            return self._paged("servers", shown, query, "servers_links")
        is_known = not query and headers.get("openstack-api-version") == "compute 2.69"
        need(is_known, 501, "not built here")
        more = {"status": "UNKNOWN"} if self.is_down else {"name": "any"}
        return 200, {"servers": [{"id": key, **more} for key in self.made]}

    def _listed(self, query: dict[str, str]) -> list[Made]:
        """Those put aside only where what has changed is asked for (``instance_get_all_by_filters_sort``)."""
        named, status = re.compile(query.get("name", "")), query.get("status")
        found = [] if self.is_down else [one for one in self.made.values() if named.search(one.name)]
        if "changes-since" not in query:
            found = [one for one in found if one.status != "SOFT_DELETED"]
        return [one for one in found if status in (None, one.status)]

    def _find_images(self, named: list[str], query: dict[str, str]) -> Answer:
        if named:
            need(named[0] in self.images, 404, f"No image found with ID {named[0]}")
            return 200, self.images[named[0]]
        found = [each for each in self.images.values() if query.get("name") in (None, each["name"])]
        return self._paged("images", found, query, "next")

    def _keypair(self, named: list[str], body: Any) -> Answer:
        if named:
            need(named[0] in self.keypairs, 404, f"Keypair {named[0]} not found for user u")
            return 200, {"keypair": {"name": named[0], "public_key": self.keypairs[named[0]]}}
        new = body["keypair"]
        need(new["name"] not in self.keypairs, 409, f"Key pair '{new['name']}' already exists.")
        need(new["public_key"].startswith("ssh-"), 400, "Keypair data is invalid")
        self.keypairs[new["name"]] = new["public_key"]
        return 200, {"keypair": new}

    def _create(self, wish: dict[str, Any]) -> Answer:
        need(wish["flavorRef"] in self.flavors, 400, "Invalid flavorRef provided.")
        need(wish["imageRef"] in self.images, 400, "Invalid imageRef provided.")
        need(NAMES.fullmatch(wish["name"]) is not None, 400, "Invalid input for field/attribute name.")
        need(wish["networks"] in ("auto", "none") or isinstance(wish["networks"], list), 400, "Bad networks")
        need(
            len(self.made) < self.most_servers,
            403,
            "Quota exceeded for instances: Requested 1, but already used.",
        )
        need(wish.get("key_name") in (None, *self.keypairs), 400, "Invalid key_name provided.")
        flavor = self.flavors[wish["flavorRef"]]
        data = base64.b64decode(wish["user_data"], validate=True).decode()
        self.seen_user_data(data)
        nonce = re.search(r"gpucloud_reports ([0-9a-f]{32}) ", data)
        gpus = int(flavor["extra_specs"].get("pci_passthrough:alias", ":0").rpartition(":")[2])
        key = f"s-{next(self.numbers)}"
        new = Made(key, wish["name"], flavor, {}, nonce[1] if nonce else "", gpus, list(self.becomes))
        self._keep(new, wish["metadata"])
        self.made[key] = new
        if gpus > self.free_gpus:
            new.ahead, new.gpus, new.fault = ["ERROR"], 0, "No valid host was found."
        self.free_gpus -= new.gpus
        return 202, {"server": {"id": key, "links": [], "adminPass": "x", "security_groups": []}}

    def _one(self, key: str) -> Made:
        need(key in self.made, 404, f"Instance {key} could not be found.")
        need(
            not self.is_down,
            500,
            "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/",
        )
        return self.made[key]

    def _look_at(self, server: Made) -> dict[str, Any]:
        """Time passes as it is looked at."""
        if server.looks_to_go is not None:
            server.looks_to_go -= 1
            if server.looks_to_go < 0:
                del self.made[server.id]
                self.free_gpus += server.gpus
                need(False, 404, f"Instance {server.id} could not be found.")
            if server.looks_to_go == 0:  # nova-compute has yet to give back what it had
                server.status = "DELETED"
        elif server.ahead:
            server.status = server.ahead.pop(0)
        return self._plain(server)

    def _plain(self, server: Made) -> dict[str, Any]:
        flavor = {
            "original_name": server.flavor["name"],
            **{name: server.flavor[name] for name in ("vcpus", "ram", "disk", "extra_specs")},
        }
        plain = {
            "id": server.id,
            "name": server.name,
            "status": server.status,
            "metadata": server.metadata,
            "flavor": flavor,
        }
        if server.status == "ERROR" and server.fault:
            plain["fault"] = {"code": 500, "message": server.fault, "created": "2026-01-01T00:00:00Z"}
        return plain

    def _act(self, server: Made, body: dict[str, Any]) -> Answer:
        if "forceDelete" in body:
            self._delete(server, is_forced=True)
            return 202, None
        need("os-getConsoleOutput" in body, 400, "There is no such action")
        need(server.status != "BUILD", 409, f"Instance {server.id} is not ready")
        return 200, {"output": self.prints(server)[-102400:]}

    def _delete(self, server: Made, *, is_forced: bool) -> None:
        if self.is_soft and not is_forced:
            server.status, server.ahead = "SOFT_DELETED", []
        elif server.looks_to_go is None:
            server.looks_to_go = self.looks_to_go

    def _keep(self, server: Made, metadata: dict[str, str]) -> Answer:
        need(all(map(KEY.fullmatch, metadata)), 400, "Invalid input for metadata")
        need(all(len(value) <= 255 for value in metadata.values()), 400, "Invalid value")
        all_of_it = {**server.metadata, **metadata}
        need(len(all_of_it) <= MOST_METADATA, 403, "Maximum number of metadata items exceeded")
        server.metadata = all_of_it
        return 200, {"metadata": all_of_it}


def servers_state() -> ServersState:
    """Two free GPUs; flavors with none, one and two; an image; a server of somebody else."""
    state = ServersState()
    for name, gpus in (("cpu", 0), ("gpu.1", 1), ("gpu.2", 2)):
        state.add_flavor(name, gpus)
    state.add_flavor("foreign", 1, is_ours=False)
    state.add_image("i1", "ubuntu")
    state.made["s-0"] = Made("s-0", "theirs", state.flavors["id-cpu"], {"a": "b"}, "", 0, status="ACTIVE")
    return state
