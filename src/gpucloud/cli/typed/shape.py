"""The option that every verb has which prints text for people, or the same as JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from gpucloud.cli.output import Shape

ShapeOption = Annotated[Shape, typer.Option("--format", help="Text to read, or JSON.")]
