"""MIG mixes are laid out whenever that is possible: held against trying everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.pci import PciId
from gpucloud.slices.mig.card import MigProfile
from gpucloud.slices.mig.models import profiles_of
from gpucloud.slices.mig.pack import Packing, mask_of, mask_of_all, pack

pytestmark = pytest.mark.proof

A30, A100, RTX = 0x20B7, 0x20F1, 0x2BB5
MODELS = {"A30": A30, "A100 40": A100, "A100 80": 0x20B5, "H100": 0x2331, "H200": 0x2335, "B200": 0x2901}


ENGINES = {
    "1g.6gb": (0, 0, 0),
    "1g.6gb+me": (1, 1, 1),
    "2g.12gb": (2, 0, 0),
    "2g.12gb+me": (2, 1, 1),
    "4g.24gb": (4, 1, 1),
    "1g.5gb": (0, 0, 0),
    "1g.5gb+me": (1, 1, 1),
    "1g.10gb": (1, 0, 0),
    "2g.10gb": (1, 0, 0),
    "3g.20gb": (2, 0, 0),
    "4g.20gb": (2, 0, 0),
    "7g.40gb": (5, 1, 1),
    "1g.24gb": (1, 1, 0),
    "1g.24gb+me": (1, 1, 1),
    "1g.24gb+gfx": (1, 1, 0),
    "1g.24gb+me.all": (4, 4, 1),
    "1g.24gb-me": (0, 0, 0),
    "2g.48gb": (2, 2, 0),
    "2g.48gb+gfx": (2, 2, 0),
    "2g.48gb+me.all": (4, 4, 1),
    "2g.48gb-me": (0, 0, 0),
    "4g.96gb": (4, 4, 1),
    "4g.96gb+gfx": (4, 4, 1),
}
"""Decoders, JPEG engines and optical flow accelerators: NVIDIA Multi-Instance GPU User Guide, "Supported MIG
Profiles"."""


def has_engines(kinds: Iterable[MigProfile], mix: Iterable[MigProfile]) -> bool:
    """Whether the card of these kinds has as many media engines as a mix takes: some kind has all of them."""
    whole = map(max, zip(*(ENGINES[kind.name] for kind in kinds), strict=True))
    taken = map(sum, zip((0, 0, 0), *(ENGINES[kind.name] for kind in mix), strict=True))
    return all(own <= most for own, most in zip(taken, whole, strict=True))


def profiles(device: int) -> tuple[MigProfile, ...]:
    found = profiles_of(PciId(0x10DE, device))
    assert found is not None
    return found


def by_name(device: int, *names: str) -> list[MigProfile]:
    kinds = {kind.name: kind for kind in profiles(device)}
    return [kinds[name] for name in names]


def can_lie(mix: Sequence[MigProfile], taken: int = 0) -> bool:
    """Try every start of the first, and so on; nothing is remembered and nothing is ordered."""
    if not mix:
        return True
    first, rest = mix[0], mix[1:]
    return any(
        not taken & mask_of(start, first.size) and can_lie(rest, taken | mask_of(start, first.size))
        for start in first.starts
    )


def is_allowed(kinds: Sequence[MigProfile], mix: Sequence[MigProfile]) -> bool:
    return has_engines(kinds, mix) and all(count <= kind.total for kind, count in Counter(mix).items())


def all_mixes(kinds: Sequence[MigProfile], most: int) -> Iterator[tuple[MigProfile, ...]]:
    for count in range(most + 1):
        yield from combinations_with_replacement(kinds, count)


def check(packing: Packing, mix: Sequence[MigProfile], taken: int = 0) -> None:
    """What is placed lies where its profile may, beside everything else; nothing of the mix is lost."""
    for each in packing.placed:
        assert each.start in each.profile.starts
        assert not each.mask & taken
        taken |= each.mask
    assert Counter((*packing.left, *(each.profile for each in packing.placed))) == Counter(mix)


def possible(kinds: Sequence[MigProfile]) -> set[tuple[tuple[int, int], ...]]:
    """The mixes of all layouts that there are, found by laying out every one of them."""
    places = [(mask_of(start, kind.size), kind) for kind in kinds for start in kind.starts]
    found = set()

    def lay(at: int, taken: int, mix: Counter[MigProfile]) -> None:
        found.add(_key(mix))
        for number in range(at, len(places)):
            mask, kind = places[number]
            more = mix + Counter([kind])
            if not taken & mask and is_allowed(kinds, tuple(more.elements())):
                lay(number + 1, taken | mask, more)

    lay(0, 0, Counter())
    return found


def _key(mix: Counter[MigProfile]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((kind.id, count) for kind, count in mix.items()))


@pytest.mark.parametrize("device", [A30, A100])
def test_every_mix_up_to_the_size_of_a_card_is_laid_out_exactly_when_it_can_be(device: int) -> None:
    kinds = profiles(device)
    layouts = possible(kinds)
    for mix in all_mixes(kinds, max(kind.compute_slices for kind in kinds)):
        packing = pack(mix)
        check(packing, mix)
        assert (not packing.left) == (_key(Counter(mix)) in layouts), [kind.name for kind in mix]


@given(st.data())
def test_it_is_so_beside_instances_that_are_there_and_for_more_of_them(data: st.DataObject) -> None:
    kinds = profiles(data.draw(st.sampled_from((A100, RTX))))
    mix = data.draw(st.lists(st.sampled_from(kinds), max_size=8))
    taken = data.draw(st.integers(0, (1 << max(kind.starts[-1] + kind.size for kind in kinds)) - 1))
    packing = pack(mix, taken)
    check(packing, mix, taken)
    assert (not packing.left) == (is_allowed(kinds, mix) and can_lie(mix, taken))


@given(st.data())
def test_what_is_left_out_is_as_little_as_can_be(data: st.DataObject) -> None:
    kinds = profiles(data.draw(st.sampled_from((A30, RTX))))
    mix = data.draw(st.lists(st.sampled_from(kinds), max_size=5))
    placed = sum(each.profile.size for each in pack(mix).placed)
    parts = (
        tuple(kind for at, kind in enumerate(mix) if number >> at & 1) for number in range(1 << len(mix))
    )
    fitting = (part for part in parts if is_allowed(kinds, part) and can_lie(part))
    assert placed == max(sum(kind.size for kind in part) for part in fitting)


@pytest.mark.parametrize("device", MODELS.values(), ids=MODELS)
def test_a_card_takes_of_each_profile_alone_as_many_as_its_table_says(device: int) -> None:
    for kind in profiles(device):
        assert len(pack([kind] * 20).placed) == kind.total


@pytest.mark.parametrize("device", MODELS.values(), ids=MODELS)
def test_no_layout_has_more_compute_slices_than_the_card(device: int) -> None:
    kinds = profiles(device)
    card = max(kind.compute_slices for kind in kinds)
    for mix in all_mixes(kinds, 3):
        assert sum(each.profile.compute_slices for each in pack(mix).placed) <= card


def test_the_largest_is_made_first_and_each_with_its_start() -> None:
    packing = pack(by_name(A100, "1g.5gb", "2g.10gb", "4g.20gb"))
    assert [each.tuple_of_tool for each in packing.placed] == ["5:0", "14:4", "19:6"]


def test_a_mix_that_needs_the_only_other_order_is_found() -> None:
    """1g.10gb at 6 leaves 0 to 5 for three of 2g; wherever else it lies, only two of them fit."""
    packing = pack(by_name(A100, "1g.10gb", "2g.10gb", "2g.10gb", "2g.10gb"))
    assert packing.left == ()
    assert {each.profile.name: each.start for each in packing.placed}["1g.10gb"] == 6


def test_what_does_not_fit_is_named() -> None:
    packing = pack(by_name(A100, "4g.20gb", "4g.20gb", "3g.20gb"))
    assert [kind.name for kind in packing.left] == ["4g.20gb"]
    assert mask_of_all(packing.placed) == 0xFF


def test_media_extensions_are_on_a_card_once_also_beside_one_that_is_there() -> None:
    extended = by_name(A100, "1g.5gb+me")
    assert pack(extended * 2).left == tuple(extended)
    assert pack(extended, taken=1, there=extended).left == tuple(extended)


@pytest.mark.parametrize(
    ("device", "names", "left"),
    [
        (A30, ("2g.12gb+me", "1g.6gb+me", "1g.6gb"), ["1g.6gb+me"]),
        (A30, ("2g.12gb+me", "1g.6gb", "1g.6gb"), []),
        (RTX, ("1g.24gb+me.all", "1g.24gb", "1g.24gb", "1g.24gb"), ["1g.24gb+me.all"]),
        (RTX, ("1g.24gb+me.all", "1g.24gb-me", "1g.24gb-me", "1g.24gb-me"), []),
        (RTX, ("2g.48gb+me.all", "1g.24gb+me"), ["1g.24gb+me"]),
    ],
)
def test_media_engines_are_given_once(device: int, names: tuple[str, ...], left: list[str]) -> None:
    assert [kind.name for kind in pack(by_name(device, *names)).left] == left


@given(st.data())
def test_media_engines_that_instances_have_are_not_given_again(data: st.DataObject) -> None:
    kinds = profiles(data.draw(st.sampled_from((A30, RTX))))
    before = pack(data.draw(st.lists(st.sampled_from(kinds), max_size=2))).placed
    there = [each.profile for each in before]
    mix = data.draw(st.lists(st.sampled_from(kinds), max_size=3))
    packing = pack(mix, mask_of_all(before), there)
    check(packing, mix, mask_of_all(before))
    assert is_allowed(kinds, (*there, *(each.profile for each in packing.placed)))
    fits = is_allowed(kinds, (*there, *mix)) and can_lie(mix, mask_of_all(before))
    assert (not packing.left) == fits


def test_many_more_than_fit_are_answered_too() -> None:
    packing = pack([*profiles(RTX) * 1000])
    assert len(packing.placed) + len(packing.left) == 11_000
