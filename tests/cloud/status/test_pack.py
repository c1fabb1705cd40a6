"""How many guests bundles serve: by hand, and against every way there is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpucloud.cloud.status.pack import most_guests


@pytest.mark.parametrize(
    ("bundles", "need", "guests"),
    [
        ([2, 1, 1, 2], 1, 4),  # six cards in four groups
        ([2, 1, 1, 2], 2, 3),
        ([2, 1, 1, 2], 4, 1),
        ([3, 3, 2, 2, 2], 6, 2),
        ([5, 4, 4, 3], 8, 2),
        ([0, 0], 1, 0),
        ([], 3, 0),
        ([8], 1, 1),
    ],
)
def test_a_bundle_goes_to_one_guest(bundles: list[int], need: int, guests: int) -> None:
    assert most_guests(bundles, need) == guests


def test_ones_beside_the_bundles_are_never_listed() -> None:
    many = 10**30
    assert most_guests([], 3, many) == many // 3
    assert most_guests([1, 1], 2, 2) == most_guests([1, 1, 1, 1], 2)
    assert most_guests([8], 8, many) == 1 + many // 8


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=6), st.integers(1, 7))
def test_no_other_way_serves_more(bundles: list[int], need: int) -> None:
    assert most_guests(bundles, need) == _tried(tuple(bundles), need)


def _tried(bundles: tuple[int, ...], need: int) -> int:
    """Every bundle to each guest that there could be."""
    ways = {(0,) * len(bundles)}
    for bundle in bundles:
        ways = {
            tuple(sorted((*got[:n], got[n] + bundle, *got[n + 1 :]))) for got in ways for n in range(len(got))
        }
    return max(sum(each >= need for each in got) for got in ways)


def test_very_many_bundles_are_packed_well_in_no_time() -> None:
    bundles = [size % 6 + 1 for size in range(1200)]
    assert sum(bundles) // 7 * 0.9 <= most_guests(bundles, 7) <= sum(bundles) // 7
