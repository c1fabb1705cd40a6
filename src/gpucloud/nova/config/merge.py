"""What an option is, when it stands under several names in several files.

Source: oslo.config, cfg.py: ``_Namespace._get_file_value``, ``Opt._get_from_namespace``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpucloud.nova.config.ini import ConfigFile, ParseError, Setting
from gpucloud.nova.releases.options import OptionName


@dataclass(frozen=True, slots=True)
class Configuration:
    """Files in the order in which a service is given them."""

    files: tuple[ConfigFile, ...]

    @property
    def error(self) -> ParseError | None:
        """Why no service starts with these files: the first error in their order."""
        return next((file.error for file in self.files if file.error is not None), None)

    def settings(self) -> Iterable[Setting]:
        """All settings, file by file."""
        return (setting for file in self.files for setting in file.settings)

    def every(self, name: OptionName, old: Sequence[OptionName] = ()) -> tuple[Setting, ...]:
        """All values of an option that repeats, in the order in which they count.

        Values of all files and all names add up: by file, then by name with the current one last.
        """
        names = (*old, name)
        return tuple(one for file in self.files for each in names for one in _under(file, each))

    def last(self, name: OptionName, old: Sequence[OptionName] = ()) -> Setting | None:
        """The one value of an option that does not repeat; None where nothing sets it.

        The last file that has any of its names decides, and in it the current name comes before old ones.
        """
        for file in reversed(self.files):
            for each in (name, *reversed(old)):
                found = _under(file, each)
                if found:
                    return found[-1]
        return None


def _under(file: ConfigFile, name: OptionName) -> list[Setting]:
    section = _normal(name.section)
    return [one for one in file.settings if one.name == name.name and _normal(one.section) == section]


def _normal(section: str) -> str:
    """Sections are one whatever their case, except that ``DEFAULT`` is only that."""
    return section if section == "DEFAULT" else section.lower()
