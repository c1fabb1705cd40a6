"""The registry, its pages, and the rules that name its causes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gpucloud.doctor import CAUSES
from gpucloud.doctor.causes.pages import pages
from gpucloud.doctor.rank import EXPLAINS, SUPPOSED
from gpucloud.doctor.rules.catalogue import RULES

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "causes"


def test_the_pages_are_those_of_the_registry() -> None:
    made = pages()
    if os.environ.get("REGEN"):
        DOCS.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (DOCS / name).write_text(text)
    assert {path.name: path.read_text() for path in DOCS.glob("*.md")} == dict(made)


def test_every_cause_says_what_it_is_how_it_shows_what_to_do_and_who_says_so() -> None:
    for cause in CAUSES.values():
        assert cause.what.endswith("."), cause.id
        assert all((cause.how_it_shows, cause.fix, cause.costs, cause.sources)), cause.id


@pytest.mark.parametrize("table", [EXPLAINS, SUPPOSED])
def test_folding_names_known_causes_and_none_explains_itself(table: Mapping[str, frozenset[str]]) -> None:
    assert {*table, *(one for many in table.values() for one in many)} <= set(CAUSES)
    assert all(cause not in symptoms for cause, symptoms in table.items())


def test_every_rule_has_a_name_of_its_own_and_a_promise() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.promise.endswith(".") for rule in RULES)
