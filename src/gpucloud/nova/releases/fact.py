"""A behaviour of nova that changed, with the version of every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Generic, TypeVar, cast

from gpucloud.nova.releases.release import SERIES, Release

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Since:
    """The versions from which something holds: that of the main line, and those it was carried back to.

    ``Since.parse("32.0.0 31.3.1")`` holds for 31.3.1, 31.3.2 and all from 32.0.0 on, not for 31.3.0.
    """

    versions: tuple[Release, ...]

    @classmethod
    def parse(cls, text: str) -> Since:
        """Read versions, all with three numbers, in any order.

        Raises:
            ValueError: a version has not three numbers.
        """
        return cls(tuple(sorted(_version(word) for word in text.split())))

    def holds_for(self, release: Release) -> bool:
        if release >= self.versions[-1]:
            return True
        return any(each.number == release.number and release >= each for each in self.versions[:-1])

    def __str__(self) -> str:
        *back, main = map(str, self.versions)
        return f"{main} (and {', '.join(back)})" if back else main


@dataclass(frozen=True, slots=True, eq=False)
class Fact(Generic[T]):
    """What holds in which release.

    Args:
        says: what the value tells, in a few words; the heading of the reference page's row.
        first: the value in 13.0.0.
        changes: versions and the value since then, oldest first.
        source: the file of nova's repository where it is written.
    """

    says: str
    first: T
    changes: tuple[tuple[Since, T], ...]
    source: str

    def at(self, release: Release) -> T:
        """The value in a release."""
        return cast("T", _value(self, release))


def fact(says: str, first: T, *changes: tuple[str, T], source: str) -> Fact[T]:
    """Write a fact down, with its versions as text."""
    return Fact(says, first, tuple((Since.parse(since), value) for since, value in changes), source)


def names_fact(says: str, since: Mapping[str, tuple[str, ...]], *, source: str) -> Fact[tuple[str, ...]]:
    """Write down names that came one after the other: versions, as ``Since`` reads them, to the new names."""
    known = {name: Since.parse(text) for text, names in since.items() for name in names}
    starts = (Release(series.number, 0, 0) for series in SERIES)
    points = sorted({*starts, *(version for each in known.values() for version in each.versions)})
    held = [(point, tuple(name for name in known if known[name].holds_for(point))) for point in points]
    changes = tuple(
        (Since((point,)), names) for (_, before), (point, names) in pairwise(held) if names != before
    )
    return Fact(says, held[0][1], changes, source)


@cache  # asked several times for each entry of a file
def _value(known: Fact[object], release: Release) -> object:
    held = [value for since, value in known.changes if since.holds_for(release)]
    return held[-1] if held else known.first


def _version(text: str) -> Release:
    number, minor, patch = map(int, text.split("."))
    return Release(number, minor, patch)
