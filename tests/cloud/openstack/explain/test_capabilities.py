"""What a flavor asks of hosts themselves, which the scheduler weighs by nova's own list of filters."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cloud.openstack.explain.asking import CARD, FILTERS, Desk, Told
from tests.cloud.openstack.explain.way_state import NO_HOST, WayState, offer, way

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

WEIGHING = f"{FILTERS},PciPassthroughFilter"
BLIND = "ComputeFilter,PciPassthroughFilter"
SERVER = "11111111-1111-1111-1111-111111111111"
HOST = {
    "hypervisor_type": "QEMU",
    "hypervisor_version": 8002002,
    "cpu_info": {
        "arch": "x86_64",
        "vendor": "AMD",
        "features": ["sse4.2", "avx2"],
        "topology": {"cores": 32},
        "maxphysaddr": {"mode": "emulate", "bits": 48},
    },
}


def asking(told: dict[str, Any], **specs: str) -> WayState:
    """A cloud of two hosts and a flavor with these keys: ``__`` stands for ``:``."""
    state = way()
    state.told_of_hosts = {"gpu01": told, "cpu01": HOST}
    keys = {key.replace("__", ":"): wanted for key, wanted in specs.items()}
    offer(state, "a", {"pci_passthrough:alias": "v100:1", **keys})
    state.guest(SERVER, "train", "id-a", fault=NO_HOST)
    return state


def explained(desk: Desk, state: WayState, what: str = "a", filters: str = WEIGHING) -> Told:
    return desk.explain(
        state, what, *desk.config(filters=filters), *desk.devices(CARD), *desk.devices(host="cpu01")
    )


@pytest.mark.parametrize("what", ["a", "train"])
@pytest.mark.parametrize(
    ("specs", "shown"),
    [
        ({"capabilities__cpu_info__vendor": "Intel"}, "capabilities:cpu_info:vendor=Intel"),
        ({"capabilities__cpu_info__features": "<in> avx512f"}, "capabilities:cpu_info:features=<in> avx512f"),
        ({"capabilities__cpu_info__topology__cores": ">= 64"}, "capabilities:cpu_info:topology:cores=>= 64"),
        ({"capabilities__cpu_info__no_such": "x"}, "capabilities:cpu_info:no_such=x"),
        ({"hypervisor_type": "VMware"}, "hypervisor_type=VMware"),
        ({"hw__maxphysaddr_bits": "52"}, "hw:maxphysaddr_bits=>= 52"),
    ],
)
def test_what_no_host_has_is_named(desk: Desk, what: str, specs: dict[str, str], shown: str) -> None:
    told = explained(desk, asking(HOST, **specs), what)
    assert (told.code, told.cause) == (3, "no-room-on-hosts")
    assert told.root["title"] == f"No host that could take it has what the flavor asks of hosts: {shown}"
    key = shown.partition("=")[0]
    assert told.root["fix"]["commands"] == [f"openstack flavor unset --property {key} FLAVOR"]


def test_of_several_keys_only_the_unmet_ones_are_shown(desk: Desk) -> None:
    state = asking(HOST, hypervisor_type="QEMU", capabilities__cpu_info__vendor="Intel")
    assert explained(desk, state).root["title"].endswith("asks of hosts: capabilities:cpu_info:vendor=Intel")


@pytest.mark.parametrize(
    ("specs", "filters"),
    [
        (
            {"capabilities__hypervisor_type": "QEMU", "capabilities__cpu_info__features": "<in> avx2"},
            WEIGHING,
        ),
        ({"capabilities__hypervisor_version": ">= 6000000"}, WEIGHING),
        ({"hw__maxphysaddr_bits": "40"}, WEIGHING),
        ({"ssd": "true"}, WEIGHING),  # no namespace, and nothing that a host's state has
        ({"capabilities__hypervisor_type": "VMware"}, BLIND),  # nobody looks
    ],
)
def test_a_host_that_has_it_or_a_scheduler_that_does_not_look(
    desk: Desk, specs: dict[str, str], filters: str
) -> None:
    assert explained(desk, asking(HOST, **specs), filters=filters).code == 0


def test_a_host_without_the_device_helps_nobody(desk: Desk) -> None:
    """cpu01 has what is asked, and gpu01 alone has the card."""
    state = asking({**HOST, "hypervisor_type": "LXC"}, hypervisor_type="QEMU")
    assert explained(desk, state).cause == "no-room-on-hosts"


@pytest.mark.parametrize(
    ("told", "key"),
    [
        ({}, "capabilities__cpu_info__vendor"),  # nova tells no more
        (HOST, "capabilities__num_instances"),  # no API tells it
    ],
)
def test_what_cannot_be_seen_accuses_nobody(desk: Desk, told: dict[str, Any], key: str) -> None:
    assert explained(desk, asking(told, **{key: "Intel"})).code == 0


def test_what_no_api_tells_is_said_to_be_unseen(desk: Desk) -> None:
    told = explained(desk, asking(HOST, capabilities__num_instances="<= 3"))
    assert any("capabilities:num_instances" in each for each in told.unseen)
