"""Which vGPU type each card gets, release by release, with the traps."""

from __future__ import annotations

import pytest

from gpucloud.nova.mdev import MdevSection, MdevTypes, choose_types
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases.release import parse_release

A, B = "0000:84:00.0", "0000:85:00.0"


def chosen(release: str, types: list[str], **sections: MdevSection) -> MdevTypes:
    named = {name.replace("_", "-"): section for name, section in sections.items()}
    found = choose_types(types, named, parse_release(release))
    assert not isinstance(found, Refusal)
    return found


@pytest.mark.parametrize(
    ("release", "types"),
    [("17", (None, None)), ("22.2.0", (None, None)), ("22.2.1", ("x", "y")), ("34", ("x", "y"))],
)
def test_several_types_work_since_victoria(release: str, types: tuple[str | None, ...]) -> None:
    found = chosen(release, ["x", "y"], x=MdevSection((A,)), y=MdevSection((B,)))
    expected = tuple(each or "x" for each in types)
    assert (found.type_of(A), found.type_of(B)) == expected


@pytest.mark.parametrize(("release", "elsewhere", "kind"), [("28", "x", "VGPU"), ("29", None, "CUSTOM_X")])
def test_a_single_types_section_counts_since_caracal(release: str, elsewhere: str | None, kind: str) -> None:
    found = chosen(release, ["x"], x=MdevSection((A,), "CUSTOM_X"))
    assert (found.type_of(A), found.type_of(B)) == ("x", elsewhere)
    assert found.class_of(A) == kind


def test_a_class_without_addresses_is_looked_up_where_no_inventory_is() -> None:
    found = chosen("34", ["x"], x=MdevSection((), "CUSTOM_X"))
    assert found.class_of(A) == "VGPU"
    assert found.allocation_classes == {"CUSTOM_X"}


def test_one_type_without_addresses_spoils_the_others_until_bobcat() -> None:
    found = chosen("28", ["x", "y"], x=MdevSection((A,)), y=MdevSection())
    assert found.enabled == ("x",)
    assert found.type_of(B) == "x"
    assert "Only the first type 'x' will be used." in found.warnings[0]


def test_a_second_type_without_addresses_is_dropped_with_a_warning() -> None:
    found = chosen("29", ["x", "y"])
    assert found.enabled == ("x",)
    assert found.warnings == ("Mdev type default already set to  x so y will not be used.",)


def test_an_address_in_upper_case_is_taken_and_matches_nothing() -> None:
    found = chosen("34", ["x"], x=MdevSection(("0000:8A:00.0",)))
    assert found.type_of("0000:8a:00.0") is None


@pytest.mark.parametrize(
    ("release", "exception", "said"),
    [
        (
            "23",
            "InvalidLibvirtGPUConfig",
            "Invalid configuration for GPU devices: incorrect PCI address: 85:00.0",
        ),
        (
            "33",
            "InvalidLibvirtMdevConfig",
            "Invalid configuration for mdev-capable devices: incorrect PCI address: 85:00.0",
        ),
        (
            "34",
            "InvalidLibvirtMdevConfig",
            "Invalid configuration for mdev-capable devices: incorrect device address: 85:00.0",
        ),
    ],
)
def test_a_short_address_stops_nova(release: str, exception: str, said: str) -> None:
    sections = {"x": MdevSection((A,)), "y": MdevSection(("85:00.0",))}
    refused = choose_types(["x", "y"], sections, parse_release(release))
    assert refused == Refusal(exception, said)


def test_one_card_cannot_have_two_types() -> None:
    refused = choose_types(["x", "y"], {"x": MdevSection((A,)), "y": MdevSection((A,))}, parse_release("30"))
    assert isinstance(refused, Refusal)
    assert refused.message.endswith(f"duplicate types for PCI ID {A}")


def test_a_parent_that_is_no_pci_function_serves_since_hibiscus() -> None:
    sections = {"x": MdevSection(("mtty_mtty",))}
    found = [
        choose_types(["x"], sections, parse_release(release), virtual_parents=("mtty_mtty",))
        for release in ("33", "34")
    ]
    assert [isinstance(each, Refusal) for each in found] == [True, False]


def test_before_queens_there_are_no_types() -> None:
    assert chosen("16", ["x"]).enabled == ()
