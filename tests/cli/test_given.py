"""Texts come through pipes as from files; a pipe that nobody writes into is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from gpucloud.cli.given import STANDARD_INPUT, refuse_pipe, waiting
from gpucloud.cli.main import run
from gpucloud.model.failure import Exit, Failure

GPUCLOUD = Path(sys.executable).with_name("gpucloud")
LOG = (
    "vfio-pci 0000:04:00.1: DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR "
    "requirement."
)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def bash(line: str, *words: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line, GPUCLOUD, *words], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.proof
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('"$0" doctor --evidence <(echo "$1")', "rmrr-ineligible"),
        ('echo "$1" | "$0" doctor --evidence -', "rmrr-ineligible"),
        ('"$0" doctor --evidence <(echo "evidence: {dmesg: \'$1\'}")', "rmrr-ineligible"),
        (
            '"$0" doctor --evidence <(echo "$1") <(echo all is well)',
            "2 inputs: 1 blocked, 1 without findings",
        ),
        (
            '"$0" nova check --release 31 --service compute <(printf "[pci]\\nalias = {}\\n")',
            "nova-alias-refused",
        ),
    ],
)
def test_what_a_command_prints_is_read_as_a_file_is(line: str, found: str) -> None:
    done = bash(line, LOG)
    assert (done.returncode, found in done.stdout) == (Exit.FINDINGS, True)
    assert done.stderr == ""


@pytest.mark.proof
def test_a_spec_comes_through_a_named_pipe(pipe: Path) -> None:
    done = bash('echo "no_such_key: 1" >"$1" & "$0" plan --spec "$1" --from /', pipe)
    assert done.returncode == Exit.USAGE
    assert f"{pipe}, line 1: there is no key 'no_such_key'" in done.stderr


@pytest.mark.proof
@pytest.mark.parametrize(
    "line", ['echo "$1" | "$0" plan --spec - --from /', '"$0" plan --spec - --from / <<<"$1"']
)
def test_a_spec_comes_through_standard_input(line: str) -> None:
    done = bash(line, "no_such_key: 1")
    assert done.returncode == Exit.USAGE
    assert "standard input, line 1: there is no key 'no_such_key'" in done.stderr


@pytest.mark.parametrize(
    "words", [("--adopt", "--from", "/"), ("--adopt",), ("--hosts", "all", "-i", "localhost,")]
)
def test_standard_input_is_refused_where_its_text_is_needed_twice(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--spec", "-", *words]) == Exit.USAGE
    assert re.search("- is standard input: .*; put the text into a file", capsys.readouterr().err)


def test_a_pipe_without_a_writer_is_named(pipe: Path) -> None:
    told: list[str] = []
    has_told = Event()

    def tell(line: str) -> None:
        told.append(line)
        has_told.set()

    with waiting(pipe, tell=tell, after_s=0):
        assert has_told.wait(timeout=60)
    assert told == [f"waiting for what is written into {pipe}; Ctrl-C ends it"]


@pytest.mark.parametrize("name", ["file", "nowhere", "\0"])
def test_what_is_no_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with waiting(tmp_path / name, tell=pytest.fail, after_s=0):
        refuse_pipe(tmp_path / name, "nothing is read twice")


def test_standard_input_without_a_writer_is_named_too() -> None:
    program = (
        "from gpucloud.cli.given import *; import threading; said = threading.Event()\n"
        "def tell(line): print(line); said.set()\n"
        "with waiting(STANDARD_INPUT, tell=tell, after_s=0): said.wait(60)"
    )
    reading, writing = os.pipe()
    done = subprocess.run(
        [sys.executable, "-c", program], stdin=reading, capture_output=True, text=True, check=True, timeout=90
    )
    os.close(reading)
    os.close(writing)
    assert done.stdout == "waiting for what is written into standard input; Ctrl-C ends it\n"
    assert Path("-") == STANDARD_INPUT


def test_a_pipe_is_refused_where_its_text_is_needed_twice(
    pipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failure, match="is a pipe: it is read twice; put the text into a file"):
        refuse_pipe(pipe, "it is read twice")
    assert run(["plan", "--adopt", "--spec", str(pipe), "--from", "/"]) == Exit.USAGE
    assert "is a pipe: the spec is extended" in capsys.readouterr().err
