"""What programs say: a phrase is a message of a named program, with what it means.

A phrase follows from the program's source, over its versions, and not from one report.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, takewhile

from gpucloud.doctor.evidence.text import Chunk
from gpucloud.model.finding import Evidence, Level

_WINDOW_LINES = 3
_BEFORE, _WINDOW = 500, 1500
"""Characters before a needle that are looked at, and characters in all: patterns reach no further."""
_LEAST = 300
"""What a shorter window counts as: to try it costs as much."""
_MOST_OF_ONE = 24
"""Occurrences of a phrase that are kept of one chunk: the first ones; the rest say the same."""
_MOST_TRIED = 120_000
"""Characters of one chunk that are tried for a phrase: a word that fills a log does not stop the doctor."""
_MOST_OF_ALL = 5_000_000
"""Characters of one chunk that are tried for all phrases, before each gets few."""
_MANY_TRIED, _FEW_TRIED = 900_000, 6_000
"""After so many characters of one input, so many of each further chunk: there can be hundreds of chunks."""
_LONG_WORD = 16
"""Letters from which on it is not counted how many a word has: few needles have more."""
_ENDLESS = 120
"""Letters in a row that no text has and no needle reaches over."""
_SCRIPT = re.compile(
    r"^\s*+(?:sudo )?(?:echo|printf)\s++(?:-\w\s++)?[\"'](?:[^>|]*+|.*>&2\s*)$"
    r"|^\s*+[\w.-]++\s++\"[^\"]*+\"\s*+(?:>&2\s*)?$|^\s*+#\s{2,}+\S"
)
"""A line of a script that would print a message to the terminal, or a comment: nobody has said it yet."""
_RECORD = re.compile(
    r"\s{0,8}(?:<\d{1,3}>)?(?:\[ *\d{1,9}\.\d{4,6}\]|\[[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d "
    r"|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d |\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"
    r"|\{\"(?:component|level|time|msg)|type=[A-Z_]{1,20} msg=audit)"
)
"""How a record of a log begins: the kernel's stamp, dmesg -T's, syslog's, an ISO time, JSON, auditd's."""
_ASKED = re.compile(r"\bsystemctl (?:-\S+ )*is-(?:active|enabled|failed) ([\w@.\\-]+(?: [\w@.\\-]+)+)\s*$")
"""Several units are asked about: a state for each follows, in their order (systemctl(1))."""
_TYPEWRITER = str.maketrans("\u2018\u2019\u201c\u201d\u2013", "''\"\"-")
"""What web pages and word processors put in place of quotation marks and hyphens; as long as those."""
_LETTERS = bytes(byte if ord("a") <= byte <= ord("z") else ord(" ") for byte in range(256))
"""A table for ``bytes.translate`` that leaves lower case letters only."""


@dataclass
class Tried:
    """What was tried so far of one input."""

    characters: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many, by name and needle of the phrase."""
    filling: set[str] = field(default_factory=set)
    """Needles that fill the text: not all lines with them were tried."""


@dataclass(frozen=True)
class Phrase:
    """One message of a program.

    ``needle`` (lower case) finds candidate lines quickly; ``pattern`` decides, ignoring case, on the line and
    the two after it joined by spaces: terminals and journals wrap long messages. Of a log each record is one
    message: what another program said next is no part of it.
    """

    name: str
    needle: str
    pattern: str = ""
    cause: str = ""
    """The cause that the message shows by itself; empty where a rule has to weigh it against other facts."""
    confidence: float = 0.9
    says: str = ""
    """What the message means, as the title of a finding."""
    by: str = ""
    """Program and place in its source."""
    level: Level = Level.BLOCKER
    side: str = ""
    """``guest`` or ``host`` where the message means this cause only when it was said there."""
    unless: str = ""
    """A pattern that makes the same words mean something else."""
    passed: str = ""
    """A phrase that shows that the matter passed: where it was said too, this one is for information."""
    needs: str = ""
    """A phrase that shows that it hurts: where it was not said, this one is for information."""

    @cached_property
    def letters(self) -> str:
        """The longest run of letters in the needle: where a text has no word with it, it has no needle."""
        runs: list[str] = re.findall("[a-z]*", self.needle)
        return max(runs, key=len)

    @cached_property
    def matcher(self) -> re.Pattern[str]:
        return re.compile(self.pattern or re.escape(self.needle), re.IGNORECASE)

    @cached_property
    def exception(self) -> re.Pattern[str] | None:
        return re.compile(self.unless, re.IGNORECASE) if self.unless else None


@dataclass(frozen=True, slots=True)
class Remark:
    """A phrase that was found, where, and what its pattern caught."""

    phrase: Phrase
    evidence: Evidence
    caught: Mapping[str, str] = field(default_factory=dict)


def find_remarks(chunk: Chunk, phrases: Iterable[Phrase], tried: Tried) -> Iterator[Remark]:
    """The phrases that a chunk of text holds, in the order of the phrases; ``tried`` is counted on."""
    page = _Page(chunk, tried)
    for phrase in phrases:
        if page.may_hold(phrase.letters):
            yield from page.find(phrase)


class _Page:
    """A chunk prepared for many searches."""

    def __init__(self, chunk: Chunk, tried: Tried) -> None:
        self._chunk = chunk
        self._tried = tried
        self._text = chunk.text if chunk.text.isascii() else chunk.text.translate(_TYPEWRITER)
        self._low = self._text.lower()
        self._starts: list[int] = []
        self._spent = 0
        letters = self._low.encode("ascii", "replace").translate(_LETTERS)
        words = sorted(_distinct(letters), key=len, reverse=True)
        self._words = b" ".join(words).decode("ascii")
        """Each run of letters once: a log says the same words over and over, so this is soon searched."""
        self._ends = _ends(words)

    def may_hold(self, letters: str) -> bool:
        """Whether the letters stand together anywhere in the chunk."""
        return self._words.find(letters, 0, self._ends[min(len(letters), _LONG_WORD)]) >= 0

    def find(self, phrase: Phrase) -> Iterator[Remark]:
        place = self._low.find(phrase.needle)
        if place < 0:
            return
        name = (phrase.name, phrase.needle)
        end, found, tried, before = -1, 0, 0, self._tried.characters.get(name, 0)
        has_room = before < _MANY_TRIED and self._spent < _MOST_OF_ALL
        most = _MOST_TRIED if has_room else _FEW_TRIED
        while place >= 0 and found < _MOST_OF_ONE and tried < most:
            if place >= end:
                line = self._line_at(place)
                begin, end = self._window(line, place)
                tried += max(end - begin, _LEAST)
                remark = self._judge(phrase, line, self._text[begin:end])
                # What follows in the same line is part of what was judged, unless the line is very long.
                end = min(end, self._starts[line + 1]) if line + 1 < len(self._starts) else end
                if remark is not None:
                    found += 1
                    yield remark
            place = self._low.find(phrase.needle, place + len(phrase.needle))
        if place >= 0 and tried >= most:
            self._tried.filling.add(phrase.needle)
        self._tried.characters[name] = before + tried
        self._spent += tried

    def _window(self, line: int, place: int) -> tuple[int, int]:
        """Where the text begins and ends that is judged for a needle: its line and the two after."""
        begin = max(self._starts[line], place - _BEFORE)
        stop = line + _WINDOW_LINES
        end = self._starts[stop] if stop < len(self._starts) else len(self._low)
        return begin, min(end, begin + _WINDOW)

    def _judge(self, phrase: Phrase, line: int, raw: str) -> Remark | None:
        first = raw.partition("\n")[0]
        for window in () if _is_script(first) else _messages(raw, phrase.needle):
            match = phrase.matcher.search(window)
            if match is not None and (phrase.exception is None or not phrase.exception.search(window)):
                caught = {name: value for name, value in match.groupdict().items() if value is not None}
                evidence = Evidence(self._chunk.key, first.strip()[:400], self._chunk.first + line)
                return Remark(phrase, evidence, caught)
        return None

    def _line_at(self, place: int) -> int:
        if not self._starts:
            lengths = (len(line) + 1 for line in self._low.split("\n"))
            self._starts = list(accumulate(lengths, initial=0))[:-1]
        return bisect_right(self._starts, place) - 1


def _messages(raw: str, needle: str) -> Iterator[str]:
    """What a line and the two after it say: one message, or the states of units that were asked about."""
    first, *more = raw.split("\n")
    if "systemctl" in first and (asked := _ASKED.search(first)):
        states = (f"{unit} {state}" for unit, state in zip(asked[1].split(), more, strict=False))
        yield from (each for each in states if needle in each.lower())
        return
    if _RECORD.match(first):
        more = list(takewhile(lambda part: not _RECORD.match(part), more))
    yield " ".join(part.strip() for part in (first, *more) if not _is_script(part))


def _distinct(letters: bytes) -> set[bytes]:
    """Each run of letters once, and endless ones in pieces: what is said over and over is in few of them."""
    words = set(letters.split())
    endless = {word for word in words if len(word) > _ENDLESS}
    pieces = (word[at : at + 2 * _ENDLESS] for word in endless for at in range(0, len(word), _ENDLESS))
    return (words - endless).union(pieces)


def _ends(words: Sequence[bytes]) -> Sequence[int]:
    """Where words of so many letters and more end, if words stand by length, the longest first.

    A text of random letters has a million different words, nearly all too short for a needle.
    """
    characters = [0] * (_LONG_WORD + 1)
    for word in words:
        characters[min(len(word), _LONG_WORD)] += len(word) + 1
    return list(accumulate(reversed(characters)))[::-1]


def _is_script(line: str) -> bool:
    """Most lines have none of the characters that each form of such a line needs: that is soon seen."""
    has_mark = '"' in line or "'" in line or "#" in line
    return has_mark and _SCRIPT.match(line) is not None
