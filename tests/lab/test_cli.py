from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpucloud.cli.lab import command_of
from gpucloud.cli.main import run
from gpucloud.lab.record import Record, write_record
from gpucloud.model.failure import Exit


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_topologies_are_listed_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "topologies"]) == Exit.FINE
    assert "Two identical cards with audio, in two groups" in capsys.readouterr().out


def test_the_topologies_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "topologies", "--format", "json"]) == Exit.FINE
    assert "card-audio" in [one["name"] for one in json.loads(capsys.readouterr().out)]


def test_an_empty_laboratory_lists_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "list", "--format", "json"]) == Exit.FINE
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["up", "no-such"], Exit.USAGE, "no topology is named 'no-such'"),
        (["up", "/nowhere.toml"], Exit.USAGE, "cannot be read"),
        (["up", "twins", "--name", ""], Exit.USAGE, "'' cannot be the name of a server"),
        (["down", "x"], Exit.USAGE, "no server is named x; there are none; gpucloud lab topologies lists"),
        (["run", "x", "true"], Exit.USAGE, "no server is named x"),
        (["run", "x", "df", "-h"], Exit.USAGE, "no server is named x"),
        (["run", "x", "gpucloud", "--help"], Exit.USAGE, "no server is named x"),
        (["run", "x", "--", "sh", "-c", "ls"], Exit.USAGE, "no server is named x"),
        (["ssh", "x"], Exit.USAGE, "no server is named x"),
        (["ssh", "twins"], Exit.USAGE, "no server is named twins; bring it up: gpucloud lab up twins"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], code: Exit, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lab", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("words", [["list"], ["down", "--all"]])
def test_an_empty_laboratory_says_that_it_is_empty(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lab", *words]) == Exit.FINE
    assert capsys.readouterr().out == "no server is there: gpucloud lab up TOPOLOGY brings one up\n"


def test_a_list_says_in_words_what_a_server_runs_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state/gpucloud/lab/hosts/gone"
    folder.mkdir(parents=True)
    write_record(folder, Record("twins", "abc", "tcg", 0.0, "cold", port=2222))
    assert run(["lab", "list"]) == Exit.FINE
    assert capsys.readouterr().out.splitlines()[1].split("  ")[-1] == "software emulation"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["df", "-h"], ["df", "-h"]),
        (["--", "sh", "-c", "ls -- x"], ["sh", "-c", "ls -- x"]),
        (["--"], []),
        (["git", "--", "x"], ["git", "--", "x"]),
    ],
)
def test_what_follows_the_name_is_the_command(words: list[str], command: list[str]) -> None:
    assert command_of(words) == command


@pytest.mark.parametrize("arguments", [["down"], ["down", "x", "--all"], ["run", "x"], ["run", "x", "--"]])
def test_what_makes_no_sense_is_wrong_usage(arguments: list[str]) -> None:
    assert run(["lab", *arguments]) == Exit.USAGE
