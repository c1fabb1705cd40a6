"""``gpucloud cloud``: an OpenStack cloud that runs: why a guest cannot be scheduled."""

from __future__ import annotations

import typer

from gpucloud.cli.clouds.explain import explain

app = typer.Typer(no_args_is_help=True, help="An OpenStack cloud that runs: why a guest cannot be scheduled.")


@app.callback()
def _group() -> None:
    """Keep the name of the only command: typer would drop it."""


app.command("explain")(explain)
