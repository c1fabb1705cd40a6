"""A spec published to a cloud in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from tests.cloud.openstack.api_state import REGION, SERVICE, CloudState

from gpucloud.cloud.openstack.api import MICROVERSIONS
from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.failures import refusal
from gpucloud.cloud.openstack.publish.carry_out import Carrier, Made
from gpucloud.cloud.openstack.publish.compare import Compared
from gpucloud.cloud.openstack.publish.find import Found, find
from gpucloud.cloud.openstack.publish.look import Looker
from gpucloud.model.failure import Failure
from gpucloud.model.spec import Spec

PLACE = Place(SERVICE, REGION)
HEAD = """
openstack: {release: "34", placement: schedule}
host_groups: {gpus: ["gpu0[1-3]"]}
pools:
  a100:
    use: passthrough
    match: {ids: 10de:20b0}
    nova: {alias: big, resource_class: CUSTOM_A100}
  l4: {use: passthrough, match: {ids: 10de:27b8}}
  sound: {use: passthrough, match: {ids: 10de:1401}, nova: {companions: audio}}
  desktops:
    use: vgpu
    match: {model: "A40*"}
    vgpu_types:
      - {type: nvidia-558, resource_class: CUSTOM_8Q, address: "3b:*"}
      - {type: nvidia-559}
  slices: {use: vgpu, match: {model: "L40S*"}, nova: {managed: false}}
  own: {use: host, match: {model: "K80*"}}
"""


def send_to(state: CloudState) -> Callable[[Call], Any]:
    def send(call: Call) -> Any:
        headers = {"content-type": call.content_type}
        if call.service in MICROVERSIONS:
            version = call.microversion or MICROVERSIONS[call.service]
            headers["openstack-api-version"] = f"{call.service} {version}"
        if call.is_of_system:
            if not state.knows_system:
                raise Failure("this user has no role on the system")
            headers["x-auth-token"] = "system"
        body = None if call.body is None else json.loads(json.dumps(call.body))
        status, answer = state.answer(call.service, call.method, call.path, body, headers)
        if status >= 300:
            raise refusal(f"{call.method} {call.service} {call.path}", status, json.dumps(answer).encode())
        return json.loads(json.dumps(answer))

    return send


def found(state: CloudState, spec: Spec, *, prune: bool = False, exact: bool = False) -> Found:
    looker = Looker(send_to(state), 2, lambda: PLACE, lambda: state.own_project)
    return find(looker, spec, prune=prune, exact=exact)


def compared(state: CloudState, spec: Spec, *, prune: bool = False, exact: bool = False) -> Compared:
    return found(state, spec, prune=prune, exact=exact).compared


def publish(
    state: CloudState, spec: Spec, *, prune: bool = False, exact: bool = False
) -> tuple[Compared, Sequence[Made]]:
    differences = compared(state, spec, prune=prune, exact=exact)
    state.calls.clear()
    made = Carrier(send_to(state), 4, PLACE, Event()).carry_out(differences.chains, lambda done: None)
    return differences, made
