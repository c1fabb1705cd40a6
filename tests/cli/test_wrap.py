"""Prose fits the terminal; what is to be copied stays on one line, whatever its length."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cli.output import Shape, print_beside, print_lines, print_text
from gpucloud.cli.output.terminal import prose_width
from gpucloud.cli.output.wrap import wrap
from gpucloud.model.line import Copied

SENTENCE = "the group of the GPU lists a disk, a network card or another GPU of the same host"


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (f"  why   {SENTENCE}", "        "),
        (f"  cost  {SENTENCE}", "        "),
        (f"  - {SENTENCE}", "    "),
        (f"12. {SENTENCE}", "    "),
        (f"   risk: {SENTENCE}", "         "),
        (f"  acs-missing     {SENTENCE}", "                  "),
        (f"BLOCKER acs-missing: {SENTENCE}", "  "),
        (f"{SENTENCE}.", ""),
    ],
)
def test_what_follows_stands_under_the_text_of_its_line(line: str, begins: str) -> None:
    first, *rest = wrap(line, 40).split("\n")
    assert line.startswith(first)
    assert rest
    assert all(one.startswith(begins) and one[len(begins)] != " " for one in rest)


@pytest.mark.parametrize(
    "command",
    [
        "`echo 1 > /sys/bus/pci/devices/0000:3b:00.0/remove`",
        "gpucloud plan --unit 3b:00.0 --from gpu01.tar.gz",
        "sudo gpucloud apply /root/plan.json",
        "gpucloud undo --list",
        "gpucloud lab run card-audio",
        "gpucloud lab cloud up",
        "gpucloud cloud explain gpu.a100.1",
        "systemctl stop nvidia-persistenced",
        "systemctl --user stop pipewire.socket pipewire.service",
        "virsh shutdown web-1",
        "kill 812",
    ],
)
@pytest.mark.parametrize("before", ["now:", "the group is not viable, and vfio says so; now type:"])
def test_a_command_is_never_broken(before: str, command: str) -> None:
    assert command in wrap(f"{before} {command}", 40).split("\n")[-1]


@given(st.text(st.sampled_from("ab -`:."), max_size=200), st.integers(40, 100))
def test_nothing_is_lost_and_only_words_are_longer_than_the_width(line: str, width: int) -> None:
    shown = wrap(line, width)
    assert shown.split() == line.split()
    assert all(len(one) <= width or " " not in one.strip() or "`" in one for one in shown.split("\n"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_has_every_sentence_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    print_text(f"  why  {SENTENCE * 9}")
    assert capsys.readouterr().out == f"  why  {SENTENCE * 9}\n"


def test_a_terminal_that_does_not_say_how_wide_it_is_counts_as_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert (prose_width(Terminal()), prose_width(io.StringIO())) == (80, None)


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("0", 80), ("12", 40), ("900", 100), ("x", 80)])
def test_columns_are_as_the_user_says(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert prose_width(Terminal()) == width


def test_a_diff_stays_as_it_is_where_prose_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")
    print_lines([SENTENCE, Copied(f"+{SENTENCE}")])
    *prose, copied = capsys.readouterr().out.splitlines()
    assert [len(one) <= 50 for one in prose] == [True, True]
    assert copied == f"+{SENTENCE}"


def test_a_name_in_prose_begins_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(["plan for nl\nname: nothing to do", Copied("[pci]\nalias = {}")])
    assert capsys.readouterr().out == "plan for nl?name: nothing to do\n[pci]\nalias = {}\n"


@pytest.mark.parametrize("shape", Shape)
def test_what_is_read_before_something_is_done_stands_beside_json(
    shape: Shape, capsys: pytest.CaptureFixture[str]
) -> None:
    print_beside(["plan for a\nb", Copied("+ x")], shape)
    told = capsys.readouterr()
    assert (told.out, told.err)[shape is Shape.JSON] == "plan for a?b\n+ x\n"
    assert (told.err, told.out)[shape is Shape.JSON] == ""


def test_what_came_from_outside_is_cleaned_before_it_is_painted(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([Copied("a\x1b[31mb")], lambda _, shown: f"\x1b[1m{shown}")
    assert capsys.readouterr().out == "\x1b[1ma?[31mb\n"
