"""Availability zones, aggregates of some projects, and server groups."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cloud.openstack.explain.asking import CARD, FILTERS, Desk
from tests.cloud.openstack.explain.test_ten_setups import SERVER, failed
from tests.cloud.openstack.explain.way_state import NO_HOST, WayState, way

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

ZONE = "OS-EXT-AZ:availability_zone"
HOST = "OS-EXT-SRV-ATTR:host"
ISOLATING = f"{FILTERS},PciPassthroughFilter,AggregateMultiTenancyIsolation"
SCHEDULER = "the scheduler finds a host"


def asked_for(zone: str) -> WayState:
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", fault=NO_HOST, **{ZONE: zone})
    return state


def aggregate(state: WayState, name: str, hosts: list[str], **metadata: str) -> None:
    state.aggregates[name] = {
        "id": len(state.aggregates) + 1,
        "name": name,
        "hosts": hosts,
        "metadata": metadata,
    }


def grouped(policy: str, hosts: dict[str, str], rules: dict[str, Any] | None = None) -> WayState:
    """A failed server whose group has members on these hosts."""
    state = failed(way())
    for key, host in hosts.items():
        state.guest(key, f"web-{key}", "id-gpu.1", status="ACTIVE", **{HOST: host})
        state.guests[key]["flavor"] = {**state.guests[key]["flavor"], "extra_specs": {}}
    state.groups = [
        {"id": "g0", "name": "other", "policy": "affinity", "rules": {}, "members": ["x"]},
        {"id": "g", "name": "web", "policy": policy, "rules": rules or {}, "members": [*hosts, SERVER]},
    ]
    return state


def test_a_zone_without_hosts(desk: Desk) -> None:
    told = desk.explain(asked_for("gpu-az"), "train", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause, told.step) == (3, "no-room-on-hosts", SCHEDULER)
    title = "No host is in the availability zone gpu-az that was asked for; there are nova"
    assert told.root["title"] == title
    assert "map_az_to_placement_aggregate" in told.root["why"]


def test_a_zone_whose_hosts_are_disabled(desk: Desk) -> None:
    state = asked_for("gpu-az")
    state.services["gpu01"] |= {"zone": "gpu-az", "status": "disabled"}
    told = desk.explain(state, "train")
    assert told.root["title"].startswith("No host of the availability zone gpu-az")
    assert [line["key"] for line in told.root["evidence"]] == ["nova-compute on gpu01"]


def test_a_zone_without_the_cards(desk: Desk) -> None:
    state = asked_for("cpu-az")
    state.services["cpu01"]["zone"] = "cpu-az"
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD), *desk.devices(host="cpu01"))
    assert told.root["title"].startswith("No host of the availability zone cpu-az")


@pytest.mark.parametrize(("pinned", "cause"), [("gpu-az", "no-room-on-hosts"), (None, None)])
def test_the_zone_that_nova_bound_a_server_to_counts(
    desk: Desk, pinned: str | None, cause: str | None
) -> None:
    """What a server that had a host shows is the zone of that, which binds it to nothing."""
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", status="SHELVED_OFFLOADED", **{ZONE: "gone"})
    state.failing(SERVER, "unshelve", "NoValidHost: No valid host was found.")
    files = (*desk.config(), *desk.devices(CARD))
    unsaid = "the availability zone that the server is bound to"
    assert unsaid in desk.explain(state, "train", *files).unseen
    state.pinned[SERVER] = pinned
    told = desk.explain(state, "train", *files)
    assert told.cause == cause
    assert unsaid not in told.unseen


def test_an_old_nova_tells_no_zone_of_a_server_that_had_a_host(desk: Desk) -> None:
    state = asked_for("gpu-az")
    state.newest = (2, 65)
    state.pinned[SERVER] = None
    assert desk.explain(state, "train").cause == "no-room-on-hosts"


def test_a_zone_whose_hosts_are_not_shown(desk: Desk) -> None:
    """Everybody is told whether it is there, and whether one of its hosts is enabled."""
    state = asked_for("gpu-az")
    state.is_admin = False
    absent = desk.explain(state, "train")
    title = "The availability zone gpu-az that was asked for is not there; available: nova"
    assert (absent.cause, absent.root["title"]) == ("no-room-on-hosts", title)
    state.services["gpu01"] |= {"zone": "gpu-az", "status": "disabled"}
    assert "has no host that is enabled" in desk.explain(state, "train").root["title"]
    state.services["gpu01"]["status"] = "enabled"
    assert "the hosts of availability zone gpu-az" in desk.explain(state, "train").unseen
    state.faults = [("GET", "/os-availability-zone", 500)]
    assert "the hosts of availability zone gpu-az" in desk.explain(state, "train").unseen


def test_hosts_of_other_projects(desk: Desk) -> None:
    state = way()
    aggregate(state, "theirs", ["gpu01", "cpu01"], filter_tenant_id="a, b")
    told = desk.explain(state, "gpu.1")
    assert (told.cause, told.step, told.root["confidence"]) == ("no-room-on-hosts", SCHEDULER, 0.8)
    assert told.root["evidence"][0] == {
        **told.root["evidence"][0],
        "key": "aggregate of cpu01, gpu01",
        "text": "filter_tenant_id=a, b",
    }
    sure = desk.explain(state, "gpu.1", *desk.config(filters=ISOLATING), *desk.devices(CARD))
    assert (sure.cause, sure.root["confidence"]) == ("no-room-on-hosts", 0.95)
    assert desk.explain(state, "gpu.1", *desk.config(), *desk.devices(CARD)).code == 0


@pytest.mark.parametrize(
    "metadata", [{"filter_tenant_id": "a,p"}, {"filter_tenant_id2": "p"}, {"ssd": "yes"}]
)
def test_hosts_of_ones_own_project(desk: Desk, metadata: dict[str, str]) -> None:
    state = way()
    aggregate(state, "ours", ["gpu01", "cpu01"], **metadata)
    assert desk.explain(state, "gpu.1", *desk.config(filters=ISOLATING), *desk.devices(CARD)).code == 0


def test_the_one_host_with_the_card_is_of_another_project(desk: Desk) -> None:
    state = way()
    aggregate(state, "theirs", ["gpu01"], filter_tenant_id="a")
    files = (*desk.config(filters=ISOLATING), *desk.devices(CARD), *desk.devices(host="cpu01"))
    assert desk.explain(state, "gpu.1", *files).cause == "no-room-on-hosts"


def test_a_users_project_is_the_one_that_aggregates_are_judged_for(desk: Desk) -> None:
    state = way()
    state.projects, state.absolutes["b"] = {"b": "research"}, state.absolute
    aggregate(state, "theirs", ["gpu01", "cpu01"], filter_tenant_id="b")
    assert desk.explain(state, "gpu.1").cause == "no-room-on-hosts"
    assert desk.explain(state, "gpu.1", "--project", "research").code == 0


@pytest.mark.parametrize(
    ("options", "metadata", "is_refused"),
    [
        ("limit_tenants_to_placement_aggregate = true", {"filter_tenant_id:1": "p"}, True),
        ("limit_tenants_to_placement_aggregate = true", {"filter_tenant_id": "a,p"}, False),
        ("limit_tenants_to_placement_aggregate = true", {}, False),
        (
            "limit_tenants_to_placement_aggregate = true\nplacement_aggregate_required_for_tenants = true",
            {},
            True,
        ),
        ("placement_aggregate_required_for_tenants = true", {"filter_tenant_id": "p"}, False),
    ],
)
def test_projects_that_are_limited_to_their_aggregates(
    desk: Desk, options: str, metadata: dict[str, str], is_refused: bool
) -> None:
    """Of the aggregate is the host without the card."""
    state = way()
    aggregate(state, "ours", ["cpu01"], **metadata)
    files = (*desk.config(), *desk.devices(CARD), *desk.devices(host="cpu01"))
    with (desk.folder / "api.conf").open("a") as file:
        file.write(f"[scheduler]\n{options}\n")
    told = desk.explain(state, "gpu.1", *files)
    assert told.cause == ("no-room-on-hosts" if is_refused else None), told.out


@pytest.mark.parametrize(("zone", "cause"), [("nova", None), ("cpu-az", "no-room-on-hosts")])
def test_a_migration_does_not_count_on_the_host_that_it_leaves(
    desk: Desk, zone: str, cause: str | None
) -> None:
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", status="ACTIVE", **{HOST: "gpu01"})
    state.failing(SERVER, "migrate", "NoValidHost: No valid host was found.")
    state.pinned[SERVER] = "nova"
    state.services["cpu01"]["zone"] = zone
    assert desk.explain(state, "train").cause == cause


@pytest.mark.parametrize(
    ("policy", "hosts", "rules", "words"),
    [
        ("anti-affinity", {"1": "gpu01", "2": "cpu01"}, {}, "has 1 members already on each host"),
        (
            "anti-affinity",
            {"1": "gpu01", "2": "cpu01", "3": "gpu01", "4": "cpu01"},
            {"max_server_per_host": 2},
            "has 2 members already on each host",
        ),
        ("anti-affinity", {"1": "gpu01", "2": "cpu01"}, {"max_server_per_host": 2}, None),
        ("anti-affinity", {"1": "gpu01"}, {}, None),
        ("affinity", {"1": "old"}, {}, "is on old, and only cpu01, gpu01 could take the server"),
        ("affinity", {"1": "gpu01"}, {}, None),
        ("affinity", {}, {}, None),
        ("soft-anti-affinity", {"1": "gpu01", "2": "cpu01"}, {}, None),
    ],
)
def test_groups(
    desk: Desk, policy: str, hosts: dict[str, str], rules: dict[str, Any], words: str | None
) -> None:
    told = desk.explain(grouped(policy, hosts, rules), "train", *desk.config(), *desk.devices(CARD))
    if words is None:
        assert told.cause is None, told.out
    else:
        assert (told.cause, told.step) == ("no-room-on-hosts", SCHEDULER)
        assert words in told.root["title"]
        assert "affinity_filter.py" in told.root["why"]


def test_the_host_beside_the_group_has_no_card(desk: Desk) -> None:
    files = (*desk.config(), *desk.devices(CARD), *desk.devices(host="cpu01"))
    told = desk.explain(grouped("anti-affinity", {"1": "gpu01"}), "train", *files)
    assert "each host that could take the server: gpu01" in told.root["title"]


def test_without_the_role_the_hosts_of_a_group_are_not_seen(desk: Desk) -> None:
    state = grouped("anti-affinity", {"1": "gpu01"})
    state.is_admin = False
    assert "the hosts of the server group web" in desk.explain(state, "train").unseen
    state.faults = [("GET", "/os-server-groups", 500)]
    assert "the server's group" in desk.explain(state, "train").unseen


def test_no_group_or_zone_is_asked_for_of_a_server_that_runs(desk: Desk) -> None:
    state = grouped("anti-affinity", {"1": "gpu01"})
    state.guests[SERVER] |= {"status": "ACTIVE", HOST: "gpu01"}
    assert desk.explain(state, "train").code == 0
    assert not [path for _, path in state.calls if "os-server-groups" in path]
