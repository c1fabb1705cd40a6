"""A flavor as a request to Placement, as nova makes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.openstack.explain.answers import server_of
from gpucloud.cloud.openstack.explain.request import parts_of, query_of, requests_of
from gpucloud.cloud.openstack.publish.offer import Flavor
from gpucloud.nova.match.placement import Ask


def query(specs: dict[str, str], *devices: Ask, image: dict[str, str] | None = None) -> list[str]:
    flavor = Flavor(4, 8192, 0, extra_specs=specs)
    return [query_of(each, specs.get("group_policy")) for each in requests_of(flavor, image or {}, devices)]


def test_size_classes_and_traits() -> None:
    specs = {"resources:VGPU": "1", "trait:CUSTOM_FAST": "required", "trait:CUSTOM_OLD": "forbidden"}
    (asked,) = query(specs)
    assert asked.split("&") == [
        "resources=MEMORY_MB%3A8192%2CVCPU%3A4%2CVGPU%3A1",
        "required=CUSTOM_FAST%2C%21CUSTOM_OLD",
    ]


def test_an_amount_of_the_flavor_replaces_its_size_and_nothing_is_not_asked_for() -> None:
    assert query({"resources:VCPU": "2", "resources:MEMORY_MB": "0"}) == ["resources=VCPU%3A2"]


def test_all_disks_of_a_guest_are_asked_for_and_swap_is_rounded_up() -> None:
    flavor = Flavor(1, 512, 20, ephemeral_gib=100, swap_mib=1025)
    (request,) = requests_of(flavor, {}, ())
    assert request[""].resources["DISK_GB"] == 122
    of_volume = replace(flavor, disk_gib=0)
    assert next(requests_of(of_volume, {}, ()))[""].resources["DISK_GB"] == 102


def test_a_servers_own_flavor_has_all_its_disks() -> None:
    size = {"vcpus": 1, "ram": 512, "disk": 20, "ephemeral": 100, "swap": 512, "original_name": "a"}
    found = server_of({"id": "1", "name": "train", "status": "ERROR", "flavor": size}).flavor
    assert (found.disk_gib, found.ephemeral_gib, found.swap_mib) == (20, 100, 512)


def test_numbered_groups_and_devices_come_from_one_provider_each() -> None:
    specs = {"resources1:VGPU": "1", "trait1:CUSTOM_A40": "required", "group_policy": "isolate"}
    big = Ask("CUSTOM_GPU", frozenset({"CUSTOM_BIG"}))
    (asked,) = query(specs, Ask("CUSTOM_PCI_10DE_1DB4", frozenset()), big)
    assert asked.split("&") == [
        "resources=MEMORY_MB%3A8192%2CVCPU%3A4",
        "resources1=VGPU%3A1",
        "required1=CUSTOM_A40",
        "resources2=CUSTOM_PCI_10DE_1DB4%3A1",
        "resources3=CUSTOM_GPU%3A1",
        "required3=CUSTOM_BIG",
        "group_policy=isolate",
    ]


def test_a_named_group_is_one_more_beside_the_numbered_ones() -> None:
    specs = {
        "resources_GPU-a:VGPU": "1",
        "trait_GPU-a:CUSTOM_A40": "required",
        "resources7:VGPU": "2",
        "resources_x:": "1",
        f"resources{'9' * 5000}:VGPU": "1",
    }
    (asked,) = query(specs, Ask("CUSTOM_GPU", frozenset()))
    assert asked.split("&")[1:] == [
        "resources7=VGPU%3A2",
        "resources8=VGPU%3A1",
        "required8=CUSTOM_A40",
        "resources9=CUSTOM_GPU%3A1",
        "group_policy=none",
    ]


def test_pinned_processors_are_asked_for_before_shared_ones() -> None:
    asked = query({}, image={"hw_cpu_policy": "dedicated"})
    assert [("PCPU" in each, "VCPU" in each) for each in asked] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("mask", "pinned"), [("0-1", 2), ("0-2,^1", 2), ("^0", 3), ("^0-1,^3", 1), ("0,2-9", 3), ("odd", 0)]
)
def test_a_mixed_guest_asks_for_both_kinds_of_processors_at_once(mask: str, pinned: int) -> None:
    flavor = Flavor(4, 1, 1, extra_specs={"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": mask})
    (request,) = requests_of(flavor, {}, ())
    resources = request[""].resources
    assert (resources.get("PCPU", 0), resources.get("VCPU", 0)) == (pinned, 4 - pinned)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "resources:VGPU",
                "resources2:VGPU",
                "resources_a-B:VGPU",
                "trait:X",
                "trait2:CUSTOM_Y",
                "resources:",
                "x",
            ]
        )
        | st.text(max_size=20),
        st.text(max_size=12) | st.integers(-1, 10**15).map(str),
    )
)
def test_no_extra_spec_breaks_a_request_or_adds_a_parameter(specs: dict[str, str]) -> None:
    for request in requests_of(Flavor(1, 1, 1, extra_specs=specs), {}, ()):
        names = {each.partition("=")[0].rstrip("0123456789") for each in query_of(request, None).split("&")}
        assert names <= {"resources", "required", "group_policy"}
        assert all(name and asked.startswith("resources=") for name, asked in parts_of(request))
