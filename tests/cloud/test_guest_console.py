"""What a guest prints is read as it comes, and never reaches a terminal raw unless it is joined."""

from __future__ import annotations

import os
import pty
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.console import ConsoleLog, follow_log, last_words, read_log, without_escapes
from gpucloud.cloud.libvirt.terminal import LEAVE, attach, check_terminal
from gpucloud.model.failure import Exit, Failure


def test_a_log_is_read_as_it_grows_and_anew_when_it_was_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    log = ConsoleLog(path)
    assert log.read_new() == ""
    path.write_text("first")
    assert (log.read_new(), log.read_new()) == ("first", "")
    path.write_text("1st")
    assert log.read_new() == "1st"


def test_a_large_log_comes_whole_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    path.write_bytes(b"\xff" * 200_000)
    pieces = list(read_log(path))
    assert len(pieces) > 1
    assert sum(map(len, pieces)) == 200_000


def test_a_followed_log_is_read_to_the_end_after_the_guest_ended(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    path.touch()
    states = iter([False, True])

    def write_more() -> None:
        path.write_text("last words")

    assert list(follow_log(path, lambda: next(states), write_more)) == ["last words"]


def test_last_words_are_one_short_printable_line() -> None:
    text = "\x1b[31mone\r\n\r\ntwo\nthree" + "!" * 500 + "\n\x07\n"
    words = last_words(text)
    assert words.startswith("one / two / !")
    assert words.isprintable()
    assert len(words) < 500


def test_colours_and_cursor_moves_are_taken_out() -> None:
    assert without_escapes("\x1b[0;32m  OK  \x1b[0m\x1b]0;title\x07 up\r\n\x1bc") == "  OK   up\n"


@given(st.text())
def test_no_console_text_breaks_its_cleaning(text: str) -> None:
    assert len(without_escapes(text)) <= len(text)
    assert last_words(text).isprintable()


class Echo:
    """A console that greets, and then says everything typed back, in capitals."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.is_open = True
        os.write(self.writer, b"login: ")

    def recv(self, nbytes: int) -> bytes:
        return os.read(self.reader, nbytes)

    def send(self, data: bytes) -> int:
        return os.write(self.writer, data.upper())

    def abort(self) -> None:
        self.is_open = False
        os.close(self.writer)


def test_a_terminal_is_joined_raw_until_the_user_leaves() -> None:
    ours, keyboard = pty.openpty()
    shown, screen = os.pipe()
    console = Echo()
    joined = threading.Thread(target=attach, args=(console, keyboard, screen), daemon=True)
    joined.start()
    assert os.read(shown, 100) == b"login: ", "joined: keys are raw from here on"
    os.write(ours, b"ls\x03")
    assert os.read(shown, 100) == b"LS\x03", "control-C is the guest's"
    os.write(ours, LEAVE)
    joined.join(timeout=10)
    assert not joined.is_alive()
    assert not console.is_open


def test_a_console_is_joined_only_from_a_terminal() -> None:
    reader, _ = os.pipe()
    with pytest.raises(Failure, match="joined from a terminal") as caught:
        check_terminal(reader)
    assert caught.value.code is Exit.USAGE
