"""The page of findings is made from the rules, and explain knows each of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gpucloud.cli.main import run
from gpucloud.doctor.causes import CAUSES
from gpucloud.model.failure import Exit
from gpucloud.nova.check.page import render_page
from gpucloud.nova.check.rules.catalogue import KINDS, RULES
from gpucloud.prepare.refusals import REFUSALS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "nova" / "findings.md"


def test_the_page_is_that_of_the_rules() -> None:
    if os.environ.get("REGEN"):
        PAGE.write_text(render_page())
    assert PAGE.read_text() == render_page()


def test_every_kind_says_what_it_is_how_it_shows_what_to_do_and_who_says_so() -> None:
    for kind in KINDS.values():
        assert kind.id.startswith("nova-")
        assert kind.what.endswith("."), kind.id
        assert all((kind.title, kind.how_it_shows, kind.fix, kind.sources)), kind.id


def test_ids_are_nobody_elses() -> None:
    assert not set(KINDS) & {*CAUSES, *REFUSALS}


def test_every_rule_has_a_promise() -> None:
    assert all((rule.__doc__ or "").endswith(".") for rule in RULES)


@pytest.mark.parametrize("kind", KINDS)
def test_explain_knows_it(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", kind]) == Exit.FINE
    assert capsys.readouterr().out.startswith(f"{kind}: ")


def test_explain_gives_it_as_json_and_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "nova-filter-gone", "--format", "json"]) == Exit.FINE
    assert json.loads(capsys.readouterr().out)["id"] == "nova-filter-gone"
    assert run(["explain"]) == Exit.FINE
    listed = capsys.readouterr().out
    assert all(f"  {kind} " in listed for kind in KINDS)
