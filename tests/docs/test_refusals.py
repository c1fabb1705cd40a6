"""The page of refusals is made from the registry, which knows every reason that a plan can give."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpucloud.cli.main import run
from gpucloud.doctor.causes import CAUSES
from gpucloud.model.failure import Exit
from gpucloud.prepare.refusals import REFUSALS, SHARED
from gpucloud.prepare.refusals.page import render_page

ROOT = Path(__file__).parents[2]
_MAKERS = {"Refusal", "_refuse"}
PAGE = ROOT / "docs" / "reference" / "refusals.md"


def given_reasons() -> Iterator[str]:
    """Every id that prepare's code makes a refusal with: the second argument of what makes one."""
    for file in (ROOT / "src/gpucloud/prepare").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS:
                named = (word.value for word in node.keywords if word.arg == "cause")
                for each in (*node.args[1:2], *named):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value


def test_the_page_is_that_of_the_registry() -> None:
    if os.environ.get("REGEN"):
        PAGE.write_text(render_page())
    assert PAGE.read_text() == render_page()


def test_every_reason_that_a_plan_gives_is_explained_and_none_that_it_does_not() -> None:
    given = set(given_reasons())
    assert given - set(CAUSES) == set(REFUSALS)
    assert given & set(CAUSES) == set(SHARED)


@pytest.mark.parametrize("reason", REFUSALS)
def test_explain_knows_refusals_as_it_knows_causes(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", reason]) == Exit.FINE
    said = capsys.readouterr().out
    assert said.startswith(f"{reason}: ")
    assert "\nWhat to do\n" in said
    assert run(["explain", reason, "--format", "json"]) == Exit.FINE
    assert json.loads(capsys.readouterr().out)["id"] == reason


def test_explain_without_an_id_lists_refusals_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == Exit.FINE
    said = capsys.readouterr().out
    assert all(f"  {reason} " in said for reason in REFUSALS)


def test_an_id_that_is_nearly_right_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "last-consol"]) == Exit.USAGE
    assert capsys.readouterr().err == (
        "gpucloud: no cause or refusal is called 'last-consol'; is it last-console?\n"
    )
