"""Pasted text made readable: encodings, terminal codes, Windows line ends, junk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_JUNK = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PIECE = 1_000_000
LONGEST_LINE = 4000
"""Characters of a line that are looked at; a longer one is cut."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of evidence: under which key it was pasted, its number from 1, its text."""

    key: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one key, cleaned, with the number of the first of them."""

    key: str
    first: int
    text: str

    def lines(self) -> Iterator[Line]:
        """The lines with their numbers; of empty ones in a row, which part blocks, the first only."""
        was_empty = False
        for number, text in enumerate(self.text.split("\n"), start=self.first):
            if text or not was_empty:
                yield Line(self.key, number, text[:LONGEST_LINE])
            was_empty = not text


def clean_text(text: str) -> str:
    """Text without terminal codes and control characters, with Unix line ends and no lines lost."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    # U+0130 is the one letter whose lower case is longer: it would shift every position after it.
    return _JUNK.sub(" ", text).replace("\u0130", "I").replace("\u00a0", " ")


def chunks(key: str, pieces: Iterable[str]) -> Iterator[Chunk]:
    """Pieces of text of any size as cleaned chunks of whole lines.

    A line that a piece cuts in two is joined again; text without line end is passed on a million
    characters at a time.
    """
    number, rest = 1, ""
    for piece in _cut(pieces):
        rest += piece
        if len(rest) < _PIECE:
            continue
        text = clean_text(rest)
        head, cut, rest = text.rpartition("\n")
        if cut:
            yield Chunk(key, number, head)
            number += head.count("\n") + 1
        else:
            yield Chunk(key, number, rest)
            rest = ""
    if rest:
        yield Chunk(key, number, clean_text(rest).removesuffix("\n"))


def _cut(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield piece[start : start + _PIECE]
