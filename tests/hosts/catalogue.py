"""The hosts that tests speak of, by name: built, or turned out of a listing.

Other rooms take them by ``capture_of(name, folder)``. How to add one: see README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.host_tree import HostTree
from tests.hosts.builders.arc import build_arc
from tests.hosts.builders.desktop import build_apu
from tests.hosts.builders.hgx import build_hgx
from tests.hosts.builders.instinct import build_instinct
from tests.hosts.builders.laptop import build_laptop
from tests.hosts.builders.nvidia_slices import build_a2, build_t4
from tests.listing_host import host_from_listing

HOSTS = Path(__file__).parent
BUILT: dict[str, Callable[[Path], HostTree]] = {
    "built-apu-and-navi21": build_apu,
    "built-arc-a770": build_arc,
    "built-hgx-h100": build_hgx,
    "built-laptop-rtx4070-vmd": build_laptop,
    "built-mi300x-gim": build_instinct,
    "built-nvidia-a2-vendor-vfio": build_a2,
    "built-nvidia-t4-mdev": build_t4,
}
LISTED = sorted(path.parent.name for path in HOSTS.glob("*/listing.txt"))
NAMES = (*BUILT, *LISTED)


def capture_of(name: str, folder: Path) -> Path:
    """Make a capture of the host of that name in ``folder``.

    Args:
        name: one of ``NAMES``.
        folder: an empty directory of the test's own.
    """
    if name in BUILT:
        return BUILT[name](folder).root
    return host_from_listing((HOSTS / name / "listing.txt").read_text(), folder)
