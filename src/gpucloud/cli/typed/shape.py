"""The option ``--format``: ``table`` where tables are what is printed, ``text`` for all else; or JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from gpucloud.cli.output import Format, Shape

ShapeOption = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]
TableOption = Annotated[Format, typer.Option("--format", help="A table to read, or JSON.")]
