"""``gpucloud image``: disk images for guests with GPUs."""

from __future__ import annotations

import typer

from gpucloud.cli.images.prepare import prepare

app = typer.Typer(no_args_is_help=True, help="Disk images for guests with GPUs: room, properties, packages.")


@app.callback()
def _group() -> None:
    """Keep the name of the only command: typer would drop it."""


app.command("prepare")(prepare)
