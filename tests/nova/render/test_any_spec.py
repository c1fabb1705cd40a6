"""Whatever is wanted of equal cards: it is refused, or each alias gets exactly its own cards."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from tests.hosts.catalogue import host_of
from tests.nova.render.clouds import H100
from tests.nova.render.read_back import configuration_for, pci_config

from gpucloud.model.failure import Failure
from gpucloud.nova.machine import machine_of
from gpucloud.nova.match import match
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases.release import SERIES
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.spec import parse_spec

_CAPTURED = "built-hgx-h100"
_CARDS = sorted(H100)

_LAYOUTS = ["packages", "kolla-ansible", "openstack-ansible", "devstack"]
_KEYS = {
    "alias": st.sampled_from(["x", "y", "h100 big"]),
    "traits": st.lists(st.sampled_from(["CUSTOM_T", "BLUE"]), unique=True, min_size=1),
    "numa_policy": st.sampled_from(["required", "legacy", "preferred", "socket"]),
    "device_type": st.just("type-PF"),
    "managed": st.booleans(),
    "live_migratable": st.booleans(),
    "one_time_use": st.booleans(),
}
_NEW = [release for release in SERIES if release.number >= 31]


@st.composite
def nova_settings(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Few keys at a time, and mostly a class of the pool's own."""
    chosen = draw(st.lists(st.sampled_from(sorted(_KEYS)), unique=True, max_size=2))
    said = {key: draw(_KEYS[key]) for key in chosen}
    if draw(st.integers(0, 3)):
        said["resource_class"] = draw(st.sampled_from([f"CUSTOM_{name.upper()}"] * 4 + ["CUSTOM_B", "VGPU"]))
    return said


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Up to three pools that share the cards of a host."""
    count = len(_CARDS)
    owners = draw(st.lists(st.sampled_from("aaabc-"), min_size=count, max_size=count))
    pools = {
        name: {
            "use": "passthrough",
            "match": {"address": [card for card, owner in zip(_CARDS, owners, strict=True) if owner == name]},
            "nova": draw(nova_settings(name)),
        }
        for name in draw(st.sampled_from(["a", "a", "ab", "abc"]))
        if name in owners
    }
    step = draw(st.sampled_from(["off", "report", "schedule", "schedule", "schedule"]))
    return {"openstack": {"release": "34", "placement": step}, "pools": pools}


@given(specs(), st.sampled_from([*_NEW, *_NEW, *_NEW, *SERIES]), st.sampled_from(_LAYOUTS))
def test_each_alias_gets_its_cards_or_it_is_refused(spec: dict[str, Any], release: Any, layout: str) -> None:
    try:
        found = render(parse_spec(json.dumps(spec)), {"gpu01": host_of(_CAPTURED)}, release, LAYOUTS[layout])
    except Failure:
        event("refused")
        return
    event("rendered")
    read = configuration_for(layout, found.files, "compute", "gpu01")
    made = match(pci_config(read, release), machine_of(host_of(_CAPTURED)), release)
    assert not isinstance(made.aliases, Refusal)
    wanted: dict[str, set[str]] = {}
    for name, pool in spec["pools"].items():
        wanted.setdefault(pool["nova"].get("alias", name), set()).update(pool["match"]["address"])
    served = {
        name: {device.address for stock in choice.serving for device in stock.pool.devices}
        for name, choice in made.choices.items()
    }
    assert served == wanted
