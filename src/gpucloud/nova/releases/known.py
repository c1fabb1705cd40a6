"""All options of nova, with types and defaults: what nova reads, and what it would not take.

From ``known_options.txt``: a section's options with the series that have them and their type (``bool``,
``int:LEAST:MOST``, ``float:...``, ``one:A|B``, ``list``, ``multi``, ``text``), or ``=`` and the option that
an old name is read for; behind a tab the default, where there is one, and ``?`` where it is made on the host.
Sections stand in the order in which oslo.config goes through them. Made by
``tests/nova/oracle/option_table.py`` of nova's own code and of what each service registers of oslo's
libraries. The packages of 15 to 34 also judge it; of 13 and 14, for which there is none, the repository was
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class KnownOption:
    """An option as some series have it."""

    name: OptionName
    first: int
    last: int
    kind: str
    """Its type; ``=[pci]device_spec`` for an old name of that."""
    default: str | None = ""
    """The text that stands for it where nothing sets it; None where only its host knows that."""

    def is_in(self, release: Release) -> bool:
        return self.first <= release.number <= self.last

    @property
    def is_old(self) -> bool:
        return self.kind.startswith("=")

    @property
    def stands_for(self) -> OptionName:
        """The option that it is read for: itself, but for old names."""
        if not self.kind.startswith("="):
            return self.name
        section, _, name = self.kind[2:].partition("]")
        return OptionName(section, name)


def known_options() -> Mapping[str, Mapping[str, tuple[KnownOption, ...]]]:
    """Section to name to what the option is, by series, oldest first."""
    return {section: options_of(section) for section in _texts()}


@cache
def options_of(section: str) -> Mapping[str, tuple[KnownOption, ...]]:
    """Name to what the option is, by series, oldest first; empty for a section that nova does not have."""
    found: dict[str, tuple[KnownOption, ...]] = {}
    for line in _texts().get(section, "").splitlines():
        one = _parse(section, line)
        found[one.name.name] = (*found.get(one.name.name, ()), one)
    return found


def _parse(section: str, line: str) -> KnownOption:
    name, series, rest = line.split(" ", 2)
    first, _, last = series.partition("-")
    kind, _, default = rest.partition("\t")
    where = OptionName(section, name)
    return KnownOption(where, int(first), int(last), kind, None if default == "?" else default)


def place_of(name: OptionName) -> tuple[int, str]:
    """Sorts options as oslo.config prints them: DEFAULT first, then group by group."""
    return list(_texts()).index(name.section), name.name.replace("-", "_")


@cache
def _texts() -> Mapping[str, str]:
    """Section to its lines, read when they are asked for."""
    text = files("gpucloud.nova.releases").joinpath("known_options.txt").read_text(encoding="ascii")
    parts = (part.partition("]\n") for part in f"\n{text}".split("\n[")[1:])
    return {section: lines for section, _, lines in parts}


@cache
def known_option(name: OptionName, release: Release) -> KnownOption | None:
    """What a release reads under a name; None where it reads nothing, or nothing is known of it."""
    ages = options_of(name.section).get(name.name, ())
    return next((age for age in ages if age.is_in(release)), None)


@cache
def old_names(name: OptionName, release: Release) -> tuple[OptionName, ...]:
    """The old names under which a release still reads an option."""
    return tuple(age.name for age in _old_of().get(name, ()) if age.is_in(release))


@cache
def _old_of() -> Mapping[OptionName, tuple[KnownOption, ...]]:
    """Option to what its old names are, in all series."""
    found: dict[OptionName, tuple[KnownOption, ...]] = {}
    for section, text in _texts().items():
        for line in text.splitlines():
            if " =[" in line:
                age = _parse(section, line)
                found[age.stands_for] = (*found.get(age.stands_for, ()), age)
    return found


@cache
def has_group(section: str, release: Release) -> bool:
    """Whether a release registers a group of this name; old names alone make none."""
    ages = (age for ages in options_of(section).values() for age in ages)
    return section != "DEFAULT" and any(age.is_in(release) and not age.is_old for age in ages)


@cache
def read_in(section: str, release: Release) -> Mapping[str, KnownOption]:
    """Name to the option that a release reads for it, in one section, under current and old names."""
    found: dict[str, KnownOption] = {}
    for name in options_of(section):
        known = known_option(OptionName(section, name), release)
        current = None if known is None else known_option(known.stands_for, release)
        if current is not None:
            found[name] = current
    return found


@cache
def names_in(section: str, release: Release) -> frozenset[str]:
    """All that a release reads in a section, under current and old names."""
    known = options_of(section)
    return frozenset(name for name, ages in known.items() if any(age.is_in(release) for age in ages))
