"""Who asks for JSON gets a document also where a verb refuses or fails, with the same exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.prepare.fake_host import card
from tests.prepare.site import Site, site_in

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit

FAIL = {
    "verify": Exit.ERROR,
    "verify 999": Exit.USAGE,
    "undo": Exit.ERROR,
    "undo 999": Exit.USAGE,
    "apply --resume": Exit.ERROR,
    "apply /nowhere/plan.json": Exit.USAGE,
    "apply --unit 3b:00.0": Exit.ERROR,
    "plan --unit 99:00.0": Exit.USAGE,
    "plan --spec /nowhere/gpucloud.yaml": Exit.USAGE,
    "scan --from /nowhere": Exit.USAGE,
    "doctor --from /nowhere": Exit.USAGE,
    "explain no-such": Exit.USAGE,
    "capture --output /": Exit.USAGE,
    "nova check --release 1 --service api nova.conf": Exit.USAGE,
    "nova render --spec /nowhere/gpucloud.yaml": Exit.USAGE,
    "launch --for never": Exit.USAGE,
    "list --no-such-option": Exit.USAGE,
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path, [*card(0x3B, 11), *card(0x3C, None)])


@pytest.mark.parametrize("form", ["--format json", "--format=json"])
@pytest.mark.parametrize("line", FAIL)
def test_an_error_is_a_document_beside_its_line(
    line: str, form: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *words = line.split()
    first = words[:1] if verb == "nova" else []
    code = run([verb, *first, *form.split(), *words[len(first) :]], site.desk)
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (code, told["code"]) == (FAIL[line], FAIL[line])
    assert said.err.splitlines()[-1] == f"gpucloud: {told['error']}"
    assert told.keys() == {"error", "code"}


@pytest.mark.parametrize("line", FAIL)
def test_who_did_not_ask_gets_none(line: str, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    run(line.split(), site.desk)
    assert not capsys.readouterr().out.startswith("{")


def test_a_refused_plan_is_its_own_document(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--unit", "3c:00.0", "--format", "json"], site.desk) == Exit.ERROR
    assert json.loads(capsys.readouterr().out)["plan"]["refusals"]


def test_a_document_of_the_command_before_does_not_count(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["undo", "--list", "--format", "json"], site.desk)
    run(["undo", "--format", "json"], site.desk)
    listed, error = capsys.readouterr().out.splitlines()
    assert (json.loads(listed), json.loads(error)["code"]) == ([], Exit.ERROR)


def test_a_command_on_a_server_of_the_laboratory_has_its_own_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run(["lab", "run", "no-such", "gpucloud", "scan", "--format", "json"]) == Exit.USAGE
    assert capsys.readouterr().out == ""
