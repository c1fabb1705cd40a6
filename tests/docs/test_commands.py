"""The page of all commands says what the commands say of themselves."""

from __future__ import annotations

import os
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from gpucloud.cli.main import build

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def render_commands() -> str:
    command = typer.main.get_command(build([]))
    context = typer.Context(command, info_name="gpucloud")
    return (
        get_docs_for_click(obj=command, ctx=context, name="gpucloud", title="Commands")
        .replace("\b\nExamples:\n", "Examples:\n\n")
        .strip()
        + "\n"
    )


def test_every_command_is_described_as_it_is() -> None:
    if os.environ.get("REGEN"):
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(render_commands())
    assert PAGE.read_text() == render_commands()
