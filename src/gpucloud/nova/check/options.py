"""Options as nova reads them: what other options stand for put in, and of their type.

Source: oslo.config, cfg.py: ``ConfigOpts._do_get``, ``_substitute``, ``StrSubWrapper``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gpucloud.nova.config import Configuration, Setting, normal_section, read_value, substitute
from gpucloud.nova.config.value import Value
from gpucloud.nova.refusal import NovaRaises
from gpucloud.nova.releases.known import KnownOption, has_group, known_option, old_names
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release

WRONG = "ConfigFileValueError"


@dataclass(frozen=True)
class Options:
    """The options of some files, for one release."""

    configuration: Configuration
    release: Release
    _open: list[OptionName] = field(default_factory=list)

    def settings(self, known: KnownOption, section: str | None = None) -> tuple[Setting, ...]:
        """The settings that count for an option: all of one that repeats, else the last.

        Under an old name oslo.config looks for the option in the section of that: ``section``.
        """
        old = old_names(known.name, self.release)
        name = OptionName(section or known.name.section, known.name.name)
        if known.kind == "multi":
            return self.configuration.every(name, old)
        last = self.configuration.last(name, old)
        return () if last is None else (last,)

    def put(self, text: str, section: str) -> tuple[str, bool]:
        """A text with the values of options in place of their names.

        Returns:
            The text, and whether that is all: what only the host knows stays as it is written.

        Raises:
            NovaRaises: a name stands for nothing, for itself, or for a value that is not of its type.
        """
        if "$" not in text:
            return text, True
        is_whole = True

        def look_up(name: str) -> str | None:
            nonlocal is_whole
            value = self._named(name, normal_section(section))
            is_whole = is_whole and value is not None
            return value

        return substitute(text, look_up), is_whole

    def read(self, known: KnownOption, section: str | None = None) -> Value:
        """The value of an option that is set; None where only its host knows it.

        Raises:
            NovaRaises: oslo.config does not take it.
        """
        settings = self.settings(known, section)
        try:
            texts = [self.put(one.value, section or known.name.section) for one in settings]
            if not all(is_whole for _, is_whole in texts):
                return None
            if known.kind == "multi":
                return tuple(text for text, _ in texts)
            return read_value(known.kind, texts[0][0])
        except ValueError as error:
            raise self.wrong(known.name.name, settings[0], str(error)) from error
        except NovaRaises as raised:
            if raised.exception != WRONG:
                raise
            raise self.wrong(known.name.name, settings[0], raised.message) from raised

    def blamed(self, setting: Setting, raised: NovaRaises) -> NovaRaises:
        """What reading a setting comes to that stands for another: a wrong value there is told of both."""
        if raised.exception != WRONG:
            return raised
        known = known_option(OptionName(normal_section(setting.section), setting.name), self.release)
        return self.wrong(setting.name if known is None else known.stands_for.name, setting, raised.message)

    def wrong(self, name: str, setting: Setting, reason: str) -> NovaRaises:
        """Oslo's complaint, which names the last file that has the section, wherever the value stands."""
        section = normal_section(setting.section)
        holders = [file.name for file in self.configuration.files if section in file.sections]
        place = (
            f"LocationInfo(location=<Locations.user: (4, True)>, detail={holders[-1] if holders else ''!r})"
        )
        return NovaRaises(WRONG, f"Value for option {name} from {place} is not valid: {reason}")

    def _named(self, name: str, section: str) -> str | None:
        """What stands for ``$name`` in a section."""
        group, dot, option = name.partition(".")
        if dot and not has_group(group, self.release):
            raise NovaRaises("NoSuchGroupError", f"no such group [{group}]")
        for place in (OptionName(group, option) if dot else OptionName(section, name), None):
            if place is None and has_group(name, self.release):
                what = f"template substitution error: substituting group {name} not supported"
                raise NovaRaises("TemplateSubstitutionError", what)
            if place is not None and place.section == "DEFAULT":
                continue
            known = known_option(place or OptionName("DEFAULT", name), self.release)
            current = None if known is None else known_option(known.stands_for, self.release)
            if known is not None and current is not None:
                return self._shown(current, known.name.section)
        raise NovaRaises("NoSuchOptError", f"no such option {name} in group [DEFAULT]")

    def _shown(self, known: KnownOption, section: str) -> str | None:
        """The value as Python prints it."""
        if known.name in self._open:
            raise NovaRaises("RecursionError", "maximum recursion depth exceeded")
        self._open.append(known.name)
        try:
            settings = self.settings(known, section)
            if not settings:
                return self._default(known)
            value = self.read(known, section)
            if value is None:  # nothing, as a number without digits is, or known to the host alone
                return "" if all(self.put(one.value, section)[1] for one in settings) else None
            return str(list(value)) if isinstance(value, tuple) else str(value)
        finally:
            self._open.pop()

    def _default(self, known: KnownOption) -> str | None:
        if known.default is None:
            return None
        text, is_whole = self.put(known.default, known.name.section)
        return text if is_whole else None
