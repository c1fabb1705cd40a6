"""The phrase book holds together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.doctor import CAUSES, diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_text
from gpucloud.doctor.evidence.phrase import Phrase, Tried, find_remarks
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.evidence.text import Chunk
from gpucloud.model.finding import Level


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: f"{phrase.name}:{phrase.needle}")
def test_a_phrase_can_be_searched_and_says_what_it_means(phrase: Phrase) -> None:
    assert phrase.needle == phrase.needle.lower()
    assert phrase.matcher.pattern
    assert phrase.exception is None or phrase.exception.pattern
    assert phrase.cause in CAUSES or not phrase.cause
    assert bool(phrase.says) or not phrase.cause
    assert phrase.by or not phrase.cause
    assert 0 < phrase.confidence < 1


def test_a_plain_phrase_is_found_whatever_its_case() -> None:
    phrase = Phrase("x", "stuck in d3")
    found = list(find_remarks(Chunk("log", 7, "one\nvfio: Stuck in D3\n"), [phrase], Tried()))
    assert [(r.evidence.line, r.evidence.text) for r in found] == [(8, "vfio: Stuck in D3")]


def test_an_exception_takes_the_meaning_away() -> None:
    phrase = Phrase("x", "not found", unless="dracut")
    assert list(find_remarks(Chunk("log", 1, "dracut: module not found"), [phrase], Tried())) == []


def test_a_line_that_is_very_long_is_looked_at_around_the_needle() -> None:
    text = "x" * 50_000 + " stuck in d3 " + "y" * 50_000
    found = list(find_remarks(Chunk("log", 1, text), [Phrase("x", "stuck in d3")], Tried()))
    assert len(found) == 1
    assert len(found[0].evidence.text) <= 400


@given(before=st.integers(0, 600), after=st.integers(0, 600), length=st.integers(1, 100))
def test_a_needle_is_found_in_letters_without_end(before: int, after: int, length: int) -> None:
    needle = "ab" * (length // 2) + "c"
    chunk = Chunk("log", 1, f"{'x' * before}{needle}{'y' * after}\nother words")
    assert len(list(find_remarks(chunk, [Phrase("x", needle)], Tried()))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'echo "stuck in d3"',
        "  printf 'stuck in d3'",
        'echo "stuck in d3" >&2',
        'fail "stuck in d3"',
        "#  stuck in d3",
    ],
)
def test_a_line_of_a_script_says_nothing_yet(line: str) -> None:
    assert list(find_remarks(Chunk("log", 1, line), [Phrase("x", "stuck in d3")], Tried())) == []


def test_what_a_script_prints_below_its_line_is_said() -> None:
    text = '$ echo "look"\nvfio: stuck in d3'
    assert [
        r.evidence.line for r in find_remarks(Chunk("log", 1, text), [Phrase("x", "stuck in d3")], Tried())
    ] == [2]


@pytest.mark.parametrize(("line", "level"), [("", Level.INFO), ("error: Permission denied\n", Level.WARNING)])
def test_a_message_that_is_often_noise_weighs_where_something_was_refused(line: str, level: Level) -> None:
    denial = 'apparmor="DENIED" operation="open" profile="libvirt-1" name="/srv/disk" comm="qemu"\n'
    found = diagnose(gather(from_text("report", (line + denial,)))).findings
    assert [(f.cause, f.level) for f in found] == [("mac-denied", level)]
