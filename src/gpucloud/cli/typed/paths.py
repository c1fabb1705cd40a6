"""Paths as they are typed: an empty one, as of a variable that is not set, is not the folder of now."""

from __future__ import annotations

from os import PathLike
from typing import Any

import typer
from typer.models import TyperPath

_EMPTY = "is empty: name a file or folder (is a variable not set?)"


def refuse_empty(value: str | None) -> str | None:
    """For an option that may be a path: a typer callback.

    Raises:
        typer.BadParameter: it is the empty text.
    """
    if value == "":
        raise typer.BadParameter(_EMPTY)
    return value


class _NamedPath(TyperPath):
    """A path that names something; else as typer has it."""

    def convert(self, value: str | PathLike[str], param: Any, ctx: Any) -> str | bytes | PathLike[str]:
        if value == "":
            self.fail(_EMPTY, param, ctx)
        return super().convert(value, param, ctx)


def refuse_empty_paths(command: object) -> None:
    """Have every path that a command and those below it take refuse the empty text.

    Args:
        command: as typer builds it; it is changed.
    """
    for each in getattr(command, "params", ()):
        if isinstance(each.type, TyperPath):
            named = _NamedPath()
            vars(named).update(vars(each.type))
            each.type = named
    for below in getattr(command, "commands", {}).values():
        refuse_empty_paths(below)
