"""A wanted mix of GPU instances laid out on a card: a layout is found whenever there is one.

A GPU instance takes whole memory slices, from one of the starts of its profile on; two never overlap. Compute
slices need no count of their own: no layout of placements that the driver offers has more than the card.
Media engines do: a card has one optical flow accelerator, which one instance with ``+me`` or ``+me.all`` has;
``+me.all`` has the decoders of all others, too, so that only ``-me`` is beside it (NVIDIA Multi-Instance GPU
User Guide, "Supported MIG Profiles": hardware units of each profile and of the whole card).

The search is exact. What is left of the mix and which memory slices are taken decide all that follows, and
that is at most a few thousand states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import MigCard, MigProfile

_ALL, _ONE, _WITHOUT = "+me.all", "+me", "-me"
_MOST = 16
"""GPU instances of a card: no model has more than seven."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An instance of a profile with its place."""

    start: int
    profile: MigProfile

    @property
    def mask(self) -> int:
        """Its memory slices as bits."""
        return mask_of(self.start, self.profile.size)

    @property
    def tuple_of_tool(self) -> str:
        """As ``nvidia-smi mig -cgi`` takes it: profile and start (nvidia-smi mig -cgi --help)."""
        return f"{self.profile.id}:{self.start}"


@dataclass(frozen=True, slots=True)
class Packing:
    """How far a mix fits."""

    placed: tuple[Placed, ...]
    """In the order to make them: the largest first, as none of them then stands in the way of a later one."""
    left: tuple[MigProfile, ...]
    """What does not fit beside them; empty: all does."""


def mask_of(start: int, size: int) -> int:
    """Memory slices as bits."""
    return ((1 << size) - 1) << start


def mask_of_all(placed: Iterable[Placed]) -> int:
    """Memory slices of several as bits."""
    return reduce(or_, (each.mask for each in placed), 0)


def taken_by(mig: MigCard) -> tuple[Placed, ...] | Unknown:
    """The instances of a card with their places; Unknown where one's is not known."""
    if isinstance(mig.instances, Unknown):
        return mig.instances
    if isinstance(mig.profiles, Unknown):
        return mig.profiles
    if len(mig.instances) > _MOST:
        return Unknown(f"there are {len(mig.instances)} GPU instances, more than on any card")
    kinds = {kind.id: kind for kind in mig.profiles}
    found = []
    for each in mig.instances:
        kind = kinds.get(each.profile) if isinstance(each.profile, int) else None
        if kind is None or isinstance(each.start, Unknown):
            return Unknown(f"the place of GPU instance {each.id} is not known: nvidia-smi mig -lgi")
        found.append(Placed(each.start, kind))
    return tuple(found)


def pack(wanted: Iterable[MigProfile], taken: int = 0, there: Sequence[MigProfile] = ()) -> Packing:
    """Lay out a mix.

    Args:
        wanted: one entry for each instance; how many there are does not matter.
        taken: memory slices that instances have already, as bits.
        there: the profiles of those instances: some can be on a card only so often.

    Returns:
        All of it where that is possible; else the part that takes the most memory slices, and the rest.
    """
    counts = Counter(wanted)
    placed = max((_Search(most).best(taken) for most in _ways(counts, Counter(there))), key=_worth_of)
    missing = counts - Counter(each.profile for each in placed)
    return Packing(placed, tuple(kind for kind in _ordered(counts) for _ in range(missing[kind])))


_Most = tuple[tuple[MigProfile, int], ...]
"""How many of each kind at most, in the order in which they are placed."""


def _ordered(kinds: Iterable[MigProfile]) -> list[MigProfile]:
    return sorted(kinds, key=lambda kind: (-kind.size, -kind.compute_slices, kind.id))


def _ways(counts: Mapping[MigProfile, int], there: Counter[MigProfile]) -> Iterator[_Most]:
    """What can be beside each other: a way for each kind that could have the media engines, and without."""
    is_open = not any(kind.suffix in (_ONE, _ALL) for kind in there)
    able = (kind for kind in counts if is_open and kind.suffix in (_ONE, _ALL))
    for chosen in (*able, None):
        yield tuple(
            (kind, min(counts[kind], max(0, kind.total - there[kind]), _allowed(kind, chosen, there)))
            for kind in _ordered(counts)
        )


def _allowed(kind: MigProfile, chosen: MigProfile | None, there: Iterable[MigProfile]) -> int:
    """How many of a kind the media engines allow where one kind is chosen to have them."""
    if kind == chosen:
        is_first = all(each.suffix == _WITHOUT for each in there)
        return 1 if is_first or kind.suffix == _ONE else 0
    if kind.suffix in (_ONE, _ALL):
        return 0
    has_none_left = any(each is not None and each.suffix == _ALL for each in (*there, chosen))
    return 0 if has_none_left and kind.suffix != _WITHOUT else kind.total


_Best = tuple[int, int, tuple[Placed, ...]]
"""Memory slices, instances and places of a layout."""


class _Search:
    """Best layouts by what is left to place and what is taken."""

    def __init__(self, kinds: _Most) -> None:
        self._kinds = kinds
        self._known: dict[tuple[int, int, int, int], _Best] = {}

    def best(self, taken: int) -> tuple[Placed, ...]:
        return self._best(0, 0, 0, taken)[2]

    def _best(self, index: int, used: int, choice: int, taken: int) -> _Best:
        """The best layout of what is left.

        Args:
            index: the kind that comes next.
            used: how many of it are placed.
            choice: of which of its starts on: instances of one kind are alike, so their starts rise.
            taken: memory slices as bits.
        """
        if index == len(self._kinds):
            return (0, 0, ())
        key = (index, used, choice, taken)
        if key not in self._known:
            self._known[key] = self._look(index, used, choice, taken)
        return self._known[key]

    def _look(self, index: int, used: int, choice: int, taken: int) -> _Best:
        kind, count = self._kinds[index]
        wanted = (count - used) * kind.size + sum(each.size * many for each, many in self._kinds[index + 1 :])
        found: _Best = (-1, 0, ())
        for at in range(choice, len(kind.starts) if used < count else choice):
            placed = Placed(kind.starts[at], kind)
            if not taken & placed.mask:
                slices, number, rest = self._best(index, used + 1, at + 1, taken | placed.mask)
                found = max(found, (slices + kind.size, number + 1, (placed, *rest)), key=_worth)
                if found[0] == wanted:
                    return found
        return max(found, self._best(index + 1, 0, 0, taken), key=_worth)


def _worth_of(placed: Sequence[Placed]) -> tuple[int, int]:
    return sum(each.profile.size for each in placed), len(placed)


def _worth(best: _Best) -> tuple[int, int]:
    return best[:2]
