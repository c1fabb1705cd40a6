"""What is printed on a terminal of 80 columns, as a person sees it: the real program on a real one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from tests.prepare.fake_host import card
from tests.prepare.site import site_in

pytestmark = pytest.mark.proof

GPUCLOUD = Path(sys.executable).with_name("gpucloud")
SGR = re.compile(r"\x1b\[[0-9;]*m")


def shown(words: list[str], columns: int = 80, **environment: str) -> list[str]:
    """The lines on a terminal of so many columns."""
    theirs, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [GPUCLOUD, *words],
        stdin=subprocess.DEVNULL,
        stdout=ours,
        stderr=ours,
        env={**known, "TERM": "xterm", **environment},
    )
    os.close(ours)
    said = b""
    while piece := _read(theirs):
        said += piece
    os.close(theirs)
    process.wait(timeout=60)
    return said.decode().replace("\r\n", "\n").splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says EIO where the last writer has closed a terminal
        return b""


def test_a_page_is_read_without_marks_and_within_the_terminal() -> None:
    lines = shown(["explain", "acs-missing"])
    assert lines[0] == "\x1b[1macs-missing: The GPU shares its IOMMU group\x1b[0m"
    plain = [SGR.sub("", line) for line in lines]
    assert not any(mark in line for line in plain for mark in ("`", "**", "##"))
    assert max(map(len, plain)) <= 82  # a kernel message of 78 characters stays in one piece


def test_colours_can_be_declined() -> None:
    assert not any("\x1b" in line for line in shown(["explain", "acs-missing"], NO_COLOR="1"))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its path from here: a long one is a long word."""
    monkeypatch.chdir(tmp_path)
    return site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, None)]).root.name


@pytest.mark.parametrize("columns", [60, 80, 132])
@pytest.mark.parametrize("verb", ["scan", "doctor", "plan --unit 3b:00.0"])
def test_prose_and_tables_keep_the_width(verb: str, columns: int, host: str) -> None:
    lines = [SGR.sub("", line) for line in shown([*verb.split(), "--from", host], columns)]
    prose = [line for line in lines if not re.match(r" +(\| |[-+] |/|gpucloud )", line)]
    assert prose
    assert max(map(len, prose)) <= columns


def test_a_pipe_has_sentences_whole(host: str) -> None:
    done = subprocess.run(
        [GPUCLOUD, "doctor", "--unit", "3b:00.0", "--from", host],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "60"},
    )
    assert "\n  why  " in done.stdout
    assert not re.search(r"^ {8}\S", done.stdout, re.MULTILINE)  # where a sentence would go on
