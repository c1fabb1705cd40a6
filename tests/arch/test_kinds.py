"""Every test is run by one verb of ``./run``, and by one alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.kinds import KINDS

RUN = (Path(__file__).parents[2] / "run").read_text()
SELECTIONS = re.findall(r'(?:unit_tests -m|proofs) "([a-z ]+)"', RUN)
"""What the verbs leave to pytest, as "lab and not slow"; property tests are run at length a second time."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(sorted(kind)) or "unmarked")
def test_each_kind_of_test_is_run_once(kind: frozenset[str]) -> None:
    assert len([said for said in SELECTIONS if is_selected(kind, said)]) == 1


def is_selected(kind: frozenset[str], said: str) -> bool:
    words = said.split(" and ")
    return all((word.removeprefix("not ") in kind) is not word.startswith("not ") for word in words)
