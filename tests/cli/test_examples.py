"""Every example that a command prints of itself is one that it understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from inspect import cleandoc

import pytest
import typer
from typer.core import TyperGroup

from gpucloud.cli.main import build

_COMMAND = re.compile(r"(?:^|\| )gpucloud (.+)$")
_PROGRAM = typer.main.get_command(build([]))


def _examples() -> Iterator[str]:
    yield from _of(_PROGRAM)


def _of(command: object) -> Iterator[str]:
    for inner in command.commands.values() if isinstance(command, TyperGroup) else ():
        yield from _of(inner)
    _, _, examples = cleandoc(getattr(command, "help", None) or "").partition("Examples:\n")
    yield from (line.removeprefix("* ").strip("`") for line in examples.splitlines() if line.strip())


@pytest.mark.parametrize("line", list(_examples()))
def test_an_example_can_be_typed(line: str) -> None:
    found = _COMMAND.search(line)
    assert found is not None
    command, words = _PROGRAM, shlex.split(found[1])
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    assert command.make_context("gpucloud", words).params is not None
