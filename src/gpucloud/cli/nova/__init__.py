"""``gpucloud nova``: nova.conf and properties for a named release: written, checked, matched with devices."""

from __future__ import annotations

import typer

from gpucloud.cli.nova.check import check_files
from gpucloud.cli.nova.match import match_devices
from gpucloud.cli.nova.properties import judge_properties
from gpucloud.cli.nova.render import render_nova

app = typer.Typer(
    no_args_is_help=True,
    help="nova.conf and properties for every release: written, checked, matched with devices.",
)
app.command("render")(render_nova)
app.command("check")(check_files)
app.command("match")(match_devices)
app.command("properties")(judge_properties)
