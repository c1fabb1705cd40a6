"""Keys of flavors that the API's validators know, and properties of images that nova reads, with their types.

From ``flavor_keys.txt`` (nova/api/validation/extra_specs/, since 21.0.0) and ``image_properties.txt``
(nova/objects/image_meta.py and fields.py, old names with them): a regular expression that the whole name
matches, the versions from which it holds, those from which it does no more (``-``: it still does), and a
type. Types: ``bool``, ``int:LEAST:MOST``, ``one:A|B``, ``lower:A|B`` (in small letters, too), ``part:TEXT``
(any part of a text), ``like:EXPRESSION``, ``text`` (all values are taken), ``any`` (not all are, and which is
not judged). Nova's own packages judge both tables (``tests/nova/oracle``). ``resources:`` and ``trait:`` of
flavors are not in them: their names are Placement's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from gpucloud.nova.releases.fact import Since
from gpucloud.nova.releases.release import Release

_OLDEST = Release(13, 0, 0)


@dataclass(frozen=True, slots=True)
class Property:
    """A key or property as some releases have it."""

    name: str
    """A regular expression for the whole name; most are the name itself."""
    since: Since
    until: Since | None
    kind: str

    def is_in(self, release: Release) -> bool:
        is_over = self.until is not None and self.until.holds_for(release)
        return self.since.holds_for(release) and not is_over

    @property
    def values(self) -> tuple[str, ...]:
        """The values that are taken, where they can be counted."""
        form, _, rest = self.kind.partition(":")
        return tuple(rest.split("|")) if form in ("one", "lower") else ()


@dataclass(frozen=True)
class Properties:
    """One of the tables."""

    rows: tuple[Property, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.name for row in self.rows))

    def names_in(self, release: Release) -> tuple[str, ...]:
        """The names that a release has."""
        return tuple(row.name for row in self.rows if row.is_in(release))

    def find(self, name: str, release: Release) -> Property | None:
        """What a release has under a name; None where it has nothing."""
        return next((row for row in self.ages(name) if row.is_in(release)), None)

    def ages(self, name: str) -> tuple[Property, ...]:
        """All that releases have had under a name, oldest first."""
        return self._by_name.get(name) or tuple(
            row for row in self._patterns if re.fullmatch(row.name, name) is not None
        )

    def since(self, names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Versions to those of the names that came with them."""
        came: dict[str, tuple[str, ...]] = {}
        for name in names:
            versions = _written(self.ages(name)[0].since)
            came[versions] = (*came.get(versions, ()), name)
        return came

    def values_of(self, name: str) -> tuple[Any, ...]:
        """The values that 13.0.0 takes under a name, and each change: a version and the values since then."""
        ages = self.ages(name)
        is_old = ages[0].since.holds_for(_OLDEST)
        changes = [(_written(age.since), age.values) for age in ages[is_old:]]
        return (ages[0].values if is_old else (), *changes)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Property, ...]]:
        return {name: tuple(row for row in self.rows if row.name == name) for name in self.names}

    @cached_property
    def _patterns(self) -> tuple[Property, ...]:
        return tuple(row for row in self.rows if "\\" in row.name or "+" in row.name)


@cache
def flavor_keys() -> Properties:
    """Keys that a validator of the API knows by name."""
    return _read("flavor_keys.txt")


@cache
def image_properties() -> Properties:
    """Properties that are read from images."""
    return _read("image_properties.txt")


def _read(file: str) -> Properties:
    text = files("gpucloud.nova.releases").joinpath(file).read_text(encoding="ascii")
    return Properties(tuple(_row(*line.split(" ", 3)) for line in text.splitlines()))


def _row(name: str, since: str, until: str, kind: str) -> Property:
    end = None if until == "-" else _versions(until)
    return Property(name, _versions(since), end, kind)


def _versions(text: str) -> Since:
    return Since.parse(text.replace(",", " "))


def _written(since: Since) -> str:
    """As ``Since.parse`` reads it."""
    return " ".join(map(str, since.versions))
