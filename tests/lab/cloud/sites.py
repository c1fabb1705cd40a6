"""A cloud's place as tests have it: nothing of it runs."""

from __future__ import annotations

from pathlib import Path

from gpucloud.lab.cloud.site import PORTS, SECRETS, Site, make_folders


def site_in(folder: Path) -> Site:
    """A site whose ports and passwords can be told apart."""
    ports = {name: 20001 + number for number, name in enumerate(PORTS)}
    site = Site(folder, Path("/environment"), ports, {name: f"secret-of-{name}" for name in SECRETS})
    make_folders(site)
    return site
