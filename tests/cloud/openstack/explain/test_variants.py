"""What nova says and does beside the ten: words of its own, other amounts, missing rights, other answers."""

from __future__ import annotations

import pytest
from tests.cloud.openstack.explain.asking import ALIAS, CARD, SPEC, Desk
from tests.cloud.openstack.explain.test_ten_setups import CLAIM, SERVER, failed
from tests.cloud.openstack.explain.way_state import Provider, WayState, offer, way

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

OTHER = "22222222-2222-3333-4444-555555555555"
NO_HOST_TRACE = "Traceback (most recent call last):\n  ...\nNoValidHost: No valid host was found. \n"


@pytest.mark.parametrize(
    ("words", "cause", "step"),
    [
        (
            "Requested instance NUMA topology together with requested PCI devices cannot fit the given host",
            "numa-policy-no-host",
            "the scheduler finds a host",
        ),
        (
            "nova.exception.PciDevicePoolEmpty: Attempt to consume PCI device 1:0000:3b:00.0 from empty pool",
            "stale-pci-devices-row",
            "nova-compute claims the devices",
        ),
        (
            "Requested operation is not valid: PCI device 0000:3b:00.0 is in use by driver QEMU, domain i-2a",
            "gpu-in-use",
            "libvirt starts the guest",
        ),
        (
            "Quota exceeded for ram: Requested 8192, but already used 51200 of 51200 ram",
            "quota",
            "the quota allows it",
        ),
        (CLAIM, "filter-not-enabled", "nova-compute claims the devices"),
    ],
)
def test_words_of_nova_in_an_action(desk: Desk, words: str, cause: str, step: str) -> None:
    state = failed(way())
    state.failing(SERVER, "create", f"Traceback (most recent call last):\n{words}\n")
    told = desk.explain(state, "train")
    assert (told.code, told.cause, told.step) == (3, cause, step)


def test_the_words_of_a_refusal_can_be_pasted(desk: Desk) -> None:
    words = desk.text("said.txt", "BadRequestException: 400: Client Error, PCI alias v100 is not defined\n")
    told = desk.explain(way(), "gpu.1", "--evidence", words)
    assert (told.code, told.cause) == (3, "alias-missing-on-api")


def test_words_and_files_that_say_the_same_are_shown_together(desk: Desk) -> None:
    words = desk.text("said.txt", "PCI alias v100 is not defined\n")
    told = desk.explain(way(), "gpu.1", *desk.config(alias={**ALIAS, "name": "v1000"}), "--evidence", words)
    assert (told.code, told.cause) == (3, "alias-missing-on-api")
    assert "is it v1000?" in told.root["title"]
    assert len(told.root["evidence"]) == 3


@pytest.mark.parametrize(
    ("has", "asks"), [("type-PF", "type-PCI"), ("type-PCI", "type-PF"), ("type-PF", "type-VF")]
)
def test_every_wrong_type_is_named_with_the_right_one(desk: Desk, has: str, asks: str) -> None:
    config = desk.config(alias={**ALIAS, "device_type": asks})
    told = desk.explain(way(), "gpu.1", *config, *desk.devices({**CARD, "dev_type": has}))
    assert (told.code, told.cause) == (3, "alias-device-type-mismatch")
    assert told.root["fix"]["commands"] == [f'"device_type": "{has}"']


@pytest.mark.parametrize(
    "spec",
    [None, {"address": "0000:5e:00.0"}, {"vendor_id": "1002"}, {"vendor_id": "10deX"}, {"address": "::0*.0"}],
)
def test_lists_of_devices_that_take_none(desk: Desk, spec: object) -> None:
    told = desk.explain(way(), "gpu.1", *desk.config(spec=spec), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "whitelist-mismatch")


def test_more_cards_than_any_host_has(desk: Desk) -> None:
    state = way()
    offer(state, "gpu.4", {"pci_passthrough:alias": "v100:4"})
    second = {**CARD, "address": "0000:5e:00.0"}
    told = desk.explain(state, "gpu.4", *desk.config(), *desk.devices(CARD, second))
    assert (told.code, told.cause) == (3, "not-enough-devices")
    assert "has 2 devices for alias v100, and 4 are asked for" in told.root["title"]


def test_a_second_card_is_free_beside_a_guest(desk: Desk) -> None:
    state = way()
    state.guest("other", "theirs", "id-gpu.1", status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": "gpu01"})
    second = {**CARD, "address": "0000:5e:00.0"}
    assert desk.explain(state, "gpu.1", *desk.config(), *desk.devices(CARD, second)).code == 0


def test_the_best_host_is_explained(desk: Desk) -> None:
    """One has no card; the other has one that is taken: that is what keeps the guest away."""
    state = way()
    state.guest("other", "theirs", "id-gpu.1", status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": "gpu01"})
    told = desk.explain(state, "gpu.1", *desk.config(), *desk.devices(host="cpu01"), *desk.devices(CARD))
    assert told.cause == "not-enough-devices"
    assert "No device is free on gpu01" in told.root["title"]


@pytest.mark.parametrize(("name", "used"), [("Instances", 10), ("Cores", 17), ("RAMSize", 50000)])
def test_each_quota(desk: Desk, name: str, used: int) -> None:
    state = way()
    key = {"Instances": "totalInstancesUsed", "Cores": "totalCoresUsed", "RAMSize": "totalRAMUsed"}[name]
    state.absolute[key] = used
    told = desk.explain(state, "gpu.1")
    assert (told.code, told.cause) == (3, "quota")
    state.absolute[f"maxTotal{name}"] = -1
    assert desk.explain(state, "gpu.1").code == 0


@pytest.mark.parametrize(
    ("specs", "cause", "title"),
    [
        ({"resources:VGPU": "1"}, "vgpu-type-or-capacity", "No VGPU is free: 1 of 1 are in use"),
        ({"resources:CUSTOM_A40_8Q": "1"}, "vgpu-type-or-capacity", "No host reports any CUSTOM_A40_8Q"),
        ({"trait:CUSTOM_GPU_HOST": "required"}, "no-room-on-hosts", "No such trait(s): ['CUSTOM_GPU_HOST']"),
        ({"trait:HW_CPU_X86_AVX2": "required"}, "no-room-on-hosts", "the trait HW_CPU_X86_AVX2 has room"),
    ],
)
def test_what_placement_has_not(desk: Desk, specs: dict[str, str], cause: str, title: str) -> None:
    state = way()
    state.providers.append(Provider("rp-gpu01-card", "rp-gpu01", {"VGPU": (1, 1)}))
    offer(state, "gpu.2", specs)
    told = desk.explain(state, "gpu.2")
    assert (told.code, told.cause, told.step) == (3, cause, "Placement has room")
    assert title in told.root["title"]


@pytest.mark.parametrize(("used", "cause"), [(0, None), (1, "not-enough-devices")])
def test_devices_that_nova_asks_placement_for(desk: Desk, used: int, cause: str | None) -> None:
    state = way()
    state.providers.append(Provider("rp-gpu01_0000:3B:00.0", "rp-gpu01", {"CUSTOM_PCI_10DE_1DB4": (1, used)}))
    config = desk.config()
    with (desk.folder / "api.conf").open("a") as file:
        file.write("pci_in_placement = true\n")
    told = desk.explain(state, "gpu.1", *config)
    assert told.cause == cause
    assert told.code == (0 if cause is None else 3)


def test_room_that_is_scattered_over_hosts(desk: Desk) -> None:
    state = way()
    state.providers[0].stock["VCPU"] = (32, 32)
    state.providers.append(Provider("rp-gpu01-card", "rp-gpu01", {"VGPU": (1, 0)}))
    offer(state, "gpu.2", {"resources:VGPU": "1"})
    told = desk.explain(state, "gpu.2")
    assert told.cause == "pci-in-placement"
    assert told.root["title"] == "No one host has room for all that the flavor asks for"


def test_every_host_is_down_or_disabled(desk: Desk) -> None:
    state = way()
    state.services["gpu01"]["state"] = "down"
    state.services["cpu01"]["status"] = "disabled"
    told = desk.explain(state, "gpu.1")
    assert told.cause == "compute-service-down"
    assert told.root["fix"]["commands"] == ["openstack compute service set --enable cpu01 nova-compute"]


def test_a_disabled_host_that_may_have_the_devices_is_named(desk: Desk) -> None:
    state = way()
    state.services["gpu01"]["status"] = "disabled"
    told = desk.explain(state, "gpu.1")
    assert told.code == 0
    assert "whether gpu01 (disabled) is the one with the devices" in told.unseen
    failing = desk.explain(failed(state), "train")
    assert (failing.code, failing.cause) == (3, "compute-service-down")


def test_a_server_of_a_volume_needs_no_disk_of_its_host(desk: Desk) -> None:
    state = way()
    for each in state.providers:
        each.stock["DISK_GB"] = (500, 500)
    state.guest(SERVER, "train", "id-gpu.1", status="BUILD")
    assert desk.explain(state, "train").code == 0
    told = desk.explain(state, "gpu.1")
    assert (told.cause, told.root["title"]) == (
        "no-room-on-hosts",
        "No DISK_GB is free: 1000 of 1000 are in use, and the flavor asks for 20",
    )


def test_a_guest_that_must_lie_on_the_node_of_its_card(desk: Desk) -> None:
    """Whether that node had room nobody can see: it is said of a flavor, and the cause of a failed server."""
    state = way()
    specs = {"pci_passthrough:alias": "v100:1", "hw:numa_nodes": "1"}
    offer(state, "gpu.1", {**specs, "hw:pci_numa_affinity_policy": "required"})
    files = (*desk.config(), *desk.devices({**CARD, "numa_node": 1}))
    told = desk.explain(state, "gpu.1", *files)
    assert told.code == 0
    assert "free CPUs and memory of NUMA node 1 on gpu01" in told.unseen
    failing = desk.explain(failed(state), "train", *files)
    assert (failing.cause, failing.root["confidence"]) == ("numa-policy-no-host", 0.5)


def test_a_host_of_another_name_is_told(desk: Desk) -> None:
    told = desk.explain(way(), "gpu.1", *desk.config(), *desk.devices(CARD, host="node7"))
    assert told.code == 0
    assert "the nova-compute of node7" in told.unseen
    assert [each["state"] for each in told.plain["steps"]] == ["passed"] * 3 + ["not all of it seen"] * 3


def test_without_rights_it_says_what_it_does_not_see(desk: Desk) -> None:
    state = way()
    state.is_admin = False
    told = desk.explain(state, "gpu.1")
    assert (told.code, told.cause) == (0, None)
    assert told.unseen == {
        "the release of nova",
        "[pci]alias of nova-api",
        "Placement's candidates",
        "the compute services",
        "nova's pools of devices (pci_devices)",
        "enabled_filters of nova-scheduler",
        "whether aggregates are for some projects only",
    }
    assert "not allowed for this user" in told.out


def test_what_does_not_answer_is_not_seen(desk: Desk) -> None:
    state = way()
    state.faults = [("GET", "/(limits|os-services|os-aggregates|allocation_candidates)", 500)]
    told = desk.explain(state, "gpu.1")
    assert told.code == 0
    assert {"the limits of the project", "the compute services", "Placement's candidates"} <= told.unseen


def test_a_failed_server_without_a_cause_is_no_success(desk: Desk) -> None:
    told = desk.explain(failed(way()), "train", shape="text")
    assert told.code == 1
    assert told.out.startswith("train: nova gave it up, and nothing that was seen says why\n")
    assert "  the scheduler finds a host: not all of it seen\n" in told.out


def test_a_server_that_runs_is_not_stopped(desk: Desk) -> None:
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", status="ACTIVE")
    state.absolute["totalCoresUsed"] = 20
    assert desk.explain(state, SERVER).code == 0


def test_several_of_one_name_are_not_guessed_between(desk: Desk) -> None:
    state = way()
    for key in ("s-1", "s-2"):
        state.guest(key, "train", "id-gpu.1")
    told = desk.explain(state, "train")
    assert told.code == 2
    assert "2 are called train: s-1, s-2; give an id" in told.err


def test_files_without_a_release_are_not_judged(desk: Desk) -> None:
    options = desk.config()[2:]
    told = desk.explain(way(), "gpu.1", *options)
    assert told.code == 2
    assert "--release" in told.err


def test_nothing_that_a_cloud_says_steers_the_terminal(desk: Desk) -> None:
    state = failed(way())
    state.failing(SERVER, "create", "\x1b[2J group 19 is not viable \x07")
    told = desk.explain(state, "train", shape="text")
    assert told.code == 3
    assert all(sign not in told.out for sign in "\x1b\x07")


def test_it_only_reads(desk: Desk) -> None:
    state: WayState = failed(way())
    desk.explain(state, "train", *desk.config(spec=SPEC), *desk.devices(CARD))
    assert {method for method, _ in state.calls} == {"GET"}


def test_an_unshelve_that_found_no_host_is_explained(desk: Desk) -> None:
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", status="SHELVED_OFFLOADED")
    state.failing(SERVER, "unshelve", NO_HOST_TRACE)
    state.guest(OTHER, "other", "id-gpu.1", status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": "gpu01"})
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "not-enough-devices")


@pytest.mark.parametrize("action", ["resize", "migrate"])
def test_an_action_that_nova_refused_is_no_success_though_the_server_runs(desk: Desk, action: str) -> None:
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": "gpu01"})
    state.failing(SERVER, action, NO_HOST_TRACE)
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD), shape="text")
    assert told.code == 1
    assert told.out.startswith(f"train: nova refused its last {action}, and nothing that was seen says why\n")
    assert f"  | nova, action {action}: NoValidHost: No valid host was found." in told.out
    assert "  the scheduler finds a host: not all of it seen\n" in told.out


def test_what_failed_before_it_ran_again_stops_it_no_more(desk: Desk) -> None:
    state = way()
    state.guest(SERVER, "train", "id-gpu.1", status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": "gpu01"})
    state.failing(SERVER, "reboot", NO_HOST_TRACE)
    assert desk.explain(state, "train", *desk.config(), *desk.devices(CARD)).code == 0


def test_words_of_nova_that_name_no_cause_are_quoted(desk: Desk) -> None:
    state = way()
    said = "Build of instance 1 aborted: Failed to allocate the network(s), not rescheduling."
    state.guest(SERVER, "train", "id-gpu.1", fault={"code": 500, "message": said})
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD), shape="text")
    assert f"  | nova, fault: {said}\n" in told.out
    assert "  libvirt starts the guest: not all of it seen\n" in told.out
