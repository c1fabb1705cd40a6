"""The commands of a file that a shell sources, and which of them run whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.inventory.shell.parts import NotToldError, Part, end_of, parts, past_unit

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(\+?)=", re.ASCII)
_EXPORT = re.compile(r"\s*export(?:[ \t]+\w+)+\s*")
_BLANK = re.compile(r"(?:\s|\\\n)*")
_GAP = re.compile(r"(?:[ \t]|\\\n)*")
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)

_OPENS = frozenset(("if", "for", "while", "until", "case", "select", "{"))
_CLOSES = frozenset(("fi", "done", "esac", "}"))
_BEFORE = frozenset(("then", "do", "else", "elif", "!", "time", "command", "builtin", "function"))
_LOOPS = frozenset(("for", "while", "until", "select"))
_LEAVES = frozenset(("break", "continue"))
"""Outside a loop of the file's own they leave the one in which grub-mkconfig sources the files."""
_ANYTHING = frozenset(
    (".", "source", "eval", "exec", "exit", "return", "trap", "alias", "set", "shopt", "enable")
)
"""After them nothing is certain: they run text from elsewhere, end the file, change the language."""
_SETS = frozenset(
    (
        "export",
        "readonly",
        "unset",
        "read",
        "declare",
        "typeset",
        "local",
        "getopts",
        "let",
        "mapfile",
        "readarray",
    )
)
"""They change variables that their arguments name."""
_MADE = re.compile(r"""["'\\$`*?{]""")
"""What makes a word another than the one that is written."""
_REDIRECTION = re.compile(r"\d*(?:<>|>>|>\||[<>]&?)")
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
        _refuse_anything(part, depth)
        before = held or part.before
        is_certain = not depth and not words[:-1] and {before, part.after} <= _ALONE
        found.append(Command(part.begin, part.text, part.line, is_certain))
        _nest(depth, part, words)
        # A newline after && or | goes on with the same list.
        held = before if before not in _ALONE and not part.text.strip() else ""
    if depth:
        raise NotToldError(f"{depth[-1]} has no end")
    return tuple(found)


def _refuse_anything(part: Part, depth: Sequence[str]) -> None:
    """Raise NotToldError where the part runs a command after which nothing is certain."""
    words = _command_words(part.text)
    if not words:
        return
    if words[0] in _ANYTHING or (words[0] in _LEAVES and _LOOPS.isdisjoint(depth)):
        raise NotToldError(f"line {part.line} runs {words[0]}")
    is_setter = words[0] in _SETS or words[:2] == ["printf", "-v"]
    names = words[1:] if is_setter else []
    if made := [word for word in (words[0], *names) if _MADE.search(word.partition("=")[0])]:
        raise NotToldError(f"line {part.line} says only when it runs what {made[0]} is")


def _command_words(text: str) -> list[str]:
    """The words of a simple command from its name on, without redirections; none where it has no name."""
    words: list[str] = []
    at, is_target = end_of(_BLANK, text, 0), False
    while at < len(text):
        end = max(_end_of_word(text, at), at + 1)
        word = text[at:end].replace("\\\n", "")
        redirects = _REDIRECTION.match(word)
        if is_target or redirects:
            is_target = redirects is not None and redirects.end() == len(word)
        elif words or not (word in _BEFORE or word in _OPENS or _ASSIGNED.match(word)):
            words.append(word)
        elif word in ("for", "select", "case"):
            return []
        at = end_of(_BLANK, text, end)
    return words


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
        if re.search("[<>~$`{*?[]" if exports else "[<>~]", _QUOTED.sub("", word)):
            return  # what export is given is parted and matched, by some shells: dash before 0.5.11
        found.append((match[1], bool(match[2]), word))
        at = end_of(_GAP, text, at)
    yield from found


def _end_of_word(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t\n":
        at = past_unit(text, at)
    return at
