"""Aliases: taken or refused as each generation of nova does, in its words."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.nova.alias import Alias, parse_aliases, parse_flavor
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases.release import SERIES, parse_release

_T4 = {"name": "a1", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"}
_STRANGE = "Additional properties are not allowed ('{}' was unexpected)"


def parse(*values: object, release: str, in_placement: bool = False) -> Mapping[str, Alias] | Refusal:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return parse_aliases(texts, parse_release(release), pci_in_placement=in_placement)


def aliases(*values: object, release: str, in_placement: bool = False) -> Mapping[str, Alias]:
    known = parse(*values, release=release, in_placement=in_placement)
    assert not isinstance(known, Refusal)
    return known


def reason(*values: object, release: str, in_placement: bool = False) -> str:
    refused = parse(*values, release=release, in_placement=in_placement)
    assert isinstance(refused, Refusal)
    assert refused.exception == "PciInvalidAlias"
    return refused.message.removeprefix("Invalid PCI alias definition: ")


@pytest.mark.parametrize(
    ("value", "release", "said"),
    [
        ({"vendor_id": "10de"}, "34", "'name' is a required property"),
        ({**_T4, "name": ""}, "34", "'' should be non-empty"),
        ({**_T4, "vendor_id": "0x10de"}, "34", r"'0x10de' does not match '^([\\da-fA-F]{4})$'"),
        (
            {**_T4, "device_type": "PF"},
            "34",
            "'PF' is not one of ['type-PCI', 'type-PF', 'type-VF']",
        ),
        (
            {**_T4, "numa_policy": "strict"},
            "23",
            "'strict' is not one of ['required', 'legacy', 'preferred', 'socket']",
        ),
        (
            {**_T4, "numa_policy": "socket"},
            "22",
            "'socket' is not one of ['required', 'legacy', 'preferred']",
        ),
        ({**_T4, "numa_policy": "legacy"}, "16", _STRANGE.format("numa_policy")),
        ({**_T4, "resource_class": "X"}, "26", _STRANGE.format("resource_class")),
        ({**_T4, "live_migratable": "yes"}, "30", _STRANGE.format("live_migratable")),
        ({**_T4, "live_migratable": True}, "31", "True is not of type 'string'"),
        (
            {**_T4, "address": "x", "b": 1},
            "34",
            "Additional properties are not allowed ('address', 'b' were unexpected)",
        ),
        ([_T4], "34", f"{[_T4]!r} is not of type 'object'"),
        (
            "{'name': 'a1'}",
            "34",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ({"name": 1, "vendor_id": 2}, "34", "2 is not of type 'string'"),
    ],
)
def test_a_bad_alias_is_refused_in_novas_words(value: object, release: str, said: str) -> None:
    assert reason(value, release=release) == said


def test_a_name_defined_twice_stands_for_either_device() -> None:
    other = {**_T4, "product_id": "1eb9"}
    alias = aliases(_T4, other, release="34")["a1"]
    assert [spec["product_id"] for spec in alias.specs] == ["1eb8", "1eb9"]
    assert alias.values == (0, 1)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({**_T4, "device_type": "type-VF"}, "Device type mismatch for alias 'a1'"),
        ({**_T4, "numa_policy": "required"}, "NUMA policy mismatch for alias 'a1'"),
        ({key: value for key, value in _T4.items() if key != "device_type"}, "'dev_type'"),
    ],
)
def test_two_definitions_of_a_name_must_agree(other: object, said: str) -> None:
    assert reason(_T4, other, release="34") == said


def test_an_alias_without_ids_is_refused_from_the_back_port_on() -> None:
    bare = {"name": "a1"}
    said = "The PCI alias(es) a1 does not have vendor_id and product_id fields set."
    assert list(aliases(bare, release="31.3.0")) == ["a1"]
    assert [reason(bare, release=release) for release in ("31.3.1", "32.0.0")] == [said, said]


def test_a_resource_class_will_do_where_placement_schedules() -> None:
    by_class = {"name": "a1", "resource_class": "CUSTOM_GPU"}
    assert "a1" in aliases(by_class, release="34", in_placement=True)
    assert reason(by_class, release="34").endswith("vendor_id and product_id fields set.")
    assert reason({"name": "a1"}, release="34", in_placement=True).endswith("or resource_class field set.")


def test_placement_takes_one_definition_for_each_name() -> None:
    assert "have multiple specs" in reason(_T4, _T4, release="34", in_placement=True)


def test_a_yes_is_kept_as_nova_compares_it() -> None:
    spec = aliases({**_T4, "live_migratable": "Yes"}, release="31")["a1"].specs[0]
    assert spec["live_migratable"] == "true"


def test_a_flavor_asks_for_counts_of_aliases() -> None:
    known = aliases(_T4, {**_T4, "name": "b"}, release="34")
    requests = parse_flavor("a1:2, b:1", known, parse_release("34"), numa_policy="required")
    assert not isinstance(requests, Refusal)
    assert [(each.alias.name, each.count, each.numa_policy) for each in requests] == [
        ("a1", 2, "required"),
        ("b", 1, "required"),
    ]


@pytest.mark.parametrize(
    ("text", "exception", "message"),
    [
        ("x:1", "PciRequestAliasNotDefined", "PCI alias x is not defined"),
        ("a1", "ValueError", "not enough values to unpack (expected 2, got 1)"),
        ("a1:1:2", "ValueError", "too many values to unpack (expected 2)"),
        ("a1:x", "ValueError", "invalid literal for int() with base 10: 'x'"),
    ],
)
def test_a_flavor_that_nova_cannot_read_is_refused(text: str, exception: str, message: str) -> None:
    refused = parse_flavor(text, aliases(_T4, release="34"), parse_release("34"))
    assert isinstance(refused, Refusal)
    assert (refused.exception, refused.message) == (exception, message)


@pytest.mark.parametrize("depth", [900, 990, 100_000])
def test_whatever_is_nested_too_deep_is_refused(depth: int) -> None:
    assert reason("[" * depth + "]" * depth, release="34")


@given(st.lists(st.text(max_size=30), max_size=3), st.sampled_from(SERIES))
def test_whatever_stands_there_the_answer_is_aliases_or_a_refusal(texts: list[str], series: object) -> None:
    assert isinstance(parse(*texts, release=str(series)), Mapping | Refusal)
