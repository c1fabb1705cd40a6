"""Commands, logs and what is compared are never broken on a narrow terminal; no name breaks a line."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest
from tests.prepare.fake_host import card
from tests.prepare.site import site_in

from gpucloud.cli.demo import print_output
from gpucloud.cli.fleets.back import show_standing
from gpucloud.cli.main import run
from gpucloud.cli.output import Shape, note, say
from gpucloud.demo.story import Act
from gpucloud.fleet.order import Answer, Shown
from gpucloud.fleet.tally import Result
from gpucloud.model.change import Content
from gpucloud.model.failure import Exit

LONG = "0000:3b:00.0 " * 12


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 50 columns."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")


def test_what_the_demo_runs_and_reads_stands_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_output(Act("scan", 1.0, "seen", f"lspci -s {LONG}", LONG))
    assert capsys.readouterr().out == f"  $ lspci -s {LONG}\n    {LONG.rstrip()}\n"


def test_what_would_be_taken_back_stands_on_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    change = Shown(Content(f"bind {LONG}"), Content(""), Content("/sys"), None, None)
    results = [Result(name, entry="0001", answers=(Answer("standing", changes=(change,)),)) for name in "ab"]
    show_standing(results, Shape.TEXT)
    assert capsys.readouterr().out == f"== a, b\ntake back journal entry 0001:\n1. bind {LONG}\n\n"


def test_which_device_nova_tracks_stands_on_one_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nova.conf").write_text('[pci]\ndevice_spec = {"vendor_id": "10de", "product_id": "2204"}\n')
    device = {"address": "0000:3b:00.0", "vendor_id": "10de", "product_id": "2204", "dev_type": "type-PCI"}
    (tmp_path / "devices.json").write_text(json.dumps([device]))
    words = ["--release", "31", "--config", str(tmp_path / "nova.conf")]
    assert run(["nova", "match", *words, "--devices", str(tmp_path / "devices.json")]) == Exit.FINE
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"0000:3b:00.0 10de:2204 type-PCI: {tmp_path}/nova.conf:2, pool 0"


def test_a_host_whose_name_has_two_lines_has_one_heading(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "nl\nname"
    folder.mkdir()
    root = site_in(folder, [*card(0x3B, 11)]).root
    assert run(["plan", "--unit", "3b:00.0", "--from", str(root)]) == Exit.FINE
    said = capsys.readouterr().out
    assert "nl?name" in said
    assert "\nname" not in said


class _Gone(io.StringIO):
    """A terminal that went away: EIO (Linux, tty_hung_up)."""

    def write(self, text: str) -> int:
        raise OSError(5, text)


def test_a_terminal_that_went_away_ends_nothing() -> None:
    with contextlib.redirect_stderr(_Gone()):
        say("ending the 2 guests that were launched before")
        note("nothing is left")
