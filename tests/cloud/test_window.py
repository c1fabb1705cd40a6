"""Large BARs have room in the guest's address space, or the guest is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.builders import function, memory_bar

from gpucloud.cloud.definition.window import (
    AMD_ABOVE_HYPERTRANSPORT,
    AMD_HYPERTRANSPORT_START,
    DEFAULT_WINDOW_BYTES,
    GIB,
    OWN_DEVICES_BYTES,
    fit_window,
    round_up_to_power_of_two,
    slot_bytes,
)
from gpucloud.model.pci import PciFunction
from gpucloud.model.unknown import Unknown

POWERS = st.integers(12, 40).map(lambda power: 1 << power)
SLOTS = st.lists(st.lists(POWERS, min_size=1, max_size=6), max_size=16)


def _card(*sizes: int) -> list[PciFunction]:
    return [function("3b:00.0", bars=tuple(memory_bar(at, size) for at, size in enumerate(sizes)))]


def _place_largest_first(sizes: list[int], start: int) -> int:
    """Place naturally aligned power-of-two regions one after the other; gives where they end."""
    for size in sorted(sizes, reverse=True):
        start = -(-start // size) * size + size
    return start


def test_cards_with_small_bars_need_nothing_unusual() -> None:
    window = fit_window([_card(16 << 20, 256 << 20)], 4096, is_amd=False)
    assert window.is_default
    assert window.size_bytes == DEFAULT_WINDOW_BYTES


def test_eight_h100_need_four_tib() -> None:
    cards = [_card(16 << 20, 128 * GIB, 32 << 20)] * 8
    window = fit_window(cards, 1 << 20, is_amd=False)
    # 128 GiB and 48 MiB fill 256 GiB per port, and the guest has devices of its own.
    assert window.wanted_bytes == 8 * 256 * GIB
    assert window.size_bytes == 4 << 40
    assert window.fits(46)
    assert not window.fits(40)


def test_memory_takes_room_from_the_window() -> None:
    cards = [_card(64 * GIB)] * 4
    assert fit_window(cards, 64 << 10, is_amd=False).fits(40)
    assert not fit_window(cards, 960 << 10, is_amd=False).fits(40)


def test_bars_of_32_bits_and_unknown_ones_ask_for_no_window() -> None:
    narrow = function("3b:00.0", bars=(memory_bar(0, 1 << 24, is_64bit=False),))
    unread = function("3b:00.1", bars=Unknown("permission denied"))
    window = fit_window([[narrow, unread]], 1 << 30, is_amd=False)
    assert window.wanted_bytes == 0
    assert window.fits(32)


def test_on_amd_nothing_reaches_the_hypertransport_range() -> None:
    window = fit_window([_card(64 * GIB)], 1000 << 10, is_amd=True)
    assert window.end > AMD_ABOVE_HYPERTRANSPORT
    assert fit_window([_card(64 * GIB)], 4096, is_amd=True).end < AMD_HYPERTRANSPORT_START


@pytest.mark.parametrize(
    ("number", "power"), [(0, 1), (1, 1), (2, 2), (3, 4), (GIB, GIB), (GIB + 1, 2 * GIB)]
)
def test_powers_of_two(number: int, power: int) -> None:
    assert round_up_to_power_of_two(number) == power


@given(SLOTS, st.integers(1, 4 << 20), st.booleans())
def test_every_bar_fits_into_its_port_and_every_port_into_the_window(
    slots: list[list[int]], memory_mib: int, is_amd: bool
) -> None:
    window = fit_window([_card(*sizes) for sizes in slots], memory_mib, is_amd=is_amd)
    start = window.end - window.size_bytes
    ports = [slot_bytes(_card(*sizes)) for sizes in slots]
    for sizes, port in zip(slots, ports, strict=True):
        assert _place_largest_first(sizes, 0) <= port
    assert start % window.size_bytes == 0
    assert start >= (4 << 30) + (memory_mib << 20)
    assert _place_largest_first([*ports, OWN_DEVICES_BYTES], start) <= window.end


@given(SLOTS, st.integers(1, 4 << 20), st.integers(36, 52))
def test_more_memory_never_makes_it_fit(slots: list[list[int]], memory_mib: int, bits: int) -> None:
    cards = [_card(*sizes) for sizes in slots]
    if fit_window(cards, 2 * memory_mib, is_amd=False).fits(bits):
        assert fit_window(cards, memory_mib, is_amd=False).fits(bits)
