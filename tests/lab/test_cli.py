from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpucloud.cli.main import run
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
        (["down", "x"], Exit.ERROR, "no server is named x"),
        (["run", "x", "true"], Exit.ERROR, "no server is named x"),
        (["ssh", "x"], Exit.ERROR, "no server is named x"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], code: Exit, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lab", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["down"], ["down", "x", "--all"], ["run", "x"]])
def test_what_makes_no_sense_is_wrong_usage(arguments: list[str]) -> None:
    assert run(["lab", *arguments]) == Exit.USAGE
