"""The commands of a file that a shell sources, and which of them run whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.inventory.shell.parts import NotToldError, Part, end_of, parts, past_unit

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(\+?)=", re.ASCII)
_EXPORT = re.compile(r"\s*export(?:[ \t]+\w+)+\s*")
_GAP = re.compile(r"(?:[ \t]|\\\n)*")
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)

_OPENS = frozenset(("if", "for", "while", "until", "case", "select", "{"))
_CLOSES = frozenset(("fi", "done", "esac", "}"))
_BEFORE = frozenset(("then", "do", "else", "elif", "!", "time", "command", "builtin", "function"))
_ANYTHING = frozenset((".", "source", "eval", "exec", "exit", "return", "trap", "alias", "set"))
"""After them nothing is certain: they run text from elsewhere, end the file, change the language."""
_ALONE = frozenset(("", "\n", ";"))
"""What stands before and after a command that runs whatever happens."""


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command, or a part of a compound one, from ``begin`` to ``end`` of the text."""

    begin: int
    text: str
    line: int
    is_certain: bool
    """It runs whatever happens."""

    @property
    def end(self) -> int:
        return self.begin + len(self.text)

    @property
    def assignments(self) -> tuple[tuple[str, bool, str], ...]:
        """Name, whether it is added to, and the word as it is written; none where it may do anything else."""
        return tuple(_assignments(self.text)) if self.is_certain else ()

    @property
    def may_change(self) -> frozenset[str]:
        """Variables that it may give values to: all that it names, but in an ``export`` of what they have."""
        return frozenset() if self.is_certain and _EXPORT.fullmatch(self.text) else names_in(self.text)


def commands(text: str) -> tuple[Command, ...]:
    """The commands of a file, but for comments and the texts of here-documents.

    Raises:
        NotToldError: a quote, a substitution, a here-document or a compound command has no end.
    """
    found: list[Command] = []
    depth: list[str] = []
    held = ""
    for part in parts(text):
        words = _first_words(part.text)
        if words and words[-1] in _ANYTHING:
            raise NotToldError(f"line {part.line} runs {words[-1]}")
        before = held or part.before
        is_certain = not depth and not words[:-1] and {before, part.after} <= _ALONE
        found.append(Command(part.begin, part.text, part.line, is_certain))
        _nest(depth, part, words)
        # A newline after && or | goes on with the same list.
        held = before if before not in _ALONE and not part.text.strip() else ""
    if depth:
        raise NotToldError(f"{depth[-1]} has no end")
    return tuple(found)


def _first_words(text: str) -> list[str]:
    """Words that show a part of a compound command, and the first that does not."""
    found: list[str] = []
    for word in text.replace("\\\n", " ").split():
        found.append(word)
        if word not in _BEFORE and word != "{":
            break
    return found


def _nest(depth: list[str], part: Part, words: list[str]) -> None:
    """Follow compound commands, subshells and patterns of ``case``."""
    for word in words:
        if word in _OPENS:
            depth.append(word)
        elif word in _CLOSES and (not depth or depth.pop() == "("):
            raise NotToldError(f"line {part.line} has {word} where nothing is to end")
    if part.after == "(":
        depth.append("(")
    elif part.after == ")" and depth and depth[-1] == "(":
        depth.pop()


def names_in(text: str) -> frozenset[str]:
    """All that could be a variable's name."""
    return frozenset(_NAME.findall(text.replace("\\\n", "")))


def _assignments(text: str) -> Iterator[tuple[str, bool, str]]:
    at = end_of(_GAP, text, 0)
    exports = re.compile(r"export(?=[ \t])").match(text, at)
    at = end_of(_GAP, text, exports.end()) if exports else at
    found = []
    while at < len(text):
        match = _ASSIGNED.match(text, at)
        if match is None:
            return
        at = _end_of_word(text, match.end())
        word = text[match.end() : at]
        if re.search("[<>~]", _QUOTED.sub("", word)):
            return
        found.append((match[1], bool(match[2]), word))
        at = end_of(_GAP, text, at)
    yield from found


def _end_of_word(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t\n":
        at = past_unit(text, at)
    return at
