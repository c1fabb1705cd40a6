"""Chains of changes: Ctrl-C begins no further call, and a refusal in the spec keeps all calls back."""

from __future__ import annotations

from threading import Event

import pytest
from tests.cloud.openstack.publishing import HEAD, PLACE, compared, publish, send_to
from tests.cloud.openstack.test_publish_idempotent import cloud

from gpucloud.cloud.openstack.publish.carry_out import Carrier
from gpucloud.spec import parse_spec

MANY = parse_spec(
    f"{HEAD}publish:\n  flavors:\n"
    + "".join(f"    f{n}: {{vcpus: 1, ram_mib: {n + 1}, disk_gib: 1}}\n" for n in range(50))
)


def test_after_ctrl_c_no_call_begins_and_the_next_run_finishes() -> None:
    state = cloud()
    stop = Event()
    before = compared(state, MANY).count
    send = send_to(state)

    def send_and_stop(call: object) -> object:
        answer = send(call)  # type: ignore[arg-type]
        if len(state.flavors) > 5:
            stop.set()
        return answer

    made = Carrier(send_and_stop, 1, PLACE, stop).carry_out(compared(state, MANY).chains, lambda done: None)
    done = sum(each.done for each in made)
    assert 0 < done < before
    assert len(state.flavors) == 1 + done
    publish(state, MANY)
    assert compared(state, MANY).count == 0


@pytest.mark.parametrize(
    "wish",
    [
        "{quotas: {unified: true, projects: {p1: {servers: 3}}}}",
        "{aggregates: {a: {hosts: gpu01, traits: HW_NOPE}}}",
    ],
)
def test_what_can_not_be_done_is_refused_and_says_what_helps(wish: str) -> None:
    (refused,) = compared(cloud(), parse_spec(f"{HEAD}publish: {wish}\n")).refused
    assert "write" in refused.then
