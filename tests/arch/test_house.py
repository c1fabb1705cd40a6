"""The house keeps its own rules: sizes, names, and a docstring at the door of every room."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
BANNED = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 40


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_thing(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert path.stem not in BANNED
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it takes and gives"
    for function in functions_in(tree.body):
        assert lines_of_code(function) <= MOST_LINES_OF_A_FUNCTION, f"{function.name} is more than one thing"


def functions_in(body: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, also those in classes, other functions and branches."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement
        for field in ("body", "orelse", "handlers", "finalbody", "cases"):
            yield from functions_in(getattr(statement, field, ()))


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long it is without what declares and describes it: the options of a command, and its help."""
    described = ast.get_docstring(function, clean=False) is not None
    code = function.body[described:]
    return (code[-1].end_lineno or 0) - code[0].lineno + 1 if code else 0


def test_packages_stay_small() -> None:
    for folder in {path.parent for path in SOURCES}:
        assert len(list(folder.glob("*.py"))) <= 16, f"{folder.name} needs sub-packages by noun"


def test_every_command_of_the_makefile_is_a_verb_of_run() -> None:
    targets = (ROOT / "Makefile").read_text().split(".PHONY:")[1].splitlines()[0].split()
    verbs = (ROOT / "run").read_text()
    assert all(f"{target})" in verbs for target in targets)
