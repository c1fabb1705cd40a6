"""GRUB's configuration in the shell's language: /etc/default/grub and, in Debian's family, its drop-ins.

grub-mkconfig sources /etc/default/grub; Debian's and Ubuntu's then source /etc/default/grub.d/*.cfg, so that
a later file's assignment wins (util/grub-mkconfig.in as they patch it). A kernel gets ``GRUB_CMDLINE_LINUX``,
and all but a recovery entry also ``GRUB_CMDLINE_LINUX_DEFAULT``: gpucloud adds to the latter, so a recovery
entry is left.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.loader import Texts, add_words
from gpucloud.prepare.boot.own.paths import GRUB_DROP_IN, HEADER
from gpucloud.prepare.boot.paths import GRUB, GRUB_DROP_INS

_ALWAYS, _NORMAL = "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"
_TRIAL = "\\$gpucloud_trial"
"""A variable of GRUB's own language, for the shell to leave alone: empty but while a start is tried."""
_ASSIGNMENT = re.compile(rf"\s*(?:export\s+)?({_NORMAL}|{_ALWAYS})(\+?)=(.*)", re.DOTALL)
_TOKEN = re.compile(r"""\\.|'[^']*'|"(?:[^"\\]|\\.)*"|(?<![^\s;])#[^\n]*|.""", re.DOTALL)
"""As far as the shell's language matters here: where a quote hides a newline, and a comment a quote."""
_PLAIN = re.compile(
    r"""(\s*(?:export\s+)?\w+=)(?:(")((?:[^"\\\n]|\\[^\n])*)"|(')([^'\n]*)'|([\w./:,=@%+-]*))"""
    r"([ \t\r]*(?:[ \t]#[^\n]*)?)"
)
"""An assignment of one value in one pair of quotes, or in none, on one line."""
_REFERENCE = re.compile(rf"\$(?:\{{({_NORMAL}|{_ALWAYS})\}}|({_NORMAL}|{_ALWAYS})\b)")


@dataclass(frozen=True, slots=True)
class GrubDropIn:
    """Debian's family: a drop-in of gpucloud's own."""

    tools: tuple[tuple[str, ...], ...] = (("update-grub",),)
    name: str = "GRUB: a drop-in of its own in `/etc/default/grub.d`"
    own: tuple[str, ...] = (GRUB_DROP_IN,)

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        drop_ins = files.matching(GRUB_DROP_INS, ".cfg")
        if isinstance(drop_ins, Unknown):
            return drop_ins
        if late := [path for path in drop_ins if path > GRUB_DROP_IN and _hides(files.text(path))]:
            return Unknown(f"{late[0]} is read after {GRUB_DROP_IN}, and sets {_NORMAL} anew: rename it")
        return _evaluate(files, (GRUB, *(path for path in drop_ins if path != GRUB_DROP_IN)))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        del files
        if not words:
            return {GRUB_DROP_IN: None}
        return {GRUB_DROP_IN: f'{HEADER}{_NORMAL}="${_NORMAL} {" ".join(words)} {_TRIAL}"\n'}


@dataclass(frozen=True, slots=True)
class GrubFile:
    """Others: the line in /etc/default/grub, with words added at its end."""

    tools: tuple[tuple[str, ...], ...]
    variable: str = _NORMAL
    name: str = "GRUB: the line in `/etc/default/grub`"
    own: tuple[str, ...] = ()

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        return _evaluate(files, (GRUB,))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        text = files.text(GRUB)
        return {GRUB: add_to_line(text, self.variable, words)} if isinstance(text, str) and words else {}


def add_to_line(text: str, variable: str, words: Sequence[str]) -> str:
    """The text with words added: to the last assignment of the variable, or in a new line at the end."""
    for begin, statement in reversed(tuple(_statements(text))):
        end = begin + len(statement)
        match = _ASSIGNMENT.match(statement)
        if match is not None and match[1] == variable:
            plain = None if match[2] or _is_in(variable, text[end:]) else _PLAIN.fullmatch(statement)
            if plain is not None:
                return text[:begin] + _with_words(plain, words) + text[end:]
            break
    gap = "" if not text or text.endswith("\n") else "\n"
    before = f"${variable} " if _is_in(variable, text) else ""
    return f'{text}{gap}{variable}="{before}{" ".join(words)}"\n'


def _is_in(variable: str, text: str) -> bool:
    return re.search(rf"\b{variable}\b", text) is not None


def _with_words(plain: re.Match[str], words: Sequence[str]) -> str:
    """``X="a b"`` as ``X="a b c"``, in the line's own quotes and with its comment."""
    head, double, in_double, single, in_single, bare, tail = plain.groups()
    quote = double or single or '"'
    return f"{head}{quote}{add_words(in_double or in_single or bare or '', words)}{quote}{tail}"


def _evaluate(files: BootFiles, paths: Sequence[str]) -> tuple[Argument, ...] | Unknown:
    """The arguments as the shell would leave them after all files."""
    values: dict[str, list[Argument]] = {_ALWAYS: [], _NORMAL: []}
    for path in paths:
        text = files.text(path)
        if isinstance(text, Unknown):
            return text
        for name, adds, value in _assignments(text or ""):
            before = values[name] if adds else []
            values[name] = [*before, *_words(value, path, values)]
    return (*values[_ALWAYS], *values[_NORMAL])


def _hides(text: str | None | Unknown) -> bool:
    """Claims that a drop-in leaves nothing of what was said before it."""
    found = [each for each in _assignments(text if isinstance(text, str) else "") if each[0] == _NORMAL]
    return any(not adds and _NORMAL not in _names(value) for _, adds, value in found)


def _names(value: str) -> set[str]:
    """The variables that a value refers to."""
    return {match[1] or match[2] for match in _REFERENCE.finditer(value)}


def _assignments(text: str) -> Iterator[tuple[str, bool, str]]:
    for _, statement in _statements(text):
        if match := _ASSIGNMENT.match(statement.replace("\\\n", "")):
            yield match[1], bool(match[2]), match[3]


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """What newlines and semicolons part, each with its place; a quoted value may go over several lines."""
    begin = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("\n", ";"):
            yield begin, text[begin : token.start()]
            begin = token.end()
    yield begin, text[begin:]


def _words(value: str, path: str, values: dict[str, list[Argument]]) -> Iterator[Argument]:
    """The words of an assigned value; a reference to one of the variables stands for what it has."""
    try:
        text = " ".join(shlex.split(value, comments=True)[:1])
    except ValueError:  # a quote without its end: the rest of it is on lines that are not read
        text = value.strip("\"'")
    for word in text.split():
        reference = _REFERENCE.fullmatch(word)
        if reference is not None:
            yield from values[reference[1] or reference[2]]
        else:
            yield Argument(word, path)
