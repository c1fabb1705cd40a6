"""``gpucloud nova``: nova.conf and properties for a named release: written, checked, matched with devices."""

from __future__ import annotations

from gpucloud.cli.verb import Group

GROUP = Group(
    help="nova.conf and properties for every release: written, checked, matched with devices.",
    commands={
        "render": "nova.render.render_nova",
        "check": "nova.check.check_files",
        "match": "nova.match.match_devices",
        "properties": "nova.properties.judge_properties",
    },
)
