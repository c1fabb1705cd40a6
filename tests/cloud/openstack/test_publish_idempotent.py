"""Whatever a cloud offers and whatever is wanted: once published it is so, and a second run finds nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cloud.openstack.api_state import CloudState
from tests.cloud.openstack.publishing import HEAD, compared, publish

from gpucloud.cloud.openstack.publish.offer import DESCRIPTION
from gpucloud.model.spec import Spec
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

PROJECTS = {"p1": "research", "p2": "teaching"}
FLAVORS = st.fixed_dictionaries(
    {
        "vcpus": st.integers(1, 3),
        "ram_mib": st.sampled_from([512, 1024]),
        "disk_gib": st.integers(0, 2),
    },
    optional={
        "gpus": st.dictionaries(
            st.sampled_from(["a100", "l4", "desktops/nvidia-558", "desktops/nvidia-559", "slices"]),
            st.integers(1, 2),
            max_size=2,
        ).filter(lambda gpus: gpus.get("slices") != 2 or all("desktops" not in each for each in gpus)),
        "traits": st.sampled_from([[], ["CUSTOM_X"], ["CUSTOM_X", "HW_CPU_X86_AVX2"]]),
        "projects": st.sampled_from([[], ["research"], ["p2", "research"]]),
        "hide_hypervisor": st.booleans(),
        "extra_specs": st.sampled_from([{}, {"hw:cpu_policy": "dedicated"}, {"mine:own key": "1"}]),
    },
)
QUOTAS = st.fixed_dictionaries({}, optional={"servers": st.integers(-1, 3), "ram_mib": st.integers(0, 3)})


def with_defaults(quotas: dict[str, Any]) -> dict[str, Any]:
    """Keystone takes limits of projects only of what has a default."""
    if quotas["unified"]:
        for wish in quotas.get("projects", {}).values():
            quotas["default"] = {**wish, **quotas["default"]}
    return quotas


CATALOGUES = st.fixed_dictionaries(
    {},
    optional={
        "flavors": st.dictionaries(st.sampled_from(["a", "b.1", "c d"]), FLAVORS, max_size=3),
        "quotas": st.fixed_dictionaries(
            {"unified": st.booleans(), "default": QUOTAS},
            optional={"projects": st.dictionaries(st.sampled_from(["research", "p2"]), QUOTAS)},
        ).map(with_defaults),
        "images": st.dictionaries(
            st.sampled_from(["ubuntu", "i2"]),
            st.fixed_dictionaries(
                {},
                optional={
                    "gpu": st.booleans(),
                    "properties": st.sampled_from([{"hw_video_model": "none"}, {"os_type": "linux"}]),
                },
            ),
            max_size=2,
        ),
        "aggregates": st.dictionaries(
            st.sampled_from(["g", "h"]),
            st.fixed_dictionaries(
                {},
                optional={
                    "hosts": st.sampled_from([["gpus"], ["gpu01"], ["cpu1", "gpu02"], []]),
                    "metadata": st.sampled_from([{"ssd": "true"}, {"ssd": "false", "x:y": "1"}]),
                    "traits": st.sampled_from([["CUSTOM_GPU_HOST"], ["HW_CPU_X86_AVX2", "CUSTOM_Y"]]),
                },
            ),
            max_size=2,
        ),
    },
)
SPECS = CATALOGUES.map(lambda wish: parse_spec(HEAD + "publish: " + json.dumps(wish)))


def cloud() -> CloudState:
    state = CloudState(hosts=("gpu01", "gpu02", "gpu03", "cpu1"), projects=dict(PROJECTS), page=2)
    for key, name in (("i1", "ubuntu"), ("i2", "windows"), ("i3", "windows")):
        state.images[key] = {
            "id": key,
            "name": name,
            "hw_disk_bus": "virtio",
            "size": 1,
            "visibility": "public",
        }
    state.flavors["1"] = {
        "id": "1",
        "name": "m1.tiny",
        "vcpus": 1,
        "ram": 512,
        "disk": 1,
        "os-flavor-access:is_public": True,
        "description": None,
        "extra_specs": {"hw:cpu_policy": "shared"},
    }
    return state


def kept(state: CloudState) -> Any:
    """All that a user sees, without what the cloud numbers."""
    flavors = {
        each["name"]: ({k: v for k, v in each.items() if k != "id"}, state.access.get(key, set()))
        for key, each in state.flavors.items()
    }
    aggregates = {
        each["name"]: (sorted(each["hosts"]), each["metadata"]) for each in state.aggregates.values()
    }
    return json.loads(json.dumps([flavors, aggregates, state.images, state.quotas], default=sorted))


def test_a_limit_of_a_project_without_a_default_is_refused() -> None:
    wish = {"quotas": {"unified": True, "default": {}, "projects": {"research": {"servers": 0}}}}
    state = cloud()
    found, _ = publish(state, parse_spec(HEAD + "publish: " + json.dumps(wish)))
    assert [(one.kind, one.name) for one in found.refused] == [("limit", "p1")]
    assert state.calls == []


@given(SPECS, SPECS)
def test_what_was_published_is_what_the_spec_says_and_a_second_run_finds_nothing(
    before: Spec, after: Spec
) -> None:
    changed, fresh = cloud(), cloud()
    publish(changed, before)
    found, made = publish(changed, after, prune=True, exact=True)
    assert not found.refused
    assert all(each.failure is None for each in made)
    assert len(changed.calls) == found.count
    again = compared(changed, after, prune=True, exact=True)
    assert (again.chains, again.left) == ((), ())
    publish(fresh, after)
    assert kept(changed)[:3] == kept(fresh)[:3]


@given(SPECS, SPECS)
def test_without_prune_nothing_is_deleted_and_the_rest_is_named(before: Spec, after: Spec) -> None:
    state = cloud()
    publish(state, before)
    found, _ = publish(state, after)
    deletes = [call for call in state.calls if call[0] == "DELETE"]
    replaced = [
        flavor
        for flavor in after.publish.flavors
        if any(old.name == flavor.name for old in before.publish.flavors)
    ]
    assert len(deletes) <= len(replaced)
    assert not any("remove" in str(chain) for chain in found.chains)
    gone = {flavor.name for flavor in before.publish.flavors} - {each.name for each in after.publish.flavors}
    if after.publish.flavors:
        assert gone <= {left.name for left in found.left}


@settings(max_examples=60)
@given(SPECS, st.integers(1, 12), st.sampled_from([500, 409, 403, 404]))
def test_a_run_that_fails_somewhere_is_finished_by_the_next(spec: Spec, limit: int, status: int) -> None:
    state = cloud()
    found = compared(state, spec)
    state.faults.append(("POST", r"action|extra_specs|limits", status))
    publish(state, spec)
    state.faults.clear()
    _, made = publish(state, spec)
    assert all(each.failure is None for each in made)
    assert compared(state, spec, prune=True, exact=True).count == 0
    assert found.count >= 0


@given(SPECS)
def test_what_others_made_stays_as_it_is(spec: Spec) -> None:
    state = cloud()
    publish(state, spec)
    publish(state, parse_spec(HEAD + "publish: {}"), prune=True)
    assert [each["name"] for each in state.flavors.values()] == ["m1.tiny"]
    assert not state.aggregates
    assert {key: dict(image) for key, image in cloud().images.items()} == state.images
    assert all(each["description"] != DESCRIPTION for each in state.flavors.values())
