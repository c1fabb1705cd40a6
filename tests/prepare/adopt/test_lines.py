"""Lines and words taken out of a file: every other byte stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpucloud.prepare.adopt.lines import CutLines, SwapWord, edit_text

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
WORDS = st.from_regex(r"[a-z][a-z0-9_.:=-]{0,12}", fullmatch=True)
NUMBERS = st.integers(1, 12)


@given(TEXTS, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4))
def test_lines_that_are_not_named_stay_byte_for_byte(text: str, ranges: list[tuple[int, int]]) -> None:
    gone = {number for first, last in ranges for number in range(first, last + 1)}
    kept = [line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in gone]
    assert edit_text(text, [CutLines(first, last) for first, last in ranges]) == "".join(kept)


@given(TEXTS, NUMBERS, WORDS)
def test_a_word_that_is_not_there_changes_nothing(text: str, line: int, word: str) -> None:
    edited = edit_text(text, [SwapWord(line, line, word)])
    if word not in text:
        assert edited == text


@given(
    st.lists(WORDS, min_size=1, max_size=6, unique=True),
    st.data(),
    st.sampled_from(['X="', "X='", "options "]),
)
def test_one_word_of_a_list_goes_and_the_others_stay(
    words: list[str], data: st.DataObject, head: str
) -> None:
    word = data.draw(st.sampled_from(words))
    end = head[-1] if head[-1] != " " else ""
    before, after = f"# a\n{head}{' '.join(words)}{end}  # why\r\n", "b\n"
    kept = [each for each in words if each != word]
    edited = edit_text(before + after, [SwapWord(2, 2, word)])
    assert edited.split("\r\n")[0].split() == f"# a\n{head}{' '.join(kept)}{end}  # why".split()
    assert edited.endswith(f"  # why\r\n{after}")
    assert edited.startswith(f"# a\n{head.rstrip()}")


def test_the_value_of_another_word_stays() -> None:
    line = 'X="a=b b" Y=b\n'
    assert edit_text(line, [SwapWord(1, 1, "b")]) == 'X="a=b" Y=b\n'
    assert edit_text("export X=b # why\n", [SwapWord(1, 1, "b", "c")]) == "export X=c # why\n"


@given(WORDS, WORDS)
def test_a_word_is_no_part_of_another(word: str, other: str) -> None:
    line = f"GRUB={word}x {other}\n"
    if word != other:
        assert edit_text(line, [SwapWord(1, 1, word)]) == line


@given(TEXTS, WORDS, WORDS)
def test_a_word_takes_the_place_of_another(before: str, word: str, other: str) -> None:
    text = "".join(before.splitlines()) + "\n"
    (line,) = text.splitlines() or [""]
    if word not in line:
        assert edit_text(f"{line} {word} tail\n", [SwapWord(1, 1, word, other)]) == f"{line} {other} tail\n"
