"""What the APIs are asked for, so that nobody is called gone who was not asked for."""

from __future__ import annotations

from typing import Any

from tests.cloud.openstack.heal.cell import A, guest_uuid, node_uuid
from tests.cloud.openstack.heal.stale_state import StaleState

from gpucloud.cloud.openstack.audit.look import Looker
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import Refusal

MOVE = "00000000-0000-0000-00ff-000000000001"


def looker(state: StaleState) -> Looker:
    def send(call: Call) -> Any:
        status, answer = state.answer(call.service, call.method, call.path, call.body, {})
        if status >= 400:
            raise Refusal(call.path, "look", status, str(answer))
        return answer

    return Looker(send)


def test_the_guest_of_a_migration_that_holds_devices_is_asked_for() -> None:
    state = StaleState()
    state.node(node_uuid(1), A)
    state.guest(guest_uuid(1), A)
    places = {"source_compute": A, "dest_compute": "gpu02"}
    state.moves = [{"uuid": MOVE, "instance_uuid": guest_uuid(1), "status": "error", **places}]
    nova = looker(state).nova([MOVE])
    assert isinstance(nova.servers, dict)
    assert list(nova.servers) == [guest_uuid(1)]


def test_a_tree_is_read_with_what_is_above_each_provider() -> None:
    state = StaleState()
    state.node(node_uuid(1), A)
    state.device("rp-1", node_uuid(1), "0000:3b:00.0")
    state.device("rp-2", node_uuid(1), "0000:3b:00.4")
    state.shelves["rp-2"].parent = "rp-1"
    found = looker(state).providers()
    assert isinstance(found, tuple)
    assert {each.uuid: each.parent for each in found} == {
        node_uuid(1): None,
        "rp-1": node_uuid(1),
        "rp-2": "rp-1",
    }
