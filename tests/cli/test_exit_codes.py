"""The same mistake ends every verb with the same code: 2 for what cannot be meant, 1 for what fails."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from tests.prepare.fake_host import card
from tests.prepare.site import Site, site_in

from gpucloud.cli.main import call, run
from gpucloud.model.failure import Exit, Failure, code_of

pytestmark = pytest.mark.proof

NOT_THERE = {
    "a capture": [
        ["scan", "--from", "{nowhere}"],
        ["doctor", "--from", "{nowhere}"],
        ["plan", "--from", "{nowhere}", "--unit", "3b:00.0"],
    ],
    "evidence": [["doctor", "--evidence", "{nowhere}"]],
    "a GPU": [
        ["doctor", "--from", "{host}", "--unit", "99:00.0"],
        ["plan", "--from", "{host}", "--unit", "99:00.0"],
        ["plan", "--unit", "99:00.0"],
        ["apply", "--unit", "99:00.0", "--yes"],
        ["verify", "--unit", "99:00.0"],
    ],
    "a plan": [["apply", "{nowhere}"]],
    "a file, in place of a pipe": [["apply", "{pipe}"], ["scan", "--from", "{pipe}"]],
    "a file, in place of a device or a folder": [["apply", "/dev/null"], ["apply", "{empty}"]],
    "a journal entry": [["verify", "999"], ["undo", "999"]],
    "a folder to write to": [
        ["plan", "--unit", "3b:00.0", "--output", "{nowhere}/plan.json"],
        ["capture", "--output", "{nowhere}/capture.tar.gz"],
        ["demo", "--output", "{file}/reports"],
        ["collection", "{file}/collections"],
    ],
    "a cause": [["explain", "no-such-cause"]],
    "a topology": [["lab", "up", "no-such"], ["lab", "up", "{nowhere}/x.toml"], ["demo", "no-such"]],
    "a server of the laboratory": [
        ["lab", verb, "no-such", "true"][: 3 + (verb == "run")] for verb in ("run", "ssh", "down")
    ],
}
FAILS = {
    "an archive that is cut short": [
        ["scan", "--from", "{broken}"],
        ["doctor", "--from", "{broken}"],
        ["plan", "--from", "{broken}", "--unit", "3b:00.0"],
    ],
    "a folder that is no capture": [["scan", "--from", "{empty}"], ["doctor", "--from", "{empty}"]],
    "a plan that nobody wrote": [["apply", "{file}"]],
    "a journal that has nothing to do it to": [
        ["undo"],
        ["undo", "last"],
        ["verify"],
        ["apply", "--resume"],
        ["confirm"],
    ],
    "a card that is refused": [["plan", "--unit", "3c:00.0"], ["apply", "--unit", "3c:00.0", "--yes"]],
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A host with a card that can be given away and one that has no group; an empty laboratory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, None)])


@pytest.fixture
def places(tmp_path: Path, site: Site) -> dict[str, str]:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    whole = tmp_path / "whole.tar.gz"
    with tarfile.open(whole, "w:gz") as archive:
        archive.add(site.root, "host")
    (tmp_path / "broken.tar.gz").write_bytes(whole.read_bytes()[:-100])
    names = {name: name for name in ("file", "empty", "pipe", "nowhere")} | {"broken": "broken.tar.gz"}
    return {**{key: str(tmp_path / name) for key, name in names.items()}, "host": str(site.root)}


def code_and_words(words: list[str], places: dict[str, str], site: Site) -> tuple[int, str]:
    try:
        return call([word.format(**places) for word in words], site.desk), ""
    except Failure as failure:
        return failure.code, str(failure)


@pytest.mark.parametrize(
    ("what", "words"), [(what, words) for what in NOT_THERE for words in NOT_THERE[what]]
)
def test_what_is_named_and_not_there_is_wrong_usage(
    what: str, words: list[str], places: dict[str, str], site: Site
) -> None:
    code, told = code_and_words(words, places, site)
    assert (what, code) == (what, Exit.USAGE)
    assert ";" in told
    assert "\n" not in told


@pytest.mark.parametrize(("what", "words"), [(what, words) for what in FAILS for words in FAILS[what]])
def test_what_was_understood_and_fails_is_an_error(
    what: str, words: list[str], places: dict[str, str], site: Site
) -> None:
    code, told = code_and_words(words, places, site)
    assert (what, code) == (what, Exit.ERROR)
    assert "\n" not in told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(), Exit.USAGE),
        (NotADirectoryError(), Exit.USAGE),
        (IsADirectoryError(), Exit.USAGE),
        (PermissionError(), Exit.ERROR),
        (OSError(28, "No space left on device"), Exit.ERROR),
    ],
)
def test_a_path_that_is_wrong_is_told_from_one_that_fails(error: OSError, code: Exit) -> None:
    assert code_of(error) == code


def test_the_help_says_what_the_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "1 it failed, is refused, or there is nothing to do it to; 2 what was typed," in said
