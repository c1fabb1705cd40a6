"""How many guests can have so many units each, where a bundle of units goes to one guest only. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

_EXACT = 16
"""Bundles, each smaller than what a guest needs, up to which every way is tried: servers have no more."""


def most_guests(bundles: Iterable[int], need: int, ones: int = 0) -> int:
    """The most guests that get at least ``need`` units each, every bundle going whole to one of them.

    A bundle that suffices alone is one guest: joined with others it would serve no more. Of smaller ones the
    best way is found up to 16 of them; of more a good way, which may be short of the best.

    Args:
        bundles: how many free units each has.
        need: at least 1.
        ones: bundles of one unit beside them, which may be very many; with bundles of several units that are
            too small alone they are not joined.
    """
    sizes = sorted(bundles, reverse=True)
    small = tuple(size for size in sizes if 0 < size < need)
    served = sum(size >= need for size in sizes)
    if all(size == 1 for size in small):
        return served + (len(small) + ones) // need
    return served + _joined(small, need) + ones // need


def _joined(small: tuple[int, ...], need: int) -> int:
    if not small:
        return 0
    if small[0] == small[-1]:
        return len(small) // -(-need // small[0])
    return _best(small, need) if len(small) <= _EXACT else _good(small, need)


@lru_cache(maxsize=4096)
def _best(small: tuple[int, ...], need: int) -> int:
    """Sizes from the largest down. Some best way uses the largest: put in place of another it fits."""
    bound, best = sum(small) // need, 0
    if bound:
        for left in _left_over(small[1:], need - small[0]):
            best = max(best, 1 + _best(left, need))
            if best == bound:
                break
    return best


def _left_over(small: tuple[int, ...], lack: int, begin: int = 0) -> Iterator[tuple[int, ...]]:
    """What is left after each way to take what makes up for the lack, with nothing in it to spare."""
    for place in range(begin, len(small)):
        if place > begin and small[place] == small[place - 1]:
            continue
        others = small[:place] + small[place + 1 :]
        if small[place] >= lack:
            yield others
        else:
            yield from _left_over(others, lack - small[place], place)


def _good(small: tuple[int, ...], need: int) -> int:
    """The largest with as many of the smallest as make it up, again and again."""
    left, guests = list(small), 0
    while left:
        got = left.pop(0)
        while got < need and left:
            got += left.pop()
        guests += got >= need
    return guests
