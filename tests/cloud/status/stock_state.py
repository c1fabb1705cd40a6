"""That cloud with a Placement that lists the trees of hosts as the real one does.

Source: placement/objects/allocation_candidate.py: summaries have every provider of each tree that has a
candidate, whatever was asked for; a host without any room for that is not among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cloud.openstack.api_state import Answer, need
from tests.cloud.openstack.explain.way_state import Provider, WayState, offer, way

from gpucloud.cloud.openstack.api import MICROVERSIONS
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import refusal

MANAGED = frozenset({"COMPUTE_MANAGED_PCI_DEVICE", "HW_PCI"})


@dataclass
class StockState(WayState):
    names: dict[str, str] = field(default_factory=dict)
    """Of providers, where they are not their ids."""

    def _route(self, service: str, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        url = urlsplit(target)
        if service == "placement":
            need(self.is_admin, 403, "placement is not allowed for this user")
            version = headers.get("openstack-api-version")
            need(version == "placement 1.29", 404, f"The resource could not be found: {version}")
            if url.path == "/resource_providers":
                return 200, {"resource_providers": [self._listed(each) for each in self.providers]}
            need(url.path == "/allocation_candidates", 404, f"not asked for here: {target}")
            return self._trees(parse_qs(url.query)["resources"][0].partition(":")[0])
        return super()._route(service, method, target, body, headers)

    def _listed(self, one: Provider) -> dict[str, Any]:
        name = self.names.get(one.uuid, one.uuid.removeprefix("rp-"))
        return {"uuid": one.uuid, "name": name, "root_provider_uuid": one.root, "generation": 1}

    def _trees(self, name: str) -> Answer:
        fit = [p for p in self.providers if p.stock.get(name, (0, 0))[0] > p.stock.get(name, (0, 0))[1]]
        roots = {each.root for each in fit}
        shown = {
            p.uuid: {
                "resources": {k: {"capacity": total, "used": used} for k, (total, used) in p.stock.items()},
                "traits": sorted(p.traits),
                "root_provider_uuid": p.root,
                "parent_provider_uuid": None if p.uuid == p.root else p.root,
            }
            for p in self.providers
            if p.root in roots
        }
        requests = [{"allocations": {each.uuid: {"resources": {name: 1}}}} for each in fit]
        return 200, {"allocation_requests": requests, "provider_summaries": shown}

    def card(self, host: str, address: str, kind: str, used: int = 0, total: int = 1) -> None:
        """A device that nova reports."""
        name = f"{host}_{address.upper()}"
        self.providers.append(Provider(f"rp-{name}", f"rp-{host}", {kind: (total, used)}, MANAGED))

    def guest_on(self, host: str, name: str, flavor: str) -> None:
        self.guest(f"id-{name}", name, flavor, status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": host})


def sending(state: StockState) -> Callable[[Call], Any]:
    """Requests with the microversion that each asks for."""

    def send(call: Call) -> Any:
        version = call.microversion or MICROVERSIONS.get(call.service)
        headers = {} if version is None else {"openstack-api-version": f"{call.service} {version}"}
        status, answer = state.answer(call.service, call.method, call.path, None, headers)
        if status >= 300:
            raise refusal(f"{call.method} {call.service} {call.path}", status, json.dumps(answer).encode())
        return json.loads(json.dumps(answer))

    return send


V100 = "CUSTOM_PCI_10DE_1DB4"
EPYC = ("0000:27:00.0", "0000:28:00.0", "0000:44:00.0", "0000:a3:00.0", "0000:c3:00.0", "0000:c4:00.0")
"""The six cards of the server that two of tests/hosts' documents speak of: in groups 19 19 32 75 87 87."""


def stock(*, used: tuple[str, ...] = ()) -> StockState:
    """gpu01 has six cards, cpu01 none; flavors ask Placement for one, two and four."""
    base = way()
    state = StockState(hosts=base.hosts, services=base.services, providers=base.providers)
    for address in EPYC:
        state.card("gpu01", address, V100, used=int(address in used))
    for count in (1, 2, 4):
        specs = {f"resources{n}:{V100}": "1" for n in range(count)} | {"group_policy": "none"}
        offer(state, f"gpu.{count}", specs, vcpus=2)
    state.providers[0].stock |= {"VCPU": (64, 0)}
    return state
