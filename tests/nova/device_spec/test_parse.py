"""Entries of device_spec: taken or refused as each generation of nova does, in its words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.nova.device_spec import DeviceSpec, parse_device_specs
from gpucloud.nova.machine import ELSEWHERE, Device, DeviceType, Machine
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases.release import SERIES, parse_release

_OLD = "Invalid PCI devices Whitelist config "
_MIDDLE = "Invalid PCI devices Whitelist config: "
_NEW = "Invalid [pci]device_spec config: "
_WRONG = "The PCI address {} has an incorrect format."


def parse(value: object, release: str, machine: Machine = ELSEWHERE) -> tuple[DeviceSpec, ...] | Refusal:
    text = value if isinstance(value, str) else json.dumps(value)
    return parse_device_specs([text], parse_release(release), machine=machine)


def refusal(value: object, release: str, machine: Machine = ELSEWHERE) -> tuple[str, str]:
    refused = parse(value, release, machine)
    assert isinstance(refused, Refusal)
    return refused.exception, refused.message


def entry(value: object, release: str, machine: Machine = ELSEWHERE) -> DeviceSpec:
    entries = parse(value, release, machine)
    assert not isinstance(entries, Refusal)
    return entries[0]


@pytest.mark.parametrize(
    ("value", "release", "exception", "message"),
    [
        ({"vendor_id": "0x10de"}, "14", "SyntaxError", "invalid syntax (<unknown>, line 1)"),
        ({"vendor_id": "10deX"}, "16", "PciConfigInvalidWhitelist", _OLD + "invalid vendor_id 10deX"),
        (
            {"vendor_id": "10deX"},
            "17",
            "PciConfigInvalidWhitelist",
            _MIDDLE + "property vendor_id ('10deX') does not parse as a hex number.",
        ),
        (
            {"vendor_id": "10deX"},
            "26",
            "PciConfigInvalidSpec",
            _NEW + "property vendor_id ('10deX') does not parse as a hex number.",
        ),
        ({"vendor_id": "110de"}, "13", "PciConfigInvalidWhitelist", _OLD + "invalid vendor_id 110de"),
        (
            {"vendor_id": "110de"},
            "34",
            "PciConfigInvalidSpec",
            _NEW + "property vendor_id (110de) is greater than the maximum allowable value (FFFF).",
        ),
        ({"vendor_id": 4318}, "34", "AttributeError", "'int' object has no attribute 'strip'"),
        (
            {"product_id": None},
            "31",
            "TypeError",
            "int() can't convert non-string with explicit base",
        ),
        ({"address": "0000:25:0*.4"}, "15", "PciConfigInvalidWhitelist", _OLD + "invalid slot 0*"),
        (
            {"address": "0000:25:00.8"},
            "14",
            "PciDeviceInvalidAddressField",
            "Invalid PCI Whitelist: The PCI address 0000:25:00.8 has an invalid function.",
        ),
        (
            {"address": "0000:25:00.8"},
            "30",
            "PciConfigInvalidSpec",
            _NEW + "property func (8) is greater than the maximum allowable value (7).",
        ),
        (
            {"address": "a:0000:25:00.4"},
            "13",
            "PciDeviceWrongAddressFormat",
            _WRONG.format("a:0000:25:00.4"),
        ),
        (
            {"address": {"bus": "["}},
            "14",
            "AttributeError",
            "'dict' object has no attribute 'partition'",
        ),
        ({"address": {"bus": "["}}, "20", "PciDeviceWrongAddressFormat", _WRONG.format("{'bus': '['}")),
        ({"address": {"bus": 25}}, "20", "TypeError", "first argument must be string or compiled pattern"),
        ({"address": 5}, "34", "PciDeviceWrongAddressFormat", _WRONG.format("5")),
        (
            {"address": "0000:25:00.0", "devname": "eth0"},
            "22",
            "PciDeviceInvalidDeviceName",
            "Invalid PCI Whitelist: The PCI whitelist can specify devname or address, but not both",
        ),
        ({"devname": "eth9"}, "13", "PciDeviceNotFoundById", "PCI device eth9 not found"),
        (
            "{'vendor_id': '10de'}",
            "34",
            "PciConfigInvalidSpec",
            _NEW + "Invalid entry: '{'vendor_id': '10de'}'",
        ),
        (
            '"x"',
            "18",
            "PciConfigInvalidWhitelist",
            _MIDDLE + "Invalid entry: '\"x\"'; Expecting list or dict",
        ),
        ("[1]", "16", "PciConfigInvalidWhitelist", _OLD + "Invalid entry: '1'; Expecting dict"),
        (
            {"managed": "maybe"},
            "31",
            "PciConfigInvalidSpec",
            _NEW + "Cannot parse tag 'managed': Unrecognized value 'maybe', acceptable values are: "
            "'0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
        ),
        (
            {"one_time_use": True},
            "32",
            "PciConfigInvalidSpec",
            _NEW + "one_time_use=true requires pci.report_in_placement to be enabled",
        ),
    ],
)
def test_a_bad_entry_is_refused_in_the_releases_own_words(
    value: object, release: str, exception: str, message: str
) -> None:
    assert refusal(value, release) == (exception, message)


@pytest.mark.parametrize("release", ["15", "25", "34"])
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"vendor_id": "0x10de"},
        {"vendor_id": " 10DE "},
        {"address": ""},
        {"address": None},
        {"address": {"device": "00"}},
        {"address": "*:3b:*.*"},
        {"address": "3b:00.0"},
        {"devname": "eth9"},
        {"manged": "no"},
        [{"vendor_id": "10de"}, {"vendor_id": "1002"}],
    ],
)
def test_what_nova_takes_is_taken(value: object, release: str) -> None:
    assert not isinstance(parse(value, release), Refusal)


def test_ids_are_kept_in_the_digits_that_nova_compares() -> None:
    spec = entry({"vendor_id": "0x10DE", "product_id": "1e"}, "34")
    assert (spec.vendor_id, spec.product_id) == ("10de", "001e")


def test_a_key_that_is_too_new_becomes_a_tag_as_it_stands() -> None:
    assert dict(entry({"managed": "no"}, "30").tags) == {"managed": "no"}
    assert dict(entry({"managed": "no"}, "31").tags) == {"managed": "false"}


def test_the_refusal_names_the_value_that_nova_was_reading() -> None:
    refused = parse_device_specs(["{}", "{}", "x"], parse_release("34"))
    assert isinstance(refused, Refusal)
    assert refused.value == 2


def test_only_a_crash_is_an_exception_of_python() -> None:
    refused = [parse({"vendor_id": 1}, "34"), parse({"vendor_id": "x"}, "34")]
    assert [each.is_crash for each in refused if isinstance(each, Refusal)] == [True, False]


PF = Device("0000:25:00.0", "15b3", "101d", DeviceType.PF)
VF = Device("0000:25:00.4", "15b3", "101e", DeviceType.VF, parent="0000:25:00.0")
SERVER = Machine({each.address: each for each in (PF, VF)}, {"eth0": PF.address, "eth1": "virtio0"})


@pytest.mark.parametrize(
    ("release", "itself"), [("13", False), ("14.0.2", False), ("14.0.3", True), ("34", True)]
)
def test_the_address_of_a_pf_covers_its_vfs_and_since_newton_itself(release: str, itself: bool) -> None:
    spec = entry({"address": PF.address}, release, machine=SERVER)
    assert (spec.matches(PF), spec.matches(VF)) == (itself, True)


def test_away_from_the_card_the_address_of_a_pf_covers_only_itself() -> None:
    spec = entry({"address": PF.address}, "34")
    assert (spec.matches(PF), spec.matches(VF)) == (True, False)


def test_a_regular_expression_covers_whatever_begins_with_it() -> None:
    spec = entry({"address": {"bus": "2"}}, "34")
    assert spec.matches(PF)
    assert not entry({"address": {"bus": "5"}}, "34").matches(PF)


def test_an_interface_stands_for_its_function_and_its_vfs() -> None:
    spec = entry({"devname": "eth0"}, "34", machine=SERVER)
    assert (spec.matches(PF), spec.matches(VF)) == (True, True)
    assert not entry({"devname": "eth9"}, "34", machine=SERVER).matches(PF)


def test_an_interface_without_a_pci_function_stops_nova_since_yoga() -> None:
    assert entry({"devname": "eth1"}, "24", machine=SERVER).trouble is not None
    assert refusal({"devname": "eth1"}, "25", machine=SERVER) == (
        "PciConfigInvalidWhitelist",
        _MIDDLE + "property slot ('virtio0') does not parse as a hex number.",
    )


def test_a_remote_managed_entry_takes_only_cards_with_a_serial_number() -> None:
    spec = entry({"remote_managed": "true", "address": "*:25:*.*"}, "34", machine=SERVER)
    named = Device(VF.address, VF.vendor_id, VF.product_id, VF.type, VF.parent, card_serial="MT1")
    assert (spec.matches(VF), spec.matches(named)) == (False, True)


@pytest.mark.parametrize("depth", [900, 990, 100_000])
def test_whatever_is_nested_too_deep_is_a_crash_of_nova(depth: int) -> None:
    exception, _ = refusal("[" * depth + "]" * depth, "34")
    assert exception in ("RecursionError", "PciConfigInvalidSpec")


@pytest.mark.parametrize(
    "pattern", ["((.?){65535}){65535}", "(((((a*)*)*)*)*)*b", "(|)" * 30 + "x", ".?" * 2000 + "x"]
)
def test_a_pattern_that_would_be_matched_for_hours_is_not_tried(pattern: str) -> None:
    hard = entry({"address": {"bus": pattern}}, "34")
    assert hard.untried == pattern
    assert not hard.matches(VF)


@pytest.mark.parametrize(
    "pattern",
    [
        ".*",
        "[0-9a-f]+",
        "|".join(f"{n:02x}" for n in range(256)),
        "(3b|5e)",
        "^(0a|10|1b|3b|5e|86|af|d8|18|17|31|4b|65|98|b1|ca)$",
        "^(?:3b|5e|86|b1)$",
        "(3b|5e)?",
        "([0-9a-f]){2}",
        "((a*)*)*b",
        "(" + "|".join("." * 60) + ")*",
    ],
)
def test_patterns_that_people_write_are_tried(pattern: str) -> None:
    assert entry({"address": {"bus": pattern}}, "34").untried is None


def test_repeats_inside_repeats_are_tried_where_a_domain_has_four_digits_and_left_where_it_has_eight() -> (
    None
):
    spec = entry({"address": {"domain": "((0*)*)*1"}}, "34")
    near = Device("0001:01:00.0", VF.vendor_id, VF.product_id, VF.type, VF.parent)
    far = Device("00000001:01:00.0", VF.vendor_id, VF.product_id, VF.type, VF.parent)
    assert spec.untried is None
    assert (spec.matches(near), spec.matches(far)) == (True, False)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["vendor_id", "product_id", "address", "devname", "managed", "remote_managed"])


@given(st.dictionaries(_KEYS, _JSON, max_size=4), st.sampled_from(SERIES))
def test_whatever_an_entry_holds_the_answer_is_entries_or_a_refusal(value: object, series: object) -> None:
    answer = parse(value, str(series), machine=SERVER)
    assert isinstance(answer, Refusal) or all(isinstance(spec.matches(PF), bool) for spec in answer)


@given(st.text(max_size=40), st.sampled_from(SERIES))
def test_whatever_text_stands_there_the_answer_is_entries_or_a_refusal(text: str, series: object) -> None:
    assert isinstance(parse(text, str(series)), tuple | Refusal)
