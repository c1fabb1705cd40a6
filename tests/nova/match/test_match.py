"""Devices, entries and aliases together: who tracks what, what serves whom, what Placement hears."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gpucloud.model.plain import to_plain
from gpucloud.nova.machine import Device, DeviceType, Machine
from gpucloud.nova.match import Config, Match, Topology, match
from gpucloud.nova.match.fit import Fit
from gpucloud.nova.match.serve import Dropped
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases.release import parse_release

PF = Device("0000:25:00.0", "10de", "25b6", DeviceType.PF, numa_node=0)
VFS = tuple(replace(PF, address=f"0000:25:00.{n}", type=DeviceType.VF, parent=PF.address) for n in (1, 2))
CARD = Device("0000:3b:00.0", "10de", "1db4", DeviceType.PCI, numa_node=0)
FAR = Device("0000:86:00.0", "10de", "1db4", DeviceType.PCI, numa_node=1)
UNPLACED = Device("0000:d8:00.0", "10de", "1db4", DeviceType.PCI)

_V100 = {"name": "v100", "vendor_id": "10de", "product_id": "1db4", "device_type": "type-PCI"}
_A16 = {"name": "a16", "vendor_id": "10de", "product_id": "25b6", "device_type": "type-VF"}


def matched(
    *devices: Device,
    specs: list[object],
    aliases: tuple[object, ...] = (),
    release: str = "34",
    report: bool = False,
    in_placement: bool = False,
    flavors: tuple[str, ...] = (),
    topology: Topology | None = None,
) -> Match:
    config = Config(
        [json.dumps(spec) for spec in specs],
        [json.dumps(alias) for alias in aliases],
        report_in_placement=report,
        pci_in_placement=in_placement,
    )
    machine = Machine({device.address: device for device in devices})
    return match(config, machine, parse_release(release), flavors=flavors, topology=topology)


def passes(found: Match, flavor: str) -> bool:
    return fitted(found, flavor).passes_scheduler


def fitted(found: Match, flavor: str) -> Fit:
    fit = found.flavors[flavor]
    assert isinstance(fit, Fit)
    return fit


def stopped(found: Match) -> Refusal:
    assert isinstance(found.providers, Refusal)
    return found.providers


def test_the_first_entry_that_takes_a_device_has_it_and_hides_the_others() -> None:
    found = matched(
        CARD, FAR, specs=[{"vendor_id": "10de"}, {"address": CARD.address, "resource_class": "X"}]
    )
    assert not isinstance(found.tracked, Refusal)
    card, far = found.tracked
    assert card.entry is not None
    assert card.entry.value == 0
    assert [spec.value for spec in card.hidden] == [1]
    assert far.hidden == ()


def test_a_device_that_no_entry_takes_is_shown_without_one() -> None:
    found = matched(CARD, specs=[{"vendor_id": "1002"}])
    assert not isinstance(found.tracked, Refusal)
    assert found.tracked[0].entry is None
    assert found.pools == ()


@pytest.mark.parametrize(("release", "pools"), [("26", 1), ("27", 2)])
def test_equal_cards_share_a_pool_until_antelope(release: str, pools: int) -> None:
    twin = replace(CARD, address="0000:3c:00.0")
    assert len(matched(CARD, twin, specs=[{}], release=release).pools) == pools


def test_a_tag_that_nova_does_not_know_parts_a_pool_but_serves() -> None:
    twin = replace(CARD, address="0000:3c:00.0")
    specs: list[object] = [{"address": CARD.address, "colour": "red"}, {}]
    found = matched(CARD, twin, specs=specs, aliases=(_V100,), release="26", flavors=("v100:2",))
    assert len(found.pools) == 2
    assert passes(found, "v100:2")


def test_what_keeps_a_pool_from_an_alias_is_named() -> None:
    found = matched(PF, CARD, specs=[{}], aliases=({**_V100, "device_type": "type-PF"},))
    reasons = {out.pool.devices[0].address: (out.reason, out.keys) for out in found.choices["v100"].left_out}
    assert reasons == {
        CARD.address: (Dropped.PROPERTIES, ("dev_type",)),
        PF.address: (Dropped.PROPERTIES, ("product_id",)),
    }


def test_an_alias_without_a_type_takes_vfs_and_plain_devices_but_no_pf() -> None:
    bare = {"name": "a", "vendor_id": "10de", "product_id": "25b6"}
    choice = matched(PF, *VFS, specs=[{}], aliases=(bare,)).choices["a"]
    assert choice.count == 2
    assert [out.reason for out in choice.left_out] == [Dropped.UNREQUESTED_PF]


@pytest.mark.parametrize(("release", "built"), [("17", False), ("18", True)])
def test_upper_case_ids_match_since_rocky(release: str, built: bool) -> None:
    upper = {**_V100, "vendor_id": "10DE"}
    found = matched(CARD, specs=[{}], aliases=(upper,), release=release, flavors=("v100:1",))
    assert passes(found, "v100:1") is built


@pytest.mark.parametrize(
    ("policy", "built"),
    [("required", 1), ("socket", 1), ("legacy", 2), ("preferred", 3)],
)
def test_numa_policies_allow_more_and_more_devices(policy: str, built: int) -> None:
    flavors = tuple(f"v100:{count}" for count in (1, 2, 3))
    found = matched(
        CARD,
        FAR,
        UNPLACED,
        specs=[{}],
        aliases=({**_V100, "numa_policy": policy},),
        flavors=flavors,
        topology=Topology((0,), {0: 0, 1: 1}),
    )
    assert [passes(found, flavor) for flavor in flavors] == [n <= built for n in (1, 2, 3)]


def test_socket_affinity_reaches_the_other_nodes_of_the_socket() -> None:
    found = matched(
        CARD,
        FAR,
        specs=[{}],
        aliases=({**_V100, "numa_policy": "socket"},),
        flavors=("v100:2",),
        topology=Topology((0,), {0: 0, 1: 0}),
    )
    assert passes(found, "v100:2")


def test_between_wallaby_and_yoga_each_alias_is_counted_alone_and_the_host_refuses_later() -> None:
    other = {**_V100, "name": "b"}
    fits = [
        fitted(
            matched(CARD, specs=[{}], aliases=(_V100, other), release=release, flavors=("v100:1,b:1",)),
            "v100:1,b:1",
        )
        for release in ("22", "23", "25", "26")
    ]
    assert [fit.passes_scheduler for fit in fits] == [False, True, True, False]
    assert [fit.devices for fit in fits] == [None] * 4


def test_a_flavor_gets_the_devices_that_nova_would_hand_out() -> None:
    found = matched(CARD, FAR, specs=[{}], aliases=(_V100,), release="26", flavors=("v100:1", "v100:2"))
    devices = [fitted(found, flavor).devices for flavor in ("v100:1", "v100:2")]
    assert devices == [(CARD,), (CARD, FAR)]


def test_a_pf_and_one_of_its_vfs_cannot_go_to_the_same_guest() -> None:
    whole = {**_A16, "name": "whole", "device_type": "type-PF"}
    found = matched(PF, *VFS, specs=[{}], aliases=(_A16, whole), flavors=("a16:1,whole:1", "whole:1,a16:1"))
    for flavor in ("a16:1,whole:1", "whole:1,a16:1"):
        assert fitted(found, flavor) == Fit(passes_scheduler=True, devices=None)


@pytest.mark.parametrize(("tag", "value"), [("x", float("nan")), ("count", 1)])
def test_a_tag_that_hides_a_pool_from_nova_makes_the_host_refuse(tag: str, value: object) -> None:
    found = matched(PF, *VFS, specs=[{tag: value}], aliases=(_A16,), flavors=("a16:1",))
    assert fitted(found, "a16:1") == Fit(passes_scheduler=True, devices=None)


def test_an_alias_must_ask_placement_for_the_class_that_the_entry_gives() -> None:
    spec = {"address": CARD.address, "resource_class": "CUSTOM_GPU", "traits": "big"}
    by_class = {**_V100, "name": "right", "resource_class": "custom_gpu", "traits": "CUSTOM_BIG"}
    found = matched(
        CARD,
        specs=[spec],
        aliases=(_V100, by_class),
        report=True,
        in_placement=True,
        flavors=("v100:1", "right:1"),
    )
    assert found.asks is not None
    assert found.asks["v100"].resource_class == "CUSTOM_PCI_10DE_1DB4"
    assert [passes(found, flavor) for flavor in ("v100:1", "right:1")] == [False, True]
    assert [out.reason for out in found.choices["v100"].left_out] == [Dropped.PLACEMENT]


def test_nothing_can_be_built_where_placement_is_asked_but_not_told() -> None:
    found = matched(CARD, specs=[{}], aliases=(_V100,), in_placement=True, flavors=("v100:1",))
    assert not passes(found, "v100:1")


def test_a_live_migratable_alias_wants_devices_that_say_so() -> None:
    specs: list[object] = [{"address": CARD.address, "live_migratable": "yes"}, {}]
    for wanted, address in (("yes", CARD.address), ("no", None)):
        alias = {**_V100, "live_migratable": wanted}
        choice = matched(CARD, FAR, specs=specs, aliases=(alias,)).choices["v100"]
        served = [stock.pool.devices[0].address for stock in choice.serving]
        assert served == ([address] if address else [])


def test_a_pf_and_its_vfs_together_stop_the_report_to_placement() -> None:
    refused = stopped(matched(PF, *VFS, specs=[{"vendor_id": "10de"}], report=True))
    assert refused.exception == "PlacementPciDependentDeviceException"
    assert refused.message.startswith("Configuring both 0000:25:00.1 and 0000:25:00.0 in [pci]device_spec")


def test_the_guides_example_of_two_classes_on_one_pf_is_refused() -> None:
    specs: list[object] = [
        {"address": VFS[0].address, "resource_class": "CUSTOM_A16_16A"},
        {"address": VFS[1].address, "resource_class": "CUSTOM_A16_8A"},
    ]
    assert stopped(matched(PF, *VFS, specs=specs, report=True)).message == (
        "VFs from the same PF cannot be configured with different 'resource_class' values in "
        "[pci]device_spec. We got CUSTOM_A16_8A for 0000:25:00.2 and CUSTOM_A16_16A for 0000:25:00.1."
    )


def test_vfs_are_the_inventory_of_their_pf() -> None:
    found = matched(PF, *VFS, specs=[{"address": "0000:25:00.[1-2]", "vendor_id": "10de"}], report=True)
    assert isinstance(found.specs, Refusal)  # nova has no ranges within a field
    specs: list[object] = [{"address": {"function": "[12]"}, "traits": "blue, big", "resource_class": "pgpu"}]
    found = matched(PF, *VFS, specs=specs, report=True)
    assert isinstance(found.providers, tuple)
    (provider,) = found.providers
    assert (provider.name, provider.resource_class, len(provider.devices)) == ("HOST_0000:25:00.0", "PGPU", 2)
    assert provider.traits == {"CUSTOM_BLUE", "CUSTOM__BIG", "COMPUTE_MANAGED_PCI_DEVICE", "OWNER_NOVA"}


def test_a_device_with_a_network_is_not_told_to_placement() -> None:
    found = matched(CARD, specs=[{"physical_network": "net1"}], report=True)
    assert found.providers == ()


@pytest.mark.parametrize(("release", "told"), [("25", False), ("26", True)])
def test_placement_is_told_since_zed(release: str, told: bool) -> None:
    assert (matched(CARD, specs=[{}], report=True, release=release).providers is not None) is told


@pytest.mark.parametrize(
    ("release", "answer"), [("21.2.1", "stops"), ("21.2.2", "skips"), ("22.2.1", "stops"), ("23", "skips")]
)
def test_a_domain_above_ffff_stopped_nova_once(release: str, answer: str) -> None:
    wide = replace(CARD, address="10000:01:00.0")
    tracked = matched(wide, CARD, specs=[{}], release=release).tracked
    if answer == "stops":
        assert isinstance(tracked, Refusal)
    else:
        assert not isinstance(tracked, Refusal)
        assert [each.passed_over is None for each in tracked] == [True, False]


def test_flavors_are_refused_with_what_is_wrong_with_the_aliases() -> None:
    found = matched(CARD, specs=[{}], aliases=({"name": "a"},), flavors=("a:1",))
    assert found.flavors["a:1"] == found.aliases


def test_a_name_defined_twice_is_served_by_either_device() -> None:
    both = ({**_A16, "name": "any"}, {**_A16, "name": "any", "product_id": "1db4"})
    found = matched(PF, *VFS, CARD, specs=[{}], aliases=both, release="26", flavors=("any:2",))
    assert passes(found, "any:2")


def test_all_of_it_can_be_written_as_json() -> None:
    specs: list[object] = [{"address": {"bus": "25"}}, {"vendor_id": "10de"}]
    found = matched(
        PF, *VFS, CARD, specs=specs, aliases=(_A16,), report=True, in_placement=True, flavors=("a16:1",)
    )
    plain = json.loads(json.dumps(to_plain(found)))
    assert plain["tracked"][0]["entry"]["address"]["form"]["parts"] == [".*", "25", ".*", ".*"]
