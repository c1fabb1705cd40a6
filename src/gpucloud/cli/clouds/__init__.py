"""``gpucloud cloud``: an OpenStack cloud that runs: why a guest cannot be scheduled; stale device state."""

from __future__ import annotations

from gpucloud.cli.verb import Group

GROUP = Group(
    help="An OpenStack cloud that runs: why a guest cannot be scheduled; stale device state.",
    commands={
        "explain": "clouds.explain.explain",
        "audit": "clouds.audit.audit",
        "heal": "clouds.heal.heal",
    },
)
