"""The hosts that tests speak of, by name: captured, built, or turned out of a listing.

Other rooms take one by ``host_of(name)``, or its files by ``capture_of(name, folder)``. How to add one: see
README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.host_tree import HostTree
from tests.hosts.builders.ampere import build_a2_mdev, build_mig
from tests.hosts.builders.arc import build_arc
from tests.hosts.builders.desktop import build_apu
from tests.hosts.builders.gvtg import build_gvtg
from tests.hosts.builders.hgx import build_hgx
from tests.hosts.builders.instinct import build_instinct
from tests.hosts.builders.laptop import build_laptop
from tests.hosts.builders.mxgpu import build_mxgpu
from tests.hosts.builders.nvidia_slices import build_a2, build_t4
from tests.listing_host import host_from_listing

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.pci.names import NewestNames
from gpucloud.model.boot import BootFiles
from gpucloud.model.host import Host
from gpucloud.prepare.boot import read_boot_files

HOSTS = Path(__file__).parent
BUILT: dict[str, Callable[[Path], HostTree]] = {
    "built-amd-s7150-mxgpu": build_mxgpu,
    "built-apu-and-navi21": build_apu,
    "built-arc-a770": build_arc,
    "built-hgx-h100": build_hgx,
    "built-intel-uhd630-gvtg": build_gvtg,
    "built-laptop-rtx4070-vmd": build_laptop,
    "built-mi300x-gim": build_instinct,
    "built-nvidia-a100-h100-mig": build_mig,
    "built-nvidia-a2-mdev-of-vfs": build_a2_mdev,
    "built-nvidia-a2-vendor-vfio": build_a2,
    "built-nvidia-t4-mdev": build_t4,
}
CAPTURED = sorted(path.parent.name for path in HOSTS.glob("*/capture.tar.gz"))
LISTED = sorted(path.parent.name for path in HOSTS.glob("*/listing.txt"))
NAMES = (*BUILT, *CAPTURED, *LISTED)


def capture_of(name: str, folder: Path) -> Path:
    """Make a capture of the host of that name.

    Args:
        name: one of ``NAMES``.
        folder: an empty directory of the test's own.
    """
    if name in BUILT:
        return BUILT[name](folder).root
    if name in CAPTURED:
        return HOSTS / name / "capture.tar.gz"
    return host_from_listing((HOSTS / name / "listing.txt").read_text(), folder)


@dataclass(frozen=True)
class Seen:
    """A host of this folder as it was read."""

    host: Host
    boot: BootFiles


@cache
def look_at(name: str) -> Seen:
    """Read the host of that name, once for all tests; names come from the program's own ``pci.ids``."""
    with TemporaryDirectory() as folder:
        reader = open_capture(capture_of(name, Path(folder)))
        return Seen(read_host(reader, NewestNames(system=())), read_boot_files(reader))


def host_of(name: str) -> Host:
    """The host of that name."""
    return look_at(name).host
