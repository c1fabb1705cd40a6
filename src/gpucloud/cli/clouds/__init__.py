"""``gpucloud cloud``: an OpenStack cloud that runs: why a guest cannot be scheduled; stale device state."""

from __future__ import annotations

import typer

from gpucloud.cli.clouds.audit import audit
from gpucloud.cli.clouds.explain import explain
from gpucloud.cli.clouds.heal import heal

app = typer.Typer(
    no_args_is_help=True,
    help="An OpenStack cloud that runs: why a guest cannot be scheduled; stale device state.",
)
app.command("explain")(explain)
app.command("audit")(audit)
app.command("heal")(heal)
