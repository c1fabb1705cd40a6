"""Lines and words taken out of a file; every other byte stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BLANKS = " \t"
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?[\w.-]+\s*\+?=")


@dataclass(frozen=True, slots=True)
class CutLines:
    """Lines that go, counted from 1."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SwapWord:
    """A word that goes, or that another takes the place of."""

    first: int
    last: int
    old: str
    new: str = ""


Edit = CutLines | SwapWord


def edit_text(text: str, edits: Iterable[Edit]) -> str:
    """The text with these edits made: lines that none of them names stay byte for byte.

    A word ends at white space, quotes or brackets, and may begin after the ``=`` of the assignment that the
    line is; one that goes takes the blanks before it along, and goes wherever it stands on the line.
    """
    lines = text.splitlines(keepends=True)
    gone: set[int] = set()
    for edit in edits:
        if isinstance(edit, CutLines):
            gone.update(range(edit.first, edit.last + 1))
            continue
        for number in range(edit.first - 1, min(edit.last, len(lines))):
            lines[number] = _swapped(lines[number], edit.old, edit.new)
    return "".join(line for number, line in enumerate(lines, 1) if number not in gone)


def _swapped(line: str, old: str, new: str) -> str:
    word = re.compile(rf"(?<![^\s\"'(=]){re.escape(old)}(?![^\s\"')])")
    for match in reversed(list(word.finditer(line))):
        before = line[: match.start()]
        if before.endswith("=") and not _ASSIGNMENT.fullmatch(before):
            continue  # the value of another word
        line = _in_place(before, new, line[match.end() :])
    return line


def _in_place(before: str, new: str, after: str) -> str:
    """A word that goes takes the blanks before it along, or those after it where it was the first."""
    if new:
        return f"{before}{new}{after}"
    bare = before.rstrip(_BLANKS)
    return f"{bare}{after}" if bare != before else f"{before}{after.lstrip(_BLANKS)}"
