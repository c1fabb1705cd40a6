"""Every wrong example that people copy is found, and told in nova's own words where nova refuses it.

The files say where each is printed: nova's guide and help texts, slides, vendors' repositories, bugs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.check.rules.catalogue import KINDS
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True)
class Example:
    """What a file is checked for, whether nova starts with it, and all that must be found."""

    release: str
    service: Service
    starts: bool
    finds: set[str]


TABLE = {
    "a16-two-classes": Example(
        "34", Service.COMPUTE, True, {"nova-devices-listed-once", "nova-placement-mixed"}
    ),
    "alias-0x": Example("34", Service.COMPUTE, False, {"nova-alias-refused"}),
    "alias-capability-type": Example("34", Service.COMPUTE, True, {"nova-alias-capability-type"}),
    "alias-capitals": Example("17", Service.API, True, {"nova-alias-upper-case"}),
    "alias-class-only": Example(
        "34", Service.COMPUTE, False, {"nova-alias-placement-keys", "nova-alias-refused"}
    ),
    "alias-colon": Example("34", Service.COMPUTE, True, {"nova-alias-name"}),
    "alias-device-type-missing-twice": Example(
        "34", Service.COMPUTE, False, {"nova-alias-no-device-type", "nova-alias-refused"}
    ),
    "alias-device-type": Example("34", Service.COMPUTE, False, {"nova-alias-refused"}),
    "alias-list": Example(
        "34", Service.COMPUTE, False, {"nova-alias-no-device-type", "nova-alias-refused", "nova-comma-list"}
    ),
    "alias-live-migratable-boolean": Example("34", Service.COMPUTE, False, {"nova-alias-refused"}),
    "alias-repeated-placement": Example(
        "34", Service.COMPUTE, False, {"nova-alias-refused", "nova-placement-half"}
    ),
    "alias-too-new": Example("30", Service.API, True, {"nova-alias-refused"}),
    "alias-without-ids": Example("31.3.0", Service.API, True, {"nova-alias-without-ids"}),
    "available-filters-lost": Example("34", Service.SCHEDULER, False, {"nova-filter-available-lost"}),
    "boolean-maybe": Example("34", Service.COMPUTE, False, {"nova-value-refused"}),
    "comma-list": Example("34", Service.COMPUTE, False, {"nova-comma-list", "nova-device-spec-refused"}),
    "curly-quotes": Example("13", Service.API, True, {"nova-alias-refused", "nova-typographic-quotes"}),
    "default-in-small-letters": Example(
        "34", Service.COMPUTE, True, {"nova-option-not-read", "nova-section-default"}
    ),
    "dev-spec-single-quotes": Example(
        "34", Service.COMPUTE, True, {"nova-option-not-read", "nova-single-quotes"}
    ),
    "dollar": Example("34", Service.COMPUTE, False, {"nova-alias-refused", "nova-dollar"}),
    "enabled-vgpu-types": Example(
        "34", Service.COMPUTE, True, {"nova-migration-downtime", "nova-option-old-name"}
    ),
    "filter-misspelt": Example(
        "34", Service.SCHEDULER, False, {"nova-filter-gone", "nova-filter-pci-missing"}
    ),
    "filter-pci-missing": Example("34", Service.SCHEDULER, True, {"nova-filter-pci-missing"}),
    "filters-gone": Example("28", Service.SCHEDULER, False, {"nova-filter-gone"}),
    "filters-lost": Example("34", Service.SCHEDULER, True, {"nova-filter-defaults-lost"}),
    "filters-twice": Example(
        "34", Service.SCHEDULER, True, {"nova-filter-defaults-lost", "nova-option-repeated"}
    ),
    "json-without-name": Example("34", Service.COMPUTE, True, {"nova-option-unknown"}),
    "kolla-devname": Example(
        "34",
        Service.COMPUTE,
        True,
        {"nova-device-spec-devname", "nova-option-mixed-names", "nova-option-old-name"},
    ),
    "mdev-capitals": Example(
        "34", Service.COMPUTE, True, {"nova-mdev-address-capitals", "nova-migration-downtime"}
    ),
    "mdev-class-alone": Example(
        "34", Service.COMPUTE, True, {"nova-mdev-class-alone", "nova-migration-downtime"}
    ),
    "mdev-class-malformed": Example(
        "34", Service.COMPUTE, False, {"nova-migration-downtime", "nova-value-refused"}
    ),
    "mdev-doubled-address": Example(
        "34", Service.COMPUTE, False, {"nova-mdev-refused", "nova-migration-downtime"}
    ),
    "mdev-enabled-types": Example("34", Service.COMPUTE, True, {"nova-option-not-read"}),
    "mdev-old-section": Example("34", Service.COMPUTE, True, {"nova-mdev-key", "nova-migration-downtime"}),
    "mdev-one-type-with-section": Example(
        "28", Service.COMPUTE, True, {"nova-mdev-not-persistent", "nova-mdev-section-ignored"}
    ),
    "mdev-section-of-no-type": Example(
        "34", Service.COMPUTE, True, {"nova-mdev-section-unused", "nova-migration-downtime"}
    ),
    "mdev-short-address": Example(
        "34", Service.COMPUTE, False, {"nova-mdev-refused", "nova-migration-downtime"}
    ),
    "mdev-two-defaults": Example(
        "34", Service.COMPUTE, True, {"nova-mdev-type-dropped", "nova-migration-downtime"}
    ),
    "name-in-whitelist": Example("13", Service.COMPUTE, True, {"nova-device-spec-key"}),
    "no-assignment": Example("34", Service.COMPUTE, False, {"nova-file-unreadable"}),
    "no-section": Example("34", Service.COMPUTE, False, {"nova-file-unreadable"}),
    "not-json": Example("34", Service.COMPUTE, False, {"nova-device-spec-refused", "nova-not-json"}),
    "number-out-of-range": Example("34", Service.COMPUTE, False, {"nova-value-refused"}),
    "old-and-new-names": Example(
        "34", Service.COMPUTE, True, {"nova-option-mixed-names", "nova-option-old-name"}
    ),
    "option-misspelt": Example("34", Service.COMPUTE, True, {"nova-option-unknown"}),
    "option-of-a-later-release": Example("25", Service.COMPUTE, True, {"nova-option-other-release"}),
    "physical-network": Example("34", Service.COMPUTE, True, {"nova-physical-network"}),
    "placement-one-half": Example("34", Service.COMPUTE, True, {"nova-placement-half"}),
    "placement-too-many-functions": Example("29.3.0", Service.API, True, {"nova-placement-too-many"}),
    "placement-tuning-in-nova": Example(
        "34", Service.SCHEDULER, True, {"nova-filter-pci-missing", "nova-placement-option-elsewhere"}
    ),
    "scheduler-default-filters": Example(
        "24", Service.SCHEDULER, True, {"nova-filter-pci-missing", "nova-option-other-release"}
    ),
    "single-quotes": Example(
        "34", Service.COMPUTE, False, {"nova-alias-refused", "nova-device-spec-refused", "nova-single-quotes"}
    ),
    "spec-both": Example(
        "34", Service.COMPUTE, False, {"nova-device-spec-devname", "nova-device-spec-refused"}
    ),
    "spec-class-not-clean": Example("34", Service.COMPUTE, True, {"nova-placement-name"}),
    "spec-class-without-placement": Example("34", Service.COMPUTE, True, {"nova-placement-keys-off"}),
    "spec-whole-vendor": Example("34", Service.COMPUTE, True, {"nova-device-spec-whole-vendor"}),
    "spec-empty": Example("34", Service.COMPUTE, True, {"nova-device-spec-takes-all"}),
    "spec-hidden": Example(
        "34", Service.COMPUTE, True, {"nova-device-spec-hidden", "nova-devices-listed-once"}
    ),
    "spec-live-migratable-no": Example(
        "34", Service.COMPUTE, True, {"nova-devices-listed-once", "nova-live-migratable-no"}
    ),
    "spec-managed-maybe": Example("34", Service.COMPUTE, False, {"nova-device-spec-refused"}),
    "spec-migratable-managed": Example(
        "34", Service.COMPUTE, True, {"nova-devices-listed-once", "nova-managed-missing", "nova-post-copy"}
    ),
    "spec-misspelt": Example("34", Service.COMPUTE, True, {"nova-device-spec-key"}),
    "spec-number": Example("34", Service.COMPUTE, False, {"nova-device-spec-refused"}),
    "spec-one-time-without-placement": Example("34", Service.COMPUTE, False, {"nova-device-spec-refused"}),
    "spec-partial-glob": Example("34", Service.COMPUTE, False, {"nova-device-spec-refused"}),
    "json-key-twice": Example("34", Service.COMPUTE, True, {"nova-json-key-repeated"}),
    "spec-0x-address": Example("34", Service.COMPUTE, True, {"nova-id-form"}),
    "spec-no-id": Example("34", Service.COMPUTE, False, {"nova-device-spec-refused"}),
    "spec-regex-0x": Example("34", Service.COMPUTE, True, {"nova-address-prefix"}),
    "spec-regex-branches": Example("34", Service.COMPUTE, True, {"nova-address-prefix"}),
    "spec-regex": Example("34", Service.COMPUTE, True, {"nova-address-prefix"}),
    "spec-too-new": Example("30", Service.COMPUTE, True, {"nova-device-spec-key"}),
    "spec-traits-list": Example("34", Service.COMPUTE, True, {"nova-placement-name"}),
    "traits-with-blank": Example("34", Service.COMPUTE, True, {"nova-placement-name"}),
    "vendor-11de": Example("34", Service.COMPUTE, True, {"nova-vendor-mistyped"}),
    "vgpu-several-types": Example(
        "22.2.0",
        Service.COMPUTE,
        True,
        {"nova-mdev-names", "nova-mdev-not-persistent", "nova-mdev-type-dropped"},
    ),
    "quota-unified": Example("33", Service.API, True, {"nova-quota-alias"}),
    "quota-unregistered": Example("30", Service.API, True, {"nova-quota-unregistered"}),
    "quota-unified-without-placement": Example("34", Service.API, True, {"nova-quota-alias"}),
    "spice-qxl": Example("30", Service.COMPUTE, True, {"nova-spice-video"}),
    "mdev-names": Example("24.2.0", Service.COMPUTE, True, {"nova-mdev-names", "nova-mdev-not-persistent"}),
    "one-time-use": Example("34", Service.COMPUTE, True, {"nova-one-time-use"}),
    "vf-listed-once": Example("34", Service.COMPUTE, True, {"nova-devices-listed-once"}),
    "alias-not-live-migratable": Example("31", Service.COMPUTE, True, {"nova-alias-not-live-migratable"}),
    "placement-same-in-other-words": Example("31", Service.COMPUTE, True, set()),
    "alias-live-migratable-alone": Example("34", Service.COMPUTE, True, {"nova-alias-live-migratable"}),
    "whitelist-renamed": Example("34", Service.COMPUTE, True, {"nova-option-not-read"}),
    "whitelist-without-prefix": Example("34", Service.COMPUTE, True, {"nova-option-not-read"}),
}


def report(name: str) -> Report:
    text = (EXAMPLES / f"{name}.conf").read_text()
    known = TABLE[name]
    files = Configuration((read_config_file(f"{name}.conf", text),))
    return check(Case(files, parse_release(known.release), known.service))


@pytest.mark.parametrize("name", TABLE)
def test_what_is_wrong_is_found_and_nothing_else(name: str) -> None:
    found = report(name)
    assert {finding.kind.id for finding in found.findings} == TABLE[name].finds
    assert (found.error is None) == TABLE[name].starts


@pytest.mark.parametrize("name", TABLE)
def test_each_finding_names_its_line_and_what_to_write(name: str) -> None:
    lines = (EXAMPLES / f"{name}.conf").read_text().splitlines()
    for finding in report(name).findings:
        assert finding.fix
        assert finding.line is None or 1 <= finding.line <= len(lines)
        assert finding.line is not None or finding.kind.id == "nova-filter-pci-missing"


def test_every_example_is_in_the_table() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.conf")} == set(TABLE)


def test_every_kind_is_known_to_the_registry() -> None:
    assert set().union(*(known.finds for known in TABLE.values())) <= set(KINDS)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("alias-0x", "Invalid PCI alias definition: '0x10de' does not match '^([\\\\da-fA-F]{4})$'"),
        (
            "single-quotes",
            "Invalid [pci]device_spec config: Invalid entry: '{'vendor_id': '10de', 'product_id': '1eb8'}'",
        ),
        (
            "mdev-doubled-address",
            "Invalid configuration for mdev-capable devices: duplicate types for PCI ID 0000:84:00.0",
        ),
        (
            "mdev-short-address",
            "Invalid configuration for mdev-capable devices: incorrect device address: 85:00.0",
        ),
        ("filter-misspelt", "Scheduler Host Filter PCIPassthroughFilter could not be found."),
        (
            "no-section",
            (
                "Failed to parse no-section.conf: at no-section.conf:1, "
                "Section must be started before assignment: ''"
            ),
        ),
        ("dollar", "no such option gpu in group [DEFAULT]"),
        ("alias-class-only", "The PCI alias(es) a16 does not have vendor_id and product_id fields set."),
    ],
)
def test_the_error_is_novas_own(name: str, error: str) -> None:
    found = report(name).error
    assert found is not None
    assert found.message == error


T4 = {"vendor_id": "10de", "product_id": "1eb8"}
K4200 = {"vendor_id": "10de", "product_id": "11b4"}
A16 = {"vendor_id": "10de", "product_id": "25b6", "resource_class": "CUSTOM_A16", "address": "0000:25:00.4"}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("curly-quotes", "pci_alias", {"name": "K4200", **K4200}),
        ("name-in-whitelist", "pci_passthrough_whitelist", K4200),
        ("vendor-11de", "device_spec", K4200),
        ("spec-misspelt", "device_spec", A16),
        ("traits-with-blank", "device_spec", {**T4, "traits": "CUSTOM_BLUE,CUSTOM_BIG"}),
        ("alias-device-type", "alias", {"name": "t4", **T4, "device_type": "type-PF"}),
        ("spec-0x-address", "device_spec", {**T4, "address": "0000:3b:00.0"}),
        ("spec-regex-0x", "device_spec", {**T4, "address": {"bus": "^3b$", "slot": "^00$"}}),
        ("spec-regex-branches", "device_spec", {**T4, "address": {"bus": "^(02|3b)$"}}),
        ("spec-regex", "device_spec", {**T4, "address": {"domain": ".*", "bus": "^02$"}}),
    ],
)
def test_the_fix_is_the_line_as_it_should_stand(name: str, option: str, value: dict[str, object]) -> None:
    line = f"{option} = {json.dumps(value)}"
    assert any(line in finding.fix for finding in report(name).findings)
