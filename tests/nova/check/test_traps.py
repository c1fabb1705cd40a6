"""Entries and aliases that do not fit each other, or a well-known card, seen without the host."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases import options
from gpucloud.nova.releases.release import parse_release

REPORTS = "report_in_placement = true"
A100 = '"vendor_id": "10de", "product_id": "20b5"'
T4 = '"vendor_id": "10de", "product_id": "1eb8"'
V100 = '"vendor_id": "10de", "product_id": "1db4"'
KINDS = {
    "nova-entries-of-one-card",
    "nova-one-time-use-vf",
    "nova-alias-no-entry",
    "nova-alias-type-of-card",
    "nova-address-only-vfs",
    "nova-address-regex-capitals",
    "nova-remote-managed-alias",
}


def found(release: str, *lines: str) -> set[str]:
    section = options.DEVICE_SPEC.at(parse_release(release)).section
    files = Configuration((read_config_file("nova.conf", "\n".join([f"[{section}]", *lines, ""])),))
    report = check(Case(files, parse_release(release), Service.COMPUTE))
    return {one.kind.id for one in report.findings} & KINDS


def entry(text: str) -> str:
    return f"device_spec = {{{text}}}"


def alias(text: str) -> str:
    return f'alias = {{"name": "a", {text}}}'


@pytest.mark.parametrize(
    ("release", "lines", "finds"),
    [
        (
            "34",
            [REPORTS, entry('"address": "0000:25:00.0"'), entry('"address": "0000:25:00.4"')],
            {"nova-entries-of-one-card"},
        ),
        ("34", [entry('"address": "0000:25:00.0"'), entry('"address": "0000:25:00.4"')], set()),
        ("34", [REPORTS, entry('"address": "25:00.4", "one_time_use": "no"')], set()),
        (
            "34",
            [REPORTS, entry('"address": "0000:25:00.4", "one_time_use": "no"')],
            {"nova-one-time-use-vf"},
        ),
        ("34", [REPORTS, entry('"address": "0000:25:00.0", "one_time_use": "yes"')], set()),
        ("34", [entry(A100), alias('"vendor_id": "10de", "product_id": "1eb8"')], {"nova-alias-no-entry"}),
        ("34", [entry(A100), alias(f'{A100}, "device_type": "type-PF"')], set()),
        ("34", [alias(f'{A100}, "device_type": "type-PCI"')], {"nova-alias-type-of-card"}),
        ("34", [alias(f'{T4}, "device_type": "type-PCI"')], {"nova-alias-type-of-card"}),
        ("34", [alias(f'{V100}, "device_type": "type-PCI"')], set()),
        ("34", [alias(A100)], set()),
        ("34", [entry('"address": {"bus": "^AF$"}')], {"nova-address-regex-capitals"}),
        ("34", [entry('"address": {"bus": "^[aA][fF]$"}')], set()),
        (
            "34",
            [entry(f'{A100}, "remote_managed": "true"'), alias(f'{A100}, "device_type": "type-VF"')],
            {"nova-remote-managed-alias"},
        ),
        ("34", [entry('"address": "0000:25:00.0"')], set()),
    ],
)
def test_what_does_not_fit_is_told(release: str, lines: list[str], finds: set[str]) -> None:
    assert found(release, *lines) == finds


@pytest.mark.parametrize(("release", "is_told"), [("13.1.4", True), ("14.0.2", True), ("14.0.3", False)])
def test_a_whole_address_that_leaves_the_card_out(release: str, is_told: bool) -> None:
    line = 'pci_passthrough_whitelist = {"address": "0000:25:00.0"}'
    assert ("nova-address-only-vfs" in found(release, line)) is is_told
