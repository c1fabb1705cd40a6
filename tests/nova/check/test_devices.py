"""The files and the host's devices together: types, PF and VFs, Placement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpucloud.model.finding import Level
from gpucloud.model.unknown import Unknown
from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.machine import Device, DeviceType, Machine
from gpucloud.nova.releases.release import parse_release

PF, VF, OTHER = "0000:25:00.0", "0000:25:00.4", "0000:25:00.5"
A16 = Machine(
    {
        PF: Device(PF, "10de", "25b6", DeviceType.PF),
        VF: Device(VF, "10de", "25b6", DeviceType.VF, parent=PF),
        OTHER: Device(OTHER, "10de", "25b6", DeviceType.VF, parent=PF),
    }
)
REPORTS = "[pci]\nreport_in_placement = true\n"


def look(
    text: str, machine: Machine = A16, release: str = "34", service: Service = Service.COMPUTE
) -> Report:
    files = Configuration((read_config_file("nova.conf", text),))
    return check(Case(files, parse_release(release), service, machine))


def ids(found: Report) -> list[str]:
    return [finding.kind.id for finding in found.findings]


def test_a_function_with_its_vfs_is_told_and_stops_nova_only_with_placement() -> None:
    both = '[pci]\ndevice_spec = {"vendor_id": "10de", "product_id": "25b6"}\n'
    alone = look(both)
    assert ids(alone) == ["nova-pf-and-vf"]
    assert alone.error is None
    reported = look(REPORTS + both)
    assert ids(reported) == ["nova-placement-refused"]
    assert reported.error is not None
    assert reported.error.message == (
        f"Configuring both {VF} and {PF} in [pci]device_spec is not supported. Either the parent PF or its "
        "children VFs can be configured."
    )


def test_novas_own_example_of_two_classes_stops_it() -> None:
    text = REPORTS + "".join(
        f'device_spec = {{"address": "{address}", "product_id": "25b6", "resource_class": "{name}"}}\n'
        for address, name in ((VF, "CUSTOM_A16_16A"), (OTHER, "CUSTOM_A16_8A"))
    )
    found = look(text)
    assert ids(found) == ["nova-placement-refused", "nova-placement-mixed"]
    assert found.error is not None
    assert "cannot be configured with different 'resource_class' values" in found.error.message


def test_a_list_of_traits_is_logged_and_does_not_stop_it() -> None:
    text = f'{REPORTS}device_spec = {{"address": "{VF}", "product_id": "25b6", "traits": ["CUSTOM_A"]}}\n'
    found = look(text)
    assert found.error is None
    assert ids(found) == ["nova-placement-refused", "nova-placement-name"]


def test_an_alias_of_another_type_is_told_with_the_right_one() -> None:
    text = (
        f'[pci]\ndevice_spec = {{"address": "{VF}", "product_id": "25b6"}}\n'
        'alias = {"name": "a16", "vendor_id": "10de", "product_id": "25b6", "device_type": "type-PF"}\n'
    )
    found = look(text)
    assert ids(found) == ["nova-alias-no-device"]
    assert '"device_type": "type-VF"' in found.findings[0].fix[1]


def test_an_alias_for_cards_of_other_hosts_is_for_information() -> None:
    text = f'[pci]\ndevice_spec = {{"address": "{VF}", "product_id": "25b6"}}\n' + "".join(
        f'alias = {{"name": "{name}", "vendor_id": "10de", "product_id": "{product}", '
        '"device_type": "type-PF"}\n'
        for name, product in (("a16", "25b6"), ("h100", "2330"))
    )
    levels = {one.line: one.level for one in look(text).findings if one.kind.id == "nova-alias-no-device"}
    assert levels == {3: Level.WARNING, 4: Level.INFO}


def test_an_entry_without_a_device_is_told() -> None:
    found = look('[pci]\ndevice_spec = {"vendor_id": "10de", "product_id": "1eb8"}\n')
    assert ids(found) == ["nova-device-spec-no-device"]


def test_eight_equal_devices_want_placement_tuned() -> None:
    cards = {f"0000:{bus:02x}:00.0": bus for bus in range(16, 24)}
    machine = Machine({each: Device(each, "10de", "20f1", DeviceType.PF) for each in cards})
    text = (
        f'{REPORTS}device_spec = {{"vendor_id": "10de", "product_id": "20f1"}}\n'
        "[filter_scheduler]\npci_in_placement = true\n"
    )
    assert ids(look(text, machine)) == ["nova-placement-tuning"]


def test_devices_do_not_count_for_another_service() -> None:
    both = REPORTS + 'device_spec = {"vendor_id": "10de", "product_id": "25b6"}\n'
    assert look(both, service=Service.API).error is None


def test_a_device_that_could_not_be_read_may_be_the_one() -> None:
    text = '[pci]\ndevice_spec = {"vendor_id": "10de", "product_id": "1eb8"}\n'
    partial = Machine(A16.devices, unread=("0000:3b:00.0: virtual functions: physfn is not in the capture",))
    (found,) = look(text, partial).findings
    assert found.level is Level.INFO
    assert found.what.endswith("1 devices could not be read: " + partial.unread[0])


def test_an_alias_without_a_type_is_passed_where_it_serves() -> None:
    alias = '[pci]\nalias = {"name": "a16", "vendor_id": "10de", "product_id": "25b6"}\n'
    served = f'{alias}device_spec = {{"address": "{VF}", "product_id": "25b6"}}\n'
    assert ids(look(served)) == []
    alone = f'{alias}device_spec = {{"address": "0000:25:00.0"}}\n'
    assert "nova-alias-no-device-type" in ids(look(alone, Machine({PF: A16.devices[PF]})))


def test_a_whole_vendor_is_narrowed_to_what_the_host_has() -> None:
    found = look('[pci]\ndevice_spec = {"vendor_id": "10de"}\n', Machine({PF: A16.devices[PF]}))
    (whole,) = [each for each in found.findings if each.kind.id == "nova-device-spec-whole-vendor"]
    assert whole.fix == ("[pci]", 'device_spec = {"vendor_id": "10de", "product_id": "25b6"}')


def test_a_pattern_that_is_not_tried_is_told_and_the_report_is_whole() -> None:
    found = look('[pci]\ndevice_spec = {"address": {"bus": "((((((2*)*)*)*)*)*)*"}}\n')
    assert "nova-address-pattern-untried" in ids(found)
    assert found.error is None


T4 = Device(PF, "10de", "1eb8", DeviceType.PCI, mdev_types=("nvidia-222", "nvidia-223"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("enabled_mdev_types = nvidia-222\n", None),
        (
            "enabled_mdev_types = nvidia-35\n",
            "no GPU for it offers nvidia-35, but nvidia-222, nvidia-223",
        ),
        (
            f"enabled_mdev_types = nvidia-35\n[mdev_nvidia-35]\ndevice_addresses = {PF}\n",
            f"{PF} does not offer nvidia-35, but nvidia-222, nvidia-223",
        ),
        (
            "enabled_mdev_types = nvidia-222\n[mdev_nvidia-222]\ndevice_addresses = 0000:5e:00.0\n",
            "the host has no device 0000:5e:00.0, which is to offer nvidia-222",
        ),
    ],
)
def test_a_type_that_the_gpu_does_not_offer_is_told_with_those_that_it_does(
    text: str, said: str | None
) -> None:
    found = look(f"[devices]\n{text}", Machine({PF: T4}))
    assert [one.what for one in found.findings if one.kind.id == "nova-mdev-type-not-offered"] == (
        [said] if said else []
    )


@pytest.mark.parametrize(("types", "level"), [((), Level.WARNING), (Unknown("denied"), Level.INFO)])
def test_a_host_whose_gpus_offer_no_type_is_told_and_one_that_was_not_read_is_doubted(
    types: tuple[str, ...] | Unknown, level: Level
) -> None:
    found = look("[devices]\nenabled_mdev_types = nvidia-35\n", Machine({PF: replace(T4, mdev_types=types)}))
    (one,) = [each for each in found.findings if each.kind.id == "nova-mdev-type-not-offered"]
    assert one.level is level
    assert "denied" in one.what or level is Level.WARNING
