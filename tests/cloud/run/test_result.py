"""What a command leaves on a console: printed by a real shell, read whatever breaks into it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.run.result import KEPT_BYTES, RUN_SCRIPT, Result, has_begun, parse_result

NONCE = "0123456789abcdef" * 2


def printed(*argv: str, times: int = 1, before: str = "") -> str:
    """What a shell prints, which does not wait between the times that it prints it."""
    pauses = " ".join(["0"] * times)
    script = before + RUN_SCRIPT.replace("0 2 5 10 20 40 60", pauses) + f'\ngpucloud_run {NONCE} "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *argv], capture_output=True, check=True, text=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize(
    ("argv", "result"),
    [
        (("true",), Result(0, b"", 0)),
        (("sh", "-c", "echo out; echo err >&2; exit 7"), Result(7, b"out\nerr\n", 0)),
        (("printf", r"a\000b\377"), Result(0, b"a\0b\xff", 0)),
        (("echo", "two  words", "$HOME", "'"), Result(0, b"two  words $HOME '\n", 0)),
        (("seq", "200"), Result(0, b"".join(b"%d\n" % n for n in range(1, 201)), 0)),
        (("cat",), Result(0, b"", 0)),
    ],
)
def test_output_and_code_come_as_they_are(argv: tuple[str, ...], result: Result) -> None:
    assert parse_result(printed(*argv), NONCE) == result


@pytest.mark.parametrize(("argv", "code"), [(("no-such-program",), 127), (("sh", "-c", "kill -9 $$"), 137)])
def test_a_command_that_does_not_end_by_itself_has_the_shells_code(argv: tuple[str, ...], code: int) -> None:
    found = parse_result(printed(*argv), NONCE)
    assert found is not None
    assert found.code == code


def test_a_guest_that_can_make_no_file_says_so_and_is_not_waited_for() -> None:
    found = parse_result(printed("true", before="mktemp() { return 1; }\n"), NONCE)
    assert found == Result(125, b"the guest cannot make a temporary file, and did not run the command\n", 0)


def test_of_a_long_output_the_end_is_kept_and_fits_into_novas_console() -> None:
    text = printed("seq", "20000")
    found = parse_result(text, NONCE)
    assert found is not None
    assert len(found.output) == KEPT_BYTES
    assert found.output.endswith(b"19999\n20000\n")
    assert found.lost_bytes == sum(len(str(n)) + 1 for n in range(1, 20001)) - KEPT_BYTES
    assert len(text) < 100 * 1024


LONG = printed("seq", "300", times=2)


@given(st.lists(st.integers(0, len(LONG) // 2), max_size=8), st.text("ab=\n[] 0", max_size=12))
def test_what_breaks_into_one_time_is_made_good_by_the_next(at: list[int], noise: str) -> None:
    text = LONG
    for place in sorted(at, reverse=True):
        text = text[:place] + noise + text[place:]
    found = parse_result(text, NONCE)
    assert found == parse_result(LONG, NONCE)


@given(st.integers(0, len(LONG) // 2 - 5))
def test_a_result_that_is_not_whole_is_none(length: int) -> None:
    assert parse_result(LONG[:length], NONCE) is None


@given(st.text())
def test_hostile_text_is_no_result(text: str) -> None:
    assert parse_result(text, NONCE) is None
    assert not has_begun(text, NONCE)


def test_the_result_of_another_launch_is_not_taken(tmp_path: Path) -> None:
    assert parse_result(LONG, "f" * 32) is None
    assert has_begun(LONG, NONCE)
    assert not has_begun(LONG, "f" * 32)
