"""``gpucloud vgpu``: what cards offer as slices, what is cut, and how a wanted cut is reached."""

from __future__ import annotations

from gpucloud.cli.verb import Group

GROUP = Group(
    help="Slices of cards: vGPUs, virtual functions, MIG instances: what is offered, and what is cut.",
    commands={
        "types": "vgpu.kinds.show_types",
        "list": "vgpu.made.list_slices",
        "plan": "vgpu.plan.plan_slices",
        "apply": "vgpu.change.apply_layout",
        "create": "vgpu.change.create",
        "delete": "vgpu.change.delete",
        "undo": "vgpu.change.undo_layout",
        "attach": "vgpu.plug.attach",
        "detach": "vgpu.plug.detach",
        "licence": "vgpu.licence.app",
        "manager": "vgpu.driver.plan_manager_package",
        "install": "vgpu.driver.install_manager",
    },
)
