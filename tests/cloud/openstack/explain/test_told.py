"""Scheduler hints, and a host that alone was asked for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.openstack.explain.asking import CARD, FILTERS, Desk
from tests.cloud.openstack.explain.test_ten_setups import SERVER, failed
from tests.cloud.openstack.explain.way_state import NO_HOST, WayState, way

from gpucloud.cloud.openstack.explain.rules.told import parse_forced

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

HOST = "OS-EXT-SRV-ATTR:host"
HINTED = f"{FILTERS},PciPassthroughFilter,SameHostFilter,DifferentHostFilter"
HINTS = "the server's scheduler hints"
FORCED = "whether one host alone was asked for"


def hinted(hint: str, on: dict[str, str]) -> WayState:
    """A failed server whose hint names servers, each on its host."""
    state = failed(way())
    for key, host in on.items():
        state.guest(key, f"web-{key}", "id-gpu.1", status="ACTIVE", **{HOST: host})
        state.guests[key]["flavor"] = {**state.guests[key]["flavor"], "extra_specs": {}}
    state.hints[SERVER] = {hint: list(on) or ["gone"]}
    return state


def spec_of(server: str, hosts: list[str] | None, nodes: list[str] | None = None) -> str:
    """As `mysql --batch --raw` prints a row of request_specs, cut down to what matters."""
    data = {"instance_uuid": server, "force_hosts": hosts, "force_nodes": nodes, "num_instances": 1}
    return json.dumps({"nova_object.name": "RequestSpec", "nova_object.data": data})


@pytest.mark.parametrize(
    ("hint", "on", "words"),
    [
        ("same_host", {"a": "old"}, "are on old, and only cpu01, gpu01 could take the server"),
        ("same_host", {}, "are on no host"),
        ("same_host", {"a": "old", "b": "gpu01"}, None),
        (
            "different_host",
            {"a": "gpu01", "b": "cpu01"},
            "leaves no host: servers that it names are on each of cpu01, gpu01",
        ),
        ("different_host", {"a": "gpu01"}, None),
        ("different_host", {}, None),
    ],
)
def test_hints_that_name_servers(desk: Desk, hint: str, on: dict[str, str], words: str | None) -> None:
    told = desk.explain(hinted(hint, on), "train", *desk.config(filters=HINTED), *desk.devices(CARD))
    if words is None:
        assert told.cause is None, told.out
    else:
        assert (told.cause, told.root["confidence"]) == ("no-room-on-hosts", 0.9)
        assert words in told.root["title"]
        assert "affinity_filter.py" in told.root["why"]
    assert HINTS not in told.unseen


def test_the_hosts_beside_have_no_card(desk: Desk) -> None:
    state = hinted("different_host", {"a": "gpu01"})
    files = (*desk.config(filters=HINTED), *desk.devices(CARD), *desk.devices(host="cpu01"))
    assert "on each of gpu01" in desk.explain(state, "train", *files).root["title"]


def test_a_hint_counts_where_its_filter_may_be_in_the_list(desk: Desk) -> None:
    """Nova's own list has none of them; without its file nobody knows."""
    state = hinted("same_host", {"a": "old"})
    assert desk.explain(state, "train", *desk.config(), *desk.devices(CARD)).cause is None
    assert desk.explain(state, "train").root["confidence"] == 0.6


def test_hints_that_only_nova_judges(desk: Desk) -> None:
    state = failed(way())
    state.hints[SERVER] = {"query": ['[">=","$free_ram_mb",1024]'], "reservation": ["x"]}
    (said,) = (one for one in desk.explain(state, "train").unseen if "hint query" in one)
    assert said.startswith("the hosts that the hint query=")


def test_what_is_not_seen_of_hints_is_said(desk: Desk) -> None:
    state = hinted("same_host", {"a": "old"})
    state.is_admin = False
    assert "the hosts of the servers that the hint same_host names" in desk.explain(state, "train").unseen
    state.newest = (2, 96)
    assert HINTS in desk.explain(state, "train").unseen
    state.newest, state.faults = (2, 100), [("GET", f"/servers/{SERVER}", 500)]
    assert HINTS in desk.explain(state, "train").unseen


@pytest.mark.parametrize(
    ("hosts", "nodes", "words"),
    [
        (["gone"], None, "asked for on gone alone, and no nova-compute has that name"),
        (["CPU01"], None, "asked for on CPU01 alone, which cannot take it; gpu01 could"),
        (["gpu01"], None, None),
        (None, None, None),
        ([], [], None),
        (["gpu01"], ["gone"], "no nova-compute has that name"),
    ],
)
def test_a_host_that_alone_was_asked_for(
    desk: Desk, hosts: list[str] | None, nodes: list[str] | None, words: str | None
) -> None:
    spec = desk.text("spec.txt", f"spec\n{spec_of('another', ['gpu01'])}\n{spec_of(SERVER, hosts, nodes)}\n")
    files = (*desk.config(), *desk.devices(CARD), *desk.devices(host="cpu01"))
    told = desk.explain(failed(way()), "train", *files, "--evidence", spec)
    assert FORCED not in told.unseen
    if words is None:
        assert told.cause is None, told.out
    else:
        assert (told.cause, told.step) == ("no-room-on-hosts", "the scheduler finds a host")
        assert words in told.root["title"]
        assert told.root["evidence"][0]["key"] == f"request spec in {spec}"


def test_the_host_that_was_asked_for_is_disabled(desk: Desk) -> None:
    state = failed(way())
    state.services["gpu01"]["status"] = "disabled"
    told = desk.explain(state, "train", "--evidence", desk.text("spec", spec_of(SERVER, ["gpu01"])))
    assert "cannot take it; cpu01 could" in told.root["title"]
    assert told.root["evidence"][1]["text"] == "zone nova, disabled or down"


def test_nova_itself_names_a_host_that_is_not_there(desk: Desk) -> None:
    state = way()
    words = "No valid host was found. No such host - host: gone node: None "
    state.guest(SERVER, "train", "id-gpu.1", fault={**NO_HOST, "message": words, "details": words})
    told = desk.explain(state, "train")
    assert "asked for on gone alone, and no nova-compute" in told.root["title"]


def test_where_nothing_tells_of_a_forced_host_that_is_said(desk: Desk) -> None:
    told = desk.explain(failed(way()), "train", *desk.config(), *desk.devices(CARD))
    (why,) = (one["why"] for one in told.plain["could_not_look"] if one["fact"] == FORCED)
    assert f"instance_uuid {SERVER}" in why
    other = desk.text("spec", spec_of("another", ["gone"]))
    assert FORCED in desk.explain(failed(way()), "train", "--evidence", other).unseen


names = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,20}", fullmatch=True), max_size=4)


@given(hosts=names, nodes=names, is_escaped=st.booleans())
def test_a_request_spec_is_read_as_nova_writes_it(
    hosts: list[str], nodes: list[str], is_escaped: bool
) -> None:
    text = spec_of(SERVER, hosts, nodes)
    found = parse_forced({"spec": text.replace('"', '\\"') if is_escaped else text}, SERVER)
    assert found is not None
    assert (found.hosts, found.nodes) == (frozenset(hosts), frozenset(nodes))


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    parse_forced({"spec": f"{SERVER} force_hosts {text}"}, SERVER)
