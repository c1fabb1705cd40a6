"""A unit becomes one multifunction device that the guest finds whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.builders import card, function, unit

from gpucloud.cloud.definition.slots import FUNCTIONS_PER_SLOT, GuestSlot, guest_slots


def _places(slot: GuestSlot) -> list[tuple[int, str]]:
    return [(number, str(one.address)) for number, one in slot.functions]


def test_function_numbers_are_kept() -> None:
    turing = unit(function("3b:00.0"), function("3b:00.2"), function("3b:00.1"), function("3b:00.3"))
    assert _places(guest_slots([turing])[0]) == [
        (0, "0000:3b:00.0"),
        (1, "0000:3b:00.1"),
        (2, "0000:3b:00.2"),
        (3, "0000:3b:00.3"),
    ]


def test_a_gap_between_numbers_stays() -> None:
    assert _places(guest_slots([unit(function("3b:00.0"), function("3b:00.3"))])[0])[1][0] == 3


def test_a_unit_without_function_0_starts_at_0() -> None:
    assert _places(guest_slots([unit(function("08:00.4"))])[0]) == [(0, "0000:08:00.4")]


def test_functions_of_several_slots_get_consecutive_numbers_the_display_first() -> None:
    spread = unit(function("05:00.0"), function("04:00.1"), function("06:00.0"))
    assert _places(guest_slots([spread])[0]) == [
        (0, "0000:05:00.0"),
        (1, "0000:04:00.1"),
        (2, "0000:06:00.0"),
    ]


def test_every_unit_has_a_slot_of_its_own() -> None:
    assert len(guest_slots([card("3b:00"), card("5e:00"), card("86:00")])) == 3


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 7)), min_size=1, max_size=30, unique=True))
def test_no_function_is_lost_and_slots_hold_what_pci_can_number(places: list[tuple[int, int]]) -> None:
    gpu = unit(*(function(f"{bus:02x}:00.{number}") for bus, number in places))
    slots = guest_slots([gpu])
    given_away = [one.address for slot in slots for _, one in slot.functions]
    assert sorted(given_away) == sorted(gpu.addresses)
    for slot in slots:
        numbers = [number for number, _ in slot.functions]
        assert numbers[0] == 0
        assert numbers == sorted(set(numbers))
        assert numbers[-1] < FUNCTIONS_PER_SLOT
