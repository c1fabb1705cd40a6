"""``gpucloud vgpu``: what cards offer as slices, what is cut, and how a wanted cut is reached."""

from __future__ import annotations

import typer

from gpucloud.cli.vgpu.change import apply_layout, create, delete, undo_layout
from gpucloud.cli.vgpu.driver import install_manager, plan_manager_package
from gpucloud.cli.vgpu.kinds import show_types
from gpucloud.cli.vgpu.licence import app as licence
from gpucloud.cli.vgpu.made import list_slices
from gpucloud.cli.vgpu.plan import plan_slices
from gpucloud.cli.vgpu.plug import attach, detach

app = typer.Typer(
    no_args_is_help=True,
    help="Slices of cards: vGPUs, virtual functions, MIG instances: what is offered, and what is cut.",
)
app.command("types")(show_types)
app.command("list")(list_slices)
app.command("plan")(plan_slices)
app.command("apply")(apply_layout)
app.command("create")(create)
app.command("delete")(delete)
app.command("undo")(undo_layout)
app.command("attach")(attach)
app.command("detach")(detach)
app.add_typer(licence, name="licence")
app.command("manager")(plan_manager_package)
app.command("install")(install_manager)
