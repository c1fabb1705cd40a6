"""What ``--format`` takes is said in the same words by every verb, and says what is printed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from gpucloud.cli.main import build


def formats(command: object, name: str) -> Iterator[tuple[str, TyperOption]]:
    if isinstance(command, TyperGroup):
        for word, inner in command.commands.items():
            yield from formats(inner, f"{name} {word}")
    else:
        for each in getattr(command, "params", ()):
            if isinstance(each, TyperOption) and "--format" in each.opts:
                yield name, each


ALL = dict(formats(typer.main.get_command(build(())), "gpucloud"))


def test_many_verbs_have_it() -> None:
    assert len(ALL) > 30


@pytest.mark.parametrize("name", ALL)
def test_the_help_names_the_value(name: str) -> None:
    option = ALL[name]
    first, *others = option.type.choices  # type: ignore[attr-defined]
    says = {"table": "A table to read, or JSON.", "text": "Text to read, or JSON."}[first]
    if name == "gpucloud doctor":
        says = "Text to read, or one JSON object per input and line."
    assert (option.help, others, option.default) == (says, ["json"], first)
