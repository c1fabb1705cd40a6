"""What a flavor asks of aggregates, host by host; what Placement keeps back, and what several cards have."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cloud.openstack.explain.asking import CARD, FILTERS, Desk, Told
from tests.cloud.openstack.explain.test_standing import aggregate
from tests.cloud.openstack.explain.way_state import NO_HOST, Provider, WayState, offer, way

from gpucloud.cloud.openstack.explain.rules.specs import meets

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

WEIGHING = f"{FILTERS},PciPassthroughFilter,AggregateInstanceExtraSpecsFilter"
SCOPE = "aggregate_instance_extra_specs:"
SERVER = "11111111-1111-1111-1111-111111111111"
CLASS = "CUSTOM_PCI_10DE_1DB4"


def asking(**keys: str) -> WayState:
    state = way()
    offer(state, "a", {"pci_passthrough:alias": "v100:1", **{SCOPE + key: keys[key] for key in keys}})
    state.guest(SERVER, "train", "id-a", fault=NO_HOST)
    return state


def explained(desk: Desk, state: WayState, what: str, filters: str = WEIGHING) -> Told:
    return desk.explain(
        state, what, *desk.config(filters=filters), *desk.devices(CARD), *desk.devices(host="cpu01")
    )


@pytest.mark.parametrize("what", ["a", "train"])
@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ([(["gpu01", "cpu01"], {"gpu": "t4"})], {"gpu": "a100"}),
        ([(["cpu01"], {"gpu": "a100"})], {"gpu": "a100"}),  # the host without the card
        ([(["gpu01"], {"gpu": "a100"}), (["cpu01"], {"ssd": "yes"})], {"gpu": "a100", "ssd": "yes"}),
        ([(["gpu01"], {"gpu": "t4"})], {"gpu": "s== a100"}),
    ],
)
def test_no_host_meets_every_key(
    desk: Desk, what: str, said: list[tuple[list[str], dict[str, str]]], keys: dict[str, str]
) -> None:
    state = asking(**keys)
    for number, (hosts, metadata) in enumerate(said):
        aggregate(state, f"x{number}", hosts, **metadata)
    told = explained(desk, state, what)
    assert (told.code, told.cause) == (3, "no-room-on-hosts")
    assert told.root["title"].startswith("No host that could take it is in aggregates with gpu=")
    assert told.root["fix"]["commands"][0] == "openstack aggregate add host AGGREGATE gpu01"


@pytest.mark.parametrize(
    ("metadata", "keys", "filters"),
    [
        ({"gpu": "t4, a100"}, {"gpu": "a100"}, WEIGHING),
        ({"gpu": "a100", "tier": "3"}, {"gpu": "<or> v100 <or> a100", "tier": ">= 2"}, WEIGHING),
        ({"gpu": "t4"}, {"gpu": "a100"}, f"{FILTERS},PciPassthroughFilter"),  # nobody looks
    ],
)
def test_a_host_that_meets_them_or_a_scheduler_that_does_not_look(
    desk: Desk, metadata: dict[str, str], keys: dict[str, str], filters: str
) -> None:
    state = asking(**keys)
    aggregate(state, "x", ["gpu01"], **metadata)
    assert explained(desk, state, "a", filters).code == 0


@pytest.mark.parametrize(
    ("value", "wanted", "is_met"),
    [
        ("a100", "a100", True),
        ("a100", "t4", False),
        ("8", "= 4", True),  # at least
        ("4", "== 4.0", True),
        ("4", "!= 4", False),
        ("many", ">= 4", False),
        ("a100", "s== a100", True),
        ("a100", "s!= a100", False),
        ("b", "s> a", True),
        ("a100-80", "<in> 80", True),
        ("a b", "<all-in> a b", True),
        ("a", "<all-in> a b", False),
        ("t4", "<or> a100 <or> t4", True),
        ("or", "<or> a100 <or> t4", False),
        ("", "", True),
        ("4", "==", False),
    ],
)
def test_values_are_compared_as_nova_does(value: str, wanted: str, is_met: bool) -> None:
    assert meets(value, wanted) is is_met


class Reserving(WayState):
    """A cloud whose devices were all given once, as nova leaves those with one_time_use."""

    def _stock(self, key: str, what: str) -> tuple[int, dict[str, Any]]:
        code, answer = super()._stock(key, what)
        for name, stock in answer["inventories"].items() if what == "inventories" else ():
            if name.startswith("CUSTOM_PCI"):
                stock["reserved"] = stock["total"]
        return code, answer

    def _has(self, root: Any, groups: Any) -> bool:
        asks = any(name.startswith("CUSTOM_PCI") for _, wanted, _ in groups for name in wanted)
        return not asks and super()._has(root, groups)


def test_devices_that_are_reserved_are_not_said_to_be_in_use(desk: Desk) -> None:
    plain = way()
    names = [name for name, each in plain.__dataclass_fields__.items() if each.init]
    state = Reserving(**{name: getattr(plain, name) for name in names})
    for number in range(2):
        state.providers.append(Provider(f"gpu01_0000:3{number}:00.0", "rp-gpu01", {CLASS: (1, 0)}))
    offer(state, "r", {f"resources:{CLASS}": "1"})
    told = desk.explain(state, "r")
    assert told.root["title"] == f"No {CLASS} may be given: 2 of 2 are reserved, and no guest has them"
    assert f"{CLASS}:reserved=0" in told.root["fix"]["commands"][0]


def test_what_is_free_on_several_providers_is_not_enough_for_one(desk: Desk) -> None:
    state = way()
    for number in range(2):
        state.providers.append(Provider(f"card{number}", "rp-gpu01", {"VGPU": (4, 3)}))
    offer(state, "v2", {"resources:VGPU": "2"})
    told = desk.explain(state, "v2")
    assert told.root["title"] == "No one provider has 2 VGPU free: 2 are free in all, and 1 on the best"
    assert "Another profile" not in told.root["why"]
