"""One file of nova.conf's format into settings.

The format is oslo.config's, not configparser's: options repeat and every repeat is kept; a line that begins
with a blank goes on with the value before it; quotes around a whole value are dropped; ``:`` and ``=`` both
assign, whichever comes first; a comment has a line of its own.

Source: oslo.config, oslo_config/iniparser.py and cfg.py (class ConfigParser).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_BLANKS = (" ", "\t")


@dataclass(frozen=True, slots=True)
class Setting:
    """One assignment as it stands in a file."""

    section: str
    """As written: ``DEFAULT``, ``pci``, ``PCI``."""
    name: str
    value: str
    """Without quotes around it; the lines of a long one are joined by line ends."""
    file: str
    line: int
    """Where it begins, from 1."""


@dataclass(frozen=True, slots=True)
class ParseError:
    """Why a file cannot be read: no service of nova starts with it."""

    file: str
    line: int
    reason: str
    text: str
    exception: str = "ConfigFileParseError"

    def __str__(self) -> str:
        """The message that a service ends with."""
        return f"Failed to parse {self.file}: at {self.file}:{self.line}, {self.reason}: {self.text!r}"


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a file is not even read: it is not there, or it is no text."""

    file: str
    exception: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file's settings in its order; with an error, those before the line at fault."""

    name: str
    settings: tuple[Setting, ...]
    error: ParseError | Unusable | None = None
    sections: frozenset[str] = frozenset()
    """All headings as written, also those with nothing below."""


class _Bad(Exception):  # noqa: N818 - it carries what is wrong with a line
    def __init__(self, reason: str) -> None:
        self.reason = reason


def read_config_file(name: str, text: str) -> ConfigFile:
    """Read a file's text.

    Args:
        name: what the file is called in messages; nova prints the absolute path.
        text: the whole file, with any kind of line ends.
    """
    reader = _Reader(name)
    number, line = 0, ""
    try:
        for number, line in enumerate(_lines(text), start=1):
            reader.take(number, line)
        reader.flush()
    except _Bad as bad:
        # Nova forgets the line where only the section is missing.
        shown = "" if bad.reason == _NO_SECTION else line
        return ConfigFile(name, tuple(reader.settings), ParseError(name, number, bad.reason, shown))
    return ConfigFile(name, tuple(reader.settings), None, frozenset(reader.sections))


_NO_SECTION = "Section must be started before assignment"


class _Reader:
    """Takes lines one by one; an assignment is complete when another line than its continuation comes."""

    def __init__(self, file: str) -> None:
        self.settings: list[Setting] = []
        self.sections: set[str] = set()
        self._file = file
        self._section = ""
        self._key = ""
        self._value: list[str] = []
        self._begins = 0

    def take(self, number: int, line: str) -> None:
        """Take a line without its end and without blanks before that."""
        if not line:
            self.flush()
        elif line.startswith(_BLANKS):
            if not self._key:
                raise _Bad("Unexpected continuation line")
            self._value.append(line.lstrip())
        else:
            self.flush()
            self._start(number, line)

    def flush(self) -> None:
        """Keep the assignment that is complete now, if there is one."""
        if not self._key:
            return
        if not self._section:
            raise _Bad(_NO_SECTION)
        value = "\n".join(self._value)
        self.settings.append(Setting(self._section, self._key, value, self._file, self._begins))
        self._key = ""

    def _start(self, number: int, line: str) -> None:
        if line.startswith("["):
            self._section = _section(line)
            self.sections.add(self._section)
        elif not line.startswith(("#", ";")):
            self._key, value = _assignment(line)
            self._value, self._begins = [value], number


def _lines(text: str) -> Iterator[str]:
    """Lines as Python reads them from a text file: a carriage return ends one, too, and nothing else does."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    return (line.rstrip() for line in unified.split("\n"))


def _section(line: str) -> str:
    if not line.endswith("]"):
        raise _Bad("Invalid section (must end with ])")
    if len(line) <= len("[]"):
        raise _Bad("Empty section name")
    return line[1:-1]


def _assignment(line: str) -> tuple[str, str]:
    places = [place for place in (line.find("="), line.find(":")) if place >= 0]
    if not places:
        raise _Bad("No ':' or '=' found in assignment")
    key, value = line[: min(places)].strip(), line[min(places) + 1 :].strip()
    if not key:
        raise _Bad("Key cannot be empty")
    if value and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, value
