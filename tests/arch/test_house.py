"""The house keeps its own rules: sizes, names, and a docstring at the door of every room."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
BANNED = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_thing(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert path.stem not in BANNED
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it takes and gives"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 60, f"{node.name} is more than one thing"


def test_packages_stay_small() -> None:
    for folder in {path.parent for path in SOURCES}:
        assert len(list(folder.glob("*.py"))) <= 16, f"{folder.name} needs sub-packages by noun"


def test_every_command_of_the_makefile_is_a_verb_of_run() -> None:
    targets = (ROOT / "Makefile").read_text().split(".PHONY:")[1].splitlines()[0].split()
    verbs = (ROOT / "run").read_text()
    assert all(f"{target})" in verbs for target in targets)
