"""Every input that some release of nova refuses, or takes in another sense, is found at its line.

A row for each input whose treatment by nova was looked up, release by release; the service is the one that
reads it.
"""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases import options
from gpucloud.nova.releases.release import parse_release

IDS = '"vendor_id": "10de", "product_id": "1eb8"'
REFUSED, ALL = "nova-device-spec-refused", "nova-device-spec-takes-all"


def checked(release: str, service: Service, text: str) -> Report:
    files = Configuration((read_config_file("nova.conf", text),))
    return check(Case(files, parse_release(release), service))


def found(report: Report) -> dict[str, int | None]:
    return {finding.kind.id: finding.line for finding in report.findings}


@pytest.mark.parametrize(
    ("release", "value", "finding"),
    [
        ("14", '{"vendor_id": "0x10de"}', REFUSED),
        ("34", '{"vendor_id": "0x10de", "product_id": "1eb8"}', "nova-id-form"),
        ("34", '{"vendor_id": "10DE", "product_id": "1eb8"}', "nova-id-form"),
        ("16", '{"vendor_id": "10deX"}', REFUSED),
        ("34", '{"vendor_id": "110de"}', REFUSED),
        ("34", '{"vendor_id": 4318}', REFUSED),
        ("34", '{"address": "0000:25:0*.4"}', REFUSED),
        ("34", '{"address": "10000:25:00.4"}', REFUSED),
        ("34", '{"address": "0000:25:20.4"}', REFUSED),
        ("34", '{"address": "0000:25:00.8"}', REFUSED),
        ("34", '{"address": "a:0000:25:00.4"}', REFUSED),
        ("14", '{"address": {"bus": "25"}}', REFUSED),
        ("34", '{"address": {"bus": "["}}', REFUSED),
        ("34", '{"address": {"bus": 25}}', REFUSED),
        ("34", '{"address": {"device": "00"}}', "nova-address-prefix"),
        ("34", '{"address": {"device": "00"}}', ALL),
        ("34", '{"address": {"bus": "2"}}', "nova-address-prefix"),
        ("34", '{"address": ""}', ALL),
        ("34", '{"address": null}', ALL),
        ("34", "{}", ALL),
        ("34", '{"vendor_id": "10de"}', "nova-device-spec-whole-vendor"),
        ("34", '{"devname": "eth0", "address": "0000:25:00.4"}', REFUSED),
        ("34", '{"devname": "eth0"}', "nova-device-spec-devname"),
        ("34", "{'vendor_id': '10de'}", "nova-single-quotes"),
        ("34", "vendor_id: 10de", "nova-not-json"),
        ("34", '"x"', REFUSED),
        ("34", "[1]", REFUSED),
        ("34", '\u201c{"vendor_id": "10de"}\u201d', "nova-typographic-quotes"),
        ("34", '{"vendor_id": "10de"}, {"vendor_id": "1002"}', "nova-comma-list"),
        ("31", f'{{{IDS}, "managed": "maybe"}}', REFUSED),
        ("30", f'{{{IDS}, "managed": "no"}}', "nova-device-spec-key"),
        ("30", f'{{{IDS}, "live_migratable": "yes"}}', "nova-device-spec-key"),
        ("25", f'{{{IDS}, "resource_class": "CUSTOM_T4"}}', "nova-device-spec-key"),
        ("31", f'{{{IDS}, "one_time_use": "yes"}}', "nova-device-spec-key"),
        ("17", f'{{{IDS}, "trusted": "true"}}', "nova-device-spec-key"),
        ("34", f'{{{IDS}, "adress": "0000:25:00.4"}}', "nova-device-spec-key"),
        ("34", f'{{{IDS}, "one_time_use": "true"}}', REFUSED),
        ("34", f'{{{IDS}, "live_migratable": "no"}}', "nova-live-migratable-no"),
        ("34", f'{{{IDS}, "live_migratable": "yes"}}', "nova-managed-missing"),
        ("34", f'{{{IDS}, "resource_class": "T4 big"}}', "nova-placement-name"),
        ("34", f'{{{IDS}, "resource_class": "CUSTOM_a b"}}', "nova-placement-name"),
        ("34", f'{{{IDS}, "traits": "blue, big"}}', "nova-placement-name"),
        ("34", f'{{{IDS}, "traits": ["blue"]}}', "nova-placement-name"),
        ("34", f'{{{IDS}, "traits": "CUSTOM_BLUE"}}', "nova-placement-keys-off"),
        ("34", f'{{{IDS}, "physical_network": "p", "live_migratable": "yes"}}', "nova-physical-network"),
        ("34", '{"vendor_id": "11de", "product_id": "1eb8"}', "nova-vendor-mistyped"),
    ],
)
def test_an_entry_of_devices(release: str, value: str, finding: str) -> None:
    option = options.DEVICE_SPEC.at(parse_release(release))
    text = f"[{option.section}]\n{option.name} = {value}\n"
    assert found(checked(release, Service.COMPUTE, text)).get(finding) == 2


@pytest.mark.parametrize(
    ("release", "value", "finding"),
    [
        ("34", f"{{{IDS}}}", "nova-alias-refused"),
        ("34", f'{{"name": "", {IDS}}}', "nova-alias-refused"),
        ("34", '{"name": "a1", "vendor_id": "0x10de", "product_id": "1eb8"}', "nova-alias-refused"),
        ("34", f'{{"name": "a1", {IDS}, "device_type": "PF"}}', "nova-alias-refused"),
        ("34", f'{{"name": "a1", {IDS}, "device_type": "vdpa"}}', "nova-alias-refused"),
        ("34", f'{{"name": "a1", {IDS}, "numa_policy": "strict"}}', "nova-alias-refused"),
        ("22", f'{{"name": "a1", {IDS}, "numa_policy": "socket"}}', "nova-alias-refused"),
        ("16", f'{{"name": "a1", {IDS}, "numa_policy": "legacy"}}', "nova-alias-refused"),
        ("26", f'{{"name": "a1", {IDS}, "resource_class": "CUSTOM_T4"}}', "nova-alias-refused"),
        ("30", f'{{"name": "a1", {IDS}, "live_migratable": "yes"}}', "nova-alias-refused"),
        ("34", f'{{"name": "a1", {IDS}, "live_migratable": true}}', "nova-alias-refused"),
        ("34", f'{{"name": "a1", {IDS}, "live_migratable": "no"}}', "nova-live-migratable-no"),
        ("34", f'{{"name": "a1", {IDS}, "address": "0000:25:00.4"}}', "nova-alias-refused"),
        ("34", f'[{{"name": "a1", {IDS}}}]', "nova-comma-list"),
        ("34", f"{{'name': 'a1', {IDS}}}", "nova-single-quotes"),
        ("34", "{'name': 'a1', 'vendor_id': '10de', 'product_id': '1eb8'}", "nova-single-quotes"),
        ("31.3.0", '{"name": "a1"}', "nova-alias-without-ids"),
        ("31.3.1", '{"name": "a1"}', "nova-alias-refused"),
        ("32.0.0", '{"name": "a1", "resource_class": "CUSTOM_T4"}', "nova-alias-refused"),
        ("31.3.0", '{"name": "a1", "resource_class": "CUSTOM_T4"}', "nova-alias-placement-keys"),
        ("17", '{"name": "a1", "vendor_id": "10DE", "product_id": "1EB8"}', "nova-alias-upper-case"),
        ("34", f'{{"name": "a1", {IDS}}}', "nova-alias-no-device-type"),
        ("34", f'{{"name": "a:1", {IDS}, "device_type": "type-PF"}}', "nova-alias-name"),
        ("34", f'{{"name": "a1", {IDS}, "capability_type": "pci"}}', "nova-alias-capability-type"),
    ],
)
def test_an_alias(release: str, value: str, finding: str) -> None:
    option = options.ALIAS.at(parse_release(release))
    text = f"[{option.section}]\n{option.name} = {value}\n"
    assert found(checked(release, Service.API, text)).get(finding) == 2


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('"device_type": "type-VF"', "Invalid PCI alias definition: Device type mismatch for alias 'a1'"),
        (
            '"device_type": "type-PF", "numa_policy": "required"',
            "Invalid PCI alias definition: NUMA policy mismatch for alias 'a1'",
        ),
    ],
)
def test_a_second_definition_must_be_like_the_first(second: str, message: str) -> None:
    first = f'alias = {{"name": "a1", {IDS}, "device_type": "type-PF"}}'
    report = checked("34", Service.API, f'[pci]\n{first}\nalias = {{"name": "a1", {IDS}, {second}}}\n')
    assert report.error is not None
    assert report.error.message == message
    assert found(report)["nova-alias-refused"] == 3


@pytest.mark.parametrize(
    ("release", "service", "text", "finding"),
    [
        ("34", Service.COMPUTE, '[pci]\npci_passthrough_whitelist = {"x": 1}', "nova-option-not-read"),
        ("34", Service.COMPUTE, '[DEFAULT]\npassthrough_whitelist = {"x": 1}', "nova-option-not-read"),
        ("34", Service.COMPUTE, "[pci]\ndev_spec = {'x': '1'}", "nova-option-not-read"),
        ("34", Service.COMPUTE, "[pci]\ndev_spec = {'x': '1'}", "nova-single-quotes"),
        ("34", Service.COMPUTE, "[devices]\nmdev_enabled_types = nvidia-35", "nova-option-not-read"),
        ("25", Service.COMPUTE, '[pci]\ndevice_spec = {"x": 1}', "nova-option-other-release"),
        (
            "24",
            Service.SCHEDULER,
            "[DEFAULT]\nscheduler_default_filters = PciPassthroughFilter",
            "nova-option-other-release",
        ),
        ("22", Service.SCHEDULER, "[filter_scheduler]\nenabled_filters = RetryFilter", "nova-filter-gone"),
        (
            "28",
            Service.SCHEDULER,
            "[filter_scheduler]\nenabled_filters = AvailabilityZoneFilter",
            "nova-filter-gone",
        ),
        (
            "34",
            Service.SCHEDULER,
            "[filter_scheduler]\nenabled_filters = ComputeFilter",
            "nova-filter-pci-missing",
        ),
        ("34", Service.COMPUTE, "[pci]\nreport_in_placement = false", "nova-placement-one-way"),
        ("34", Service.COMPUTE, "[filter_scheduler]\npci_in_placement = true", "nova-placement-half"),
        (
            "34",
            Service.COMPUTE,
            "[placement]\nmax_allocation_candidates = 1000",
            "nova-placement-option-elsewhere",
        ),
    ],
)
def test_a_line_that_does_not_do_what_it_says(
    release: str, service: Service, text: str, finding: str
) -> None:
    assert found(checked(release, service, text)).get(finding) == 2


def test_names_of_three_times_add_up() -> None:
    text = f"[DEFAULT]\npci_passthrough_whitelist = {{{IDS}}}\n[pci]\npassthrough_whitelist = {{{IDS}}}\n"
    report = checked("34", Service.COMPUTE, f"{text}device_spec = {{{IDS}}}\n")
    assert "nova-option-mixed-names" in found(report)
