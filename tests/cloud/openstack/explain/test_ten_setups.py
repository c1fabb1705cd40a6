"""Ten broken set-ups, each named from what the APIs tell and from files that are given."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cloud.openstack.explain.asking import ALIAS, CARD, FILTERS, SPEC, Desk
from tests.cloud.openstack.explain.way_state import NO_HOST, WayState, offer, way
from tests.host_tree import HostTree

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

SERVER = "11111111-2222-3333-4444-555555555555"
CLAIM = (
    "nova.exception.RescheduledException: Build of instance 1111 was re-scheduled: "
    "Insufficient compute resources: Claim pci failed."
)
GROUP = (
    "libvirt.libvirtError: internal error: qemu unexpectedly closed the monitor: "
    "2026-11-22T10:00:00.000000Z qemu-system-x86_64: -device vfio-pci,host=0000:3b:00.0,id=hostdev0: "
    "vfio 0000:3b:00.0: group 19 is not viable\n"
    "Please ensure all devices within the iommu_group are bound to their vfio bus driver."
)


def failed(state: WayState) -> WayState:
    state.guest(SERVER, "train", "id-gpu.1", fault=NO_HOST)
    return state


def capture(folder: Path, audio: str) -> Path:
    """A host whose card has a sound function in its group, on that driver."""
    tree = HostTree(folder)
    for number, (device, kind, driver) in enumerate((("1db4", "0302", "vfio-pci"), ("10f2", "0403", audio))):
        address = f"0000:3b:00.{number}"
        tree.function(address, f"10de:{device}", kind, driver=driver, group=19)
    return folder


def test_all_is_well(desk: Desk) -> None:
    told = desk.explain(way(), "gpu.1", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause) == (0, None), told.out
    assert {each["state"] for each in told.plain["steps"][:5]} == {"passed"}


def test_alias_missing_on_the_api(desk: Desk) -> None:
    told = desk.explain(way(), "gpu.1", *desk.config(alias=None), *desk.devices(CARD))
    assert (told.code, told.cause, told.step) == (3, "alias-missing-on-api", "nova-api takes the flavor")
    assert "PCI alias v100 is not defined" in told.root["title"]


def test_wrong_device_type(desk: Desk) -> None:
    wrong = {key: value for key, value in ALIAS.items() if key != "device_type"}
    told = desk.explain(
        failed(way()), "train", *desk.config(alias=wrong), *desk.devices({**CARD, "dev_type": "type-PF"})
    )
    assert (told.code, told.cause) == (3, "alias-device-type-mismatch")
    assert told.root["fix"]["commands"] == ['"device_type": "type-PF"']


def test_filter_missing(desk: Desk) -> None:
    told = desk.explain(failed(way()), "train", *desk.config(filters=FILTERS), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "filter-not-enabled")
    assert any("PciPassthroughFilter" in line for line in told.root["fix"]["commands"])


def test_device_spec_that_matches_nothing(desk: Desk) -> None:
    spec = {**SPEC, "product_id": "1db5"}
    told = desk.explain(failed(way()), "train", *desk.config(spec=spec), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "whitelist-mismatch")
    assert any("1db5" in line["text"] for line in told.root["evidence"])
    assert any(line["key"] == "0000:3b:00.0" for line in told.root["evidence"])


def test_quota(desk: Desk) -> None:
    state = way()
    state.absolute["totalCoresUsed"] = 18
    told = desk.explain(state, "gpu.1", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause, told.step) == (3, "quota", "the quota allows it")
    assert told.root["title"] == "Quota exceeded for cores: Requested 4, but already used 18 of 20 cores"


def test_numa_policy(desk: Desk) -> None:
    state = way()
    specs = {"pci_passthrough:alias": "v100:1", "hw:numa_nodes": "1"}
    offer(state, "gpu.1", {**specs, "hw:pci_numa_affinity_policy": "required"})
    card = {**CARD, "numa_node": -1}
    told = desk.explain(failed(state), "train", *desk.config(), *desk.devices(card))
    assert (told.code, told.cause) == (3, "numa-policy-no-host")


def test_no_free_card(desk: Desk) -> None:
    state = failed(way())
    state.guest("other", "theirs", "id-gpu.1", status="ACTIVE", **{"OS-EXT-SRV-ATTR:host": "gpu01"})
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "not-enough-devices")
    assert [line["key"] for line in told.root["evidence"]] == ["server theirs"]


def test_disabled_service(desk: Desk) -> None:
    state = failed(way())
    state.services["gpu01"] |= {"status": "disabled", "disabled_reason": "new disks"}
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "compute-service-down")
    assert "gpu01 (disabled: new disks)" in told.root["title"]
    assert told.root["fix"]["commands"] == ["openstack compute service set --enable gpu01 nova-compute"]


@pytest.mark.parametrize("key", ["pci_passthrough:alais", "pci_pasthrough:alias", "pci_passthrough"])
def test_typo_in_the_flavor(desk: Desk, key: str) -> None:
    state = way()
    offer(state, "gpu.1", {key: "v100:1"})
    told = desk.explain(state, "gpu.1", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause) == (3, "alias-definition-invalid")
    assert "pci_passthrough:alias" in told.root["title"]


def test_typo_in_the_flavors_name(desk: Desk) -> None:
    told = desk.explain(way(), "gpu.l")
    assert told.code == 2
    assert "no server or flavor is called gpu.l; is it the flavor gpu.1?" in told.err


def test_group_not_viable(desk: Desk) -> None:
    state = failed(way())
    state.failing(SERVER, "create", GROUP)
    told = desk.explain(state, "train")
    assert (told.code, told.cause, told.step) == (3, "group-not-viable", "libvirt starts the guest")
    assert "group 19" in told.root["title"]


def test_what_only_the_log_of_nova_compute_tells_is_asked_for(desk: Desk) -> None:
    state = way()
    said = "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for"
    state.guest(SERVER, "train", "id-gpu.1", fault={**NO_HOST, "message": said, "details": said})
    told = desk.explain(state, "train", *desk.config(), *desk.devices(CARD))
    assert (told.code, told.cause) == (1, None)
    assert "why nova-compute gave the server up" in told.unseen
    log = desk.text("nova-compute.log", GROUP)
    again = desk.explain(state, "train", *desk.config(), *desk.devices(CARD), "--evidence", log)
    assert (again.code, again.cause) == (3, "group-not-viable")


def test_group_not_viable_is_foretold_by_a_capture(desk: Desk, tmp_path: Path) -> None:
    place = capture(tmp_path / "host", "snd_hda_intel")
    told = desk.explain(way(), "gpu.1", *desk.config(), "--devices", f"gpu01={place}")
    assert (told.code, told.step) == (3, "libvirt starts the guest")
    assert told.cause in ("companion-function-not-bound", "group-not-viable")
    assert told.root["title"].startswith("gpu01: ")
    well = desk.explain(
        way(), "gpu.1", *desk.config(), "--devices", f"gpu01={capture(tmp_path / 'b', 'vfio-pci')}"
    )
    assert well.code == 0, well.out
