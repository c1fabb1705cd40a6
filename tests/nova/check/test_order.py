"""Entries of device_spec behind others that take their devices."""

from __future__ import annotations

import pytest

from gpucloud.model.finding import Level
from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.machine import Device, DeviceType, Machine
from gpucloud.nova.releases.release import parse_release

LATER = '{"address": "0000:3b:00.0", "managed": "no"}'


def hidden(first: str, second: str = LATER, machine: Machine | None = None) -> dict[Level, tuple[str, ...]]:
    text = f"[pci]\ndevice_spec = {first}\ndevice_spec = {second}\n"
    files = Configuration((read_config_file("nova.conf", text),))
    found = check(Case(files, parse_release("34"), Service.COMPUTE, machine)).findings
    return {one.level: one.fix for one in found if one.kind.id == "nova-device-spec-hidden"}


@pytest.mark.parametrize(
    "first",
    [
        '{"address": "0000:3b:00.0"}',
        '{"address": "0000:3b:*.*"}',
        '{"address": "3b:00.0"}',
        '{"address": "0000:3B:00.0"}',
        '{"address": {"bus": "^3b$"}}',
        '{"address": {"bus": "3"}}',
        '{"address": {"bus": "^(3b|5e)$", "function": ".*"}}',
        '{"address": ""}',
        "{}",
    ],
)
def test_an_entry_behind_a_wider_one_is_told_with_the_right_order(first: str) -> None:
    fixes = hidden(first)
    assert '"managed": "no"' in fixes[Level.WARNING][1]


def test_the_narrower_entry_first_is_right() -> None:
    assert hidden(LATER, '{"address": "0000:3b:*.*"}') == {}
    assert hidden(LATER, '{"address": {"bus": "^3b$"}}') == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('{"address": "0000:5e:00.0"}', LATER),
        ('{"address": {"bus": "^5e$"}}', LATER),
        ('{"address": {"bus": "^5e$"}}', '{"address": {"bus": "^3b$"}, "managed": "no"}'),
        ('{"vendor_id": "10de", "product_id": "1eb8"}', '{"product_id": "20f1", "managed": "no"}'),
        ('{"address": "0000:3b:*.*", "managed": "no"}', LATER),
        ('{"address": {"bus": "((((a*)*)*)*)*b"}}', LATER),
    ],
)
def test_entries_that_share_no_device_or_say_the_same_are_passed_over(first: str, second: str) -> None:
    assert hidden(first, second) == {}


def test_entries_that_may_share_a_device_are_a_remark() -> None:
    first = '{"vendor_id": "10de", "product_id": "1eb8"}'
    assert list(hidden(first)) == [Level.INFO]
    several = '{"product_id": "1eb8", "address": {"slot": "0[0-4]"}, "managed": "no"}'
    assert list(hidden('{"vendor_id": "10de", "address": "*:25:00.*"}', several)) == [Level.INFO]


def test_a_functions_vfs_elsewhere_are_not_hidden_with_it() -> None:
    pf, vf = "0000:3b:00.0", "0000:3c:00.1"
    devices = {
        pf: Device(pf, "10de", "25b6", DeviceType.PF),
        vf: Device(vf, "10de", "25b6", DeviceType.VF, parent=pf),
    }
    assert hidden('{"address": "0000:3b:*.*"}', machine=Machine(devices)) == {}
    assert Level.WARNING in hidden('{"address": "0000:*:*.*"}', machine=Machine(devices))
