"""What others and the services do meanwhile: snapshots, hands, old keystones, answers that mean otherwise."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from tests.cloud.openstack.api_state import CloudState
from tests.cloud.openstack.publishing import HEAD, PLACE, compared, found, publish, send_to
from tests.cloud.openstack.test_publish_idempotent import cloud

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.publish.carry_out import Carrier, Made
from gpucloud.cloud.openstack.publish.show import render_compared
from gpucloud.model.failure import Failure
from gpucloud.model.line import Copied
from gpucloud.model.spec import Spec
from gpucloud.spec import parse_spec

IMAGE = "{images: {ubuntu: {gpu: true}}}"
SMALL = "{flavors: {a: {vcpus: 1, ram_mib: 512, disk_gib: 1, projects: [research]}}}"
BIG = SMALL.replace("512", "1024")
UNIFIED = "{quotas: {unified: true, default: {servers: 3}, projects: {research: {servers: 5}}}}"


def spec_of(wish: str) -> Spec:
    return parse_spec(f"{HEAD}publish: {wish}\n")


def made_through(
    state: CloudState, spec: Spec, send: Callable[[Call], Any], stop: Event | None = None
) -> tuple[Made, ...]:
    chains = compared(state, spec).chains
    return Carrier(send, 1, PLACE, stop or Event()).carry_out(chains, lambda done: None)


def the_flavor(state: CloudState) -> dict[str, Any]:
    return next(each for each in state.flavors.values() if each["name"] == "a")


def test_the_snapshot_of_a_server_keeps_what_its_image_had() -> None:
    state = cloud()
    publish(state, spec_of(IMAGE))
    state.snapshot("i1", "s1")
    before = dict(state.images["s1"])
    assert compared(state, spec_of(IMAGE)).left == ()
    publish(state, spec_of("{}"), prune=True)
    assert state.images["s1"] == before
    assert "hw_machine_type" not in state.images["i1"]


def test_a_snapshot_that_is_wanted_itself_gets_a_record_of_its_own() -> None:
    state = cloud()
    publish(state, spec_of(IMAGE))
    state.snapshot("i1", "s1")
    publish(state, spec_of("{images: {s1: {properties: {os_type: linux}}}}"))
    assert state.images["s1"]["gpucloud_properties"] == "s1:os_type"
    publish(state, spec_of("{}"), prune=True)
    assert "os_type" not in state.images["s1"]
    assert state.images["s1"]["hw_machine_type"] == "q35"


def test_a_flavor_of_another_size_keeps_what_was_added_by_hand() -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    key = the_flavor(state)["id"]
    the_flavor(state)["extra_specs"]["hw:cpu_policy"] = "dedicated"
    state.access[key].add("p2")
    differences, _ = publish(state, spec_of(BIG))
    assert {"    + hw:cpu_policy=dedicated", "    + project p2"} <= {*render_compared(differences)}
    assert the_flavor(state)["extra_specs"] == {"hw:cpu_policy": "dedicated"}
    assert state.access[key] == {"p1", "p2"}


def test_with_exact_it_loses_that_and_shows_it() -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    the_flavor(state)["extra_specs"]["hw:cpu_policy"] = "dedicated"
    differences, _ = publish(state, spec_of(BIG), exact=True)
    assert "    - hw:cpu_policy=dedicated" in render_compared(differences)
    assert the_flavor(state)["extra_specs"] == {}


def test_prune_takes_nothing_away_that_somebody_may_have_added() -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    the_flavor(state)["extra_specs"]["hw:cpu_policy"] = "dedicated"
    differences, _ = publish(state, spec_of(SMALL), prune=True)
    assert [left.what for left in differences.left] == ["extra spec hw:cpu_policy=dedicated"]
    assert the_flavor(state)["extra_specs"] == {"hw:cpu_policy": "dedicated"}
    publish(state, spec_of(SMALL), exact=True)
    assert the_flavor(state)["extra_specs"] == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("swap", 512, "swap=512"),
        ("OS-FLV-EXT-DATA:ephemeral", 10, "ephemeral=10"),
        ("rxtx_factor", 2.0, "rxtx_factor=2.0"),
    ],
)
def test_what_no_spec_says_of_a_flavor_is_not_lost(name: str, value: object, says: str) -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    the_flavor(state)[name] = value
    assert compared(state, spec_of(SMALL)).count == 0
    (refused,) = compared(state, spec_of(BIG)).refused
    assert says in refused.why


def test_ctrl_c_does_not_come_between_a_flavor_and_its_new_size() -> None:
    state, stop = cloud(), Event()
    publish(state, spec_of(SMALL))
    the_flavor(state)["extra_specs"]["hw:cpu_policy"] = "dedicated"
    key, send = the_flavor(state)["id"], send_to(state)

    def send_and_stop(call: Call) -> Any:
        if call.method == "DELETE":
            stop.set()
        return send(call)

    made = made_through(state, spec_of(BIG), send_and_stop, stop)
    assert [each.done for each in made] == [4]
    assert the_flavor(state)["id"] == key
    assert the_flavor(state)["extra_specs"] == {"hw:cpu_policy": "dedicated"}
    assert state.access[key] == {"p1"}


def test_a_flavor_that_is_not_made_again_is_named_with_its_id() -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    key = the_flavor(state)["id"]
    state.faults.append(("POST", r"flavors$", 500))
    _, (made,) = publish(state, spec_of(BIG))
    assert made.failure is not None
    assert f"the id {key} is deleted and not made again" in made.failure.what
    assert (
        f"flavor create --id {key} --vcpus 1 --ram 1024 --disk 1 --private --description "
        "'made by gpucloud publish' a" in made.failure.then
    )


def test_what_a_flavor_made_again_still_lacks_is_named() -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    the_flavor(state)["extra_specs"]["hw:cpu_policy"] = "dedicated"
    state.faults.append(("POST", "extra_specs", 500))
    _, (made,) = publish(state, spec_of(BIG))
    assert made.failure is not None
    assert "lacks now: flavor a: + hw:cpu_policy=dedicated; flavor a: + project p1" in made.failure.what


def test_an_aggregate_without_its_mark_is_named_and_not_adopted() -> None:
    state = cloud()
    wish = spec_of("{aggregates: {g: {hosts: gpu01}}}")
    state.faults.append(("POST", r"os-aggregates/.*/action", 500))
    _, (made,) = publish(state, wish)
    assert made.failure is not None
    assert "openstack aggregate set --property gpucloud:published=yes g" in made.failure.then
    state.faults.clear()
    (refused,) = compared(state, wish).refused
    assert "gpucloud:published=yes" in refused.then


def test_ctrl_c_does_not_come_between_an_aggregate_and_its_mark() -> None:
    state, stop = cloud(), Event()
    send = send_to(state)

    def send_and_stop(call: Call) -> Any:
        stop.set()
        return send(call)

    wish = spec_of("{aggregates: {g: {hosts: gpu01}}}")
    made = made_through(state, wish, send_and_stop, stop)
    assert [each.done for each in made] == [2]
    publish(state, wish)
    assert compared(state, wish).count == 0


def test_limits_of_other_projects_are_seen_as_the_system_sees_them() -> None:
    state = cloud()
    publish(state, spec_of(UNIFIED))
    assert compared(state, spec_of(UNIFIED)).count == 0
    publish(state, spec_of(UNIFIED.replace("5", "6")))
    assert [each["resource_limit"] for each in state.limits.values()] == [6]


def test_a_keystone_that_hides_limits_is_said_to() -> None:
    state = cloud()
    state.knows_system = False
    publish(state, spec_of(UNIFIED))
    _, (made,) = publish(state, spec_of(UNIFIED))
    assert made.failure is not None
    assert "hides other projects' limits from this token" in made.failure.what
    state.shows_all_limits = True
    assert compared(state, spec_of(UNIFIED)).count == 0


def test_a_project_keeps_what_it_is_to_have_where_the_default_changes_in_the_same_run() -> None:
    state = cloud()
    wish = spec_of("{quotas: {default: {vcpus: 30}, projects: {research: {vcpus: 20}}}}")
    differences, _ = publish(state, wish)
    assert [(chain.name, chain.phase) for chain in differences.chains] == [("default", 3), ("p1", 2)]
    assert (state.default_quota["cores"], state.quotas["p1"]["cores"]) == (30, 20)
    assert compared(state, wish).count == 0


def test_a_nova_that_forgets_quotas_is_told_from_one_that_keeps_them() -> None:
    state = cloud()
    state.has_unified_limits = True
    _, (made,) = publish(state, spec_of("{quotas: {default: {servers: 3}}}"))
    assert made.failure is not None
    assert "this nova keeps limits in keystone" in made.failure.what
    assert "unified: true" in made.failure.then


def test_traits_are_written_though_placement_changes_meanwhile() -> None:
    state = cloud()
    raised: list[Call] = []
    send = send_to(state)

    def send_late(call: Call) -> Any:
        if call.method == "PUT" and "rp-" in call.path and len(raised) < 3:
            raised.append(call)
            state.generations["rp-gpu01"] = len(raised)
            state.known_traits.add("CUSTOM_OTHER")
            state.traits["rp-gpu01"] = {"CUSTOM_OTHER"}
        return send(call)

    made = made_through(state, spec_of("{aggregates: {g: {hosts: gpu01, traits: CUSTOM_X}}}"), send_late)
    assert all(each.failure is None for each in made)
    assert state.traits["rp-gpu01"] == {"CUSTOM_OTHER", "CUSTOM_X"}


def test_traits_of_hosts_come_before_aggregates_that_change_their_generation() -> None:
    found = compared(cloud(), spec_of("{aggregates: {g: {hosts: gpu01, traits: CUSTOM_X}}}"))
    phases = {chain.kind: int(chain.phase) for chain in found.chains}
    assert phases == {"trait": 0, "host": 1, "aggregate": 2}


def test_an_id_is_meant_before_the_name_of_another_project() -> None:
    state = cloud()
    state.projects["p9"] = "p1"
    publish(state, spec_of("{quotas: {projects: {p1: {servers: 3}}}}"))
    assert [*state.quotas] == ["p1"]


@pytest.mark.parametrize("wish", [SMALL, UNIFIED])
def test_what_keystone_cuts_off_is_no_whole_list(wish: str) -> None:
    state = cloud()
    publish(state, spec_of(UNIFIED.replace("default: {", "default: {vcpus: 2, ")))
    state.most_listed = 1
    with pytest.raises(Failure, match="and has more; raise list_limit"):
        compared(state, spec_of(wish))


def test_images_of_other_projects_take_no_name_away() -> None:
    state = cloud()
    state.images["x1"] = {"id": "x1", "name": "ubuntu", "visibility": "private", "owner": "other"}
    publish(state, spec_of(IMAGE))
    assert "hw_machine_type" not in state.images["x1"]
    publish(state, spec_of("{images: {x1: {gpu: true}}}"))
    assert state.images["x1"]["hw_machine_type"] == "q35"


def test_a_hidden_image_is_found() -> None:
    state = cloud()
    state.images["i1"]["os_hidden"] = True
    publish(state, spec_of(IMAGE))
    assert state.images["i1"]["hw_machine_type"] == "q35"


def test_hosts_after_a_short_page_are_found() -> None:
    state = cloud()
    state.orphans = frozenset({"gpu01"})
    differences = compared(state, spec_of("{aggregates: {g: {hosts: cpu1}}}"))
    assert differences.count == 3


@pytest.mark.parametrize(
    "name", ["name", "visibility", "min_ram", "status", "os_glance_x", "gpucloud_properties"]
)
def test_what_is_glances_own_is_no_property(name: str) -> None:
    with pytest.raises(Failure, match="is glance's own or ours"):
        compared(cloud(), spec_of(f"{{images: {{ubuntu: {{properties: {{{name}: x}}}}}}}}"))


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (
            "{images: {ubuntu: {properties: {hw_machine_typ: q35}}}}",
            "image ubuntu: hw_machine_typ: no release",
        ),
        (
            SMALL.replace("projects: [research]", "extra_specs: {'pci_passthrough:alias': 'big:1,bog:1'}"),
            "flavor a: pci_passthrough:alias: no pool of this spec has the alias bog",
        ),
        (
            SMALL.replace("projects: [research]", "traits: [CUSTOM_GPU_HSOT]"),
            "flavor a: trait:CUSTOM_GPU_HSOT: Placement knows no such trait",
        ),
    ],
)
def test_what_may_be_written_wrong_is_said(wish: str, says: str) -> None:
    (doubt,) = found(cloud(), spec_of(wish)).doubts
    assert says in doubt


def test_what_a_property_was_before_comes_back_with_prune() -> None:
    state = cloud()
    before = "pc,q35=6.2: é"
    state.images["i1"] |= {"hw_machine_type": before}
    publish(state, spec_of(IMAGE))
    assert state.images["i1"]["hw_machine_type"] == "q35"
    assert compared(state, spec_of(IMAGE)).count == 0
    publish(state, spec_of("{}"), prune=True)
    assert state.images["i1"]["hw_machine_type"] == before
    assert {"hw_firmware_type", "gpucloud_properties"}.isdisjoint(state.images["i1"])


def test_a_trait_that_an_aggregate_gives_or_placement_has_is_fine() -> None:
    flavors = (
        "flavors: {a: {vcpus: 1, ram_mib: 512, disk_gib: 1, traits: [CUSTOM_GPU_HOST, HW_CPU_X86_AVX2]}}"
    )
    given = "aggregates: {ag: {hosts: [gpu01], traits: [CUSTOM_GPU_HOST]}}"
    assert found(cloud(), spec_of(f"{{{flavors}, {given}}}")).doubts == ()


@pytest.mark.parametrize(
    ("release", "missing"),
    [
        ("25", ["class:DISK_GB", "class:VGPU", "server_metadata_items", "servers"]),
        ("30", ["class:DISK_GB", "class:VGPU", "server_metadata_items", "servers"]),
        ("34", ["servers"]),
    ],
)
def test_limits_that_nova_takes_for_zero_are_named(release: str, missing: list[str]) -> None:
    said = "{vcpus: 40, ram_mib: 99999}"
    assert [limit_of(each) for each in limited(release, said)] == missing
    all_said = (
        "{vcpus: 40, ram_mib: 99999, servers: 5, resources: {DISK_GB: 900, VGPU: 8}}"
        if release != "34"
        else "{servers: 5}"
    )
    left = [limit_of(each) for each in limited(release, all_said)]
    assert left == [each for each in missing if each == "server_metadata_items"]


def limited(release: str, default: str) -> tuple[str, ...]:
    """What is doubted of a cloud whose limits keystone keeps."""
    spec = parse_spec(
        f"openstack: {{release: '{release}'}}\n"
        "pools: {desk: {use: vgpu, match: {model: 'A40*'}, vgpu_types: [{type: nvidia-558}]}}\n"
        "publish:\n"
        "  flavors: {g: {vcpus: 4, ram_mib: 8192, disk_gib: 40, gpus: {desk: 1}}}\n"
        f"  quotas: {{unified: true, default: {default}}}\n"
    )
    return found(CloudState(has_unified_limits=True), spec).doubts


def limit_of(doubt: str) -> str:
    return doubt.removeprefix("quotas: keystone has no limit of ").partition(" ")[0]


def test_a_spec_without_the_section_prunes_nothing() -> None:
    state = cloud()
    publish(state, spec_of(SMALL))
    with pytest.raises(Failure, match="this spec has no section publish"):
        publish(state, parse_spec(HEAD), prune=True)
    assert compared(state, spec_of("{}"), prune=True).count == 1


def test_a_name_that_others_gave_begins_no_line_of_its_own() -> None:
    state = cloud()
    state.images["i1"]["name"] = "x\n- flavor gpu"
    lines = render_compared(compared(state, spec_of("{images: {i1: {gpu: true}}}")))
    assert lines[0] == "~ image x?- flavor gpu"
    assert all(isinstance(line, Copied) for line in lines)


@pytest.mark.parametrize("key", ["filter_tenant_id", "filter_tenant_id7", "availability_zone"])
def test_an_aggregate_that_keeps_hosts_apart_goes_only_when_that_is_asked(key: str) -> None:
    state = cloud()
    publish(state, spec_of("{aggregates: {own: {}, plain: {}}}"))
    apart = next(each for each in state.aggregates.values() if each["name"] == "own")
    apart["metadata"][key] = "somebody's"
    told, _ = publish(state, spec_of("{}"), prune=True)
    assert [each["name"] for each in state.aggregates.values()] == ["own"]
    assert [each for each in map(str, told.left) if f"for {key} holds for its hosts: --exact" in each]
    publish(state, spec_of("{}"), prune=True, exact=True)
    assert not state.aggregates
