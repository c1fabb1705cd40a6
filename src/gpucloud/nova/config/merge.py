"""What an option is, when it stands under several names in several files.

Source: oslo.config, cfg.py: ``_Namespace._get_file_value``, ``Opt._get_from_namespace``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gpucloud.nova.config.ini import ConfigFile, ParseError, Setting, Unusable
from gpucloud.nova.releases.options import OptionName


@dataclass(frozen=True)
class Configuration:
    """Files in the order in which a service is given them."""

    files: tuple[ConfigFile, ...]

    @property
    def error(self) -> ParseError | Unusable | None:
        """Why no service starts with these files: the first error in their order."""
        return next((file.error for file in self.files if file.error is not None), None)

    def settings(self) -> Iterable[Setting]:
        """All settings, file by file."""
        return (setting for file in self.files for setting in file.settings)

    def every(self, name: OptionName, old: Sequence[OptionName] = ()) -> tuple[Setting, ...]:
        """All values of an option that repeats, in the order in which they count.

        Values of all files and all names add up: by file, then by name with the current one last.
        """
        named = [self._under(each) for each in (*old, name)]
        if not any(named):
            return ()
        return tuple(one for place in range(len(self.files)) for each in named for one in each.get(place, ()))

    def last(self, name: OptionName, old: Sequence[OptionName] = ()) -> Setting | None:
        """The one value of an option that does not repeat; None where nothing sets it.

        The last file that has any of its names decides, and in it the current name comes before old ones.
        """
        named = [self._under(each) for each in (name, *reversed(old))]
        place = max((place for each in named for place in each), default=None)
        if place is None:
            return None
        return next(each[place][-1] for each in named if place in each)

    @property
    def names(self) -> Iterable[tuple[str, str]]:
        """Section, as nova compares it, and name of every option that is set."""
        return self._index.keys()

    def _under(self, name: OptionName) -> Mapping[int, list[Setting]]:
        """File by its place to what it says under a name."""
        return self._index.get((normal_section(name.section), name.name), {})

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Mapping[int, list[Setting]]]:
        index: dict[tuple[str, str], dict[int, list[Setting]]] = {}
        for place, file in enumerate(self.files):
            for one in file.settings:
                found = index.setdefault((normal_section(one.section), one.name), {})
                found.setdefault(place, []).append(one)
        return index


def replaced_by_kolla(configuration: Configuration) -> tuple[Configuration, tuple[Setting, ...]]:
    """What kolla-ansible leaves of its override files, and what it drops.

    Repeats of a key stay inside one file, and a later file replaces all of them
    (``ansible/action_plugins/merge_configs.py``).
    """
    later: set[tuple[str, str]] = set()
    lost: list[Setting] = []
    kept: list[ConfigFile] = []
    for file in reversed(configuration.files):
        lost += [one for one in file.settings if (one.section, one.name) in later]
        mine = tuple(one for one in file.settings if (one.section, one.name) not in later)
        later |= {(one.section, one.name) for one in file.settings}
        kept.insert(0, replace(file, settings=mine))
    return Configuration(tuple(kept)), tuple(lost)


def normal_section(section: str) -> str:
    """Sections are one whatever their case, except that ``DEFAULT`` is only that."""
    return section if section == "DEFAULT" else section.lower()
