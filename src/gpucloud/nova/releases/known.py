"""Options of nova's sections that matter here, with their types: what nova reads, and what it would not take.

From ``known_options.txt``: a section's options with the series that have them and their type (``bool``,
``int:LEAST:MOST``, ``float:...``, ``one:A|B``, ``list``, ``multi``, ``text``), or ``=`` and the option that
an old name is read for. Made of nova's own packages, 15 to 34, which also judge it (``tests/nova/oracle``);
of 13 and 14 there is no package, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release

FIRST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class KnownOption:
    """An option as some series have it."""

    name: OptionName
    first: int
    last: int
    kind: str
    """Its type; ``=[pci]device_spec`` for an old name of that."""

    def is_in(self, release: Release) -> bool:
        return self.first <= release.number <= self.last

    @property
    def stands_for(self) -> OptionName:
        """The option that it is read for: itself, but for old names."""
        if not self.kind.startswith("="):
            return self.name
        section, _, name = self.kind[2:].partition("]")
        return OptionName(section, name)


@cache
def known_options() -> Mapping[str, Mapping[str, tuple[KnownOption, ...]]]:
    """Section to name to what the option is, by series, oldest first."""
    text = files("gpucloud.nova.releases").joinpath("known_options.txt").read_text(encoding="ascii")
    found: dict[str, dict[str, tuple[KnownOption, ...]]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
            continue
        name, series, kind = line.split(" ", 2)
        first, _, last = series.partition("-")
        one = KnownOption(OptionName(section, name), int(first), int(last), kind)
        by_name = found.setdefault(section, {})
        by_name[name] = (*by_name.get(name, ()), one)
    return found


@cache
def known_option(name: OptionName, release: Release) -> KnownOption | None:
    """What a release reads under a name; None where it reads nothing, or nothing is known of it."""
    ages = known_options().get(name.section, {}).get(name.name, ())
    return next((age for age in ages if age.is_in(release)), None)


@cache
def old_names(name: OptionName, release: Release) -> tuple[OptionName, ...]:
    """The old names under which a release still reads an option."""
    every = (age for names in known_options().values() for ages in names.values() for age in ages)
    return tuple(
        age.name for age in every if age.is_in(release) and age.stands_for == name and age.name != name
    )


@cache
def names_in(section: str, release: Release) -> frozenset[str]:
    """All that a release reads in a section, under current and old names."""
    known = known_options().get(section, {})
    return frozenset(name for name, ages in known.items() if any(age.is_in(release) for age in ages))
