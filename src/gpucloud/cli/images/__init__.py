"""``gpucloud image``: disk images for guests with GPUs."""

from __future__ import annotations

from gpucloud.cli.verb import Group

GROUP = Group(
    help="Disk images for guests with GPUs: room, properties, packages.",
    commands={
        "prepare": "images.prepare.prepare",
    },
)
