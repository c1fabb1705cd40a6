"""Disks of servers from Debian packages; boot loader and initramfs are made by the server itself, once."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gpucloud.lab.cache import ensure, keep_newest, remove_tree
from gpucloud.lab.disk import recipe
from gpucloud.lab.disk.image import BareDisk, DiskImage
from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.evidence import did_not_come_up, keep_logs
from gpucloud.lab.image.build import inside, lay_over, make_ext4
from gpucloud.lab.image.packages import install
from gpucloud.lab.machine.boot import DISK, Start, line_of, make_first_disk, power_on
from gpucloud.lab.machine.qemu import end_qemu, wait_for_end
from gpucloud.lab.machine.render import Accelerator
from gpucloud.lab.needs import require, require_root
from gpucloud.lab.process import run
from gpucloud.lab.topology.parse import Topology, load_topology
from gpucloud.model.failure import Failure

KEPT = 2
FIRST_START_S = 1200
"""Seconds that the first start with the making of an initramfs may take under emulation."""
_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Making:
    """Where disks and logs of failed starts go, who is told, and how the first start is run."""

    cache: Path
    failed: Path
    progress: Callable[[str], None]
    accelerator: Accelerator


def ensure_disk(makes: Makes, making: Making) -> DiskImage:
    """The disk of the present recipe, built if it is not in the cache.

    Raises:
        Failure: a program is missing, this is not root, packages cannot be had, or the first start went
            wrong; nothing half done is left.
    """
    place = making.cache / "disks" / recipe.recipe_key(makes)
    if not place.is_dir():
        require("mmdebstrap", "mke2fs", "qemu-img", "unshare")
        require_root()
    image = DiskImage(ensure(place, lambda part: _build(part, makes, making)))
    keep_newest(place.parent, KEPT)
    return image


def _build(part: Path, makes: Makes, making: Making) -> None:
    began = time.monotonic()
    making.progress(f"building a server's disk with {makes.value} from Debian packages (once; 5 minutes)")
    root = part / "root"
    stores = [making.cache / f"disk-packages-{makes.value}", making.cache / "packages"]
    install(recipe.SYSTEMS[makes], root, stores, making.progress)
    lay_over(root, recipe.tree())
    bare = _take_kernel(root, part)
    _write_disk(root, bare.disk)
    remove_tree(root)
    make_first_disk(part, bare)
    try:
        _start_first(part, Start(_server(), making.accelerator, bare, None), makes, making)
    except Failure as failure:
        name = f"first-{makes.value}"
        raise did_not_come_up(part, name, failure, keep_logs(part, making.failed, name)) from failure
    finally:
        end_qemu(part)
    _flatten(part)
    making.progress(f"disk built in {time.monotonic() - began:.0f} s")


def _server() -> Topology:
    known = load_topology("card-audio")
    return replace(known, kernel_arguments=recipe.FIRST_START)


def _take_kernel(root: Path, part: Path) -> BareDisk:
    """The system's kernel and initramfs, for the one start before there is a boot loader."""
    names = []
    for pattern in ("vmlinuz-*", "initrd.img-*"):
        (file,) = (root / "boot").glob(pattern)
        run(["cp", str(file), str(part)], timeout_s=60)
        names.append(file.name)
    return BareDisk(part, *names)


def _write_disk(root: Path, raw: Path) -> None:
    """Write partition table and root file system, without mounting anything."""
    table = root / "disk"
    with table.open("wb") as file:
        file.truncate(recipe.DISK_MIB << 20)
    inside(root, "sfdisk", "--quiet", "/disk", stdin=recipe.PARTITIONS)
    table.replace(raw)
    start = recipe.ROOT_START_SECTOR * _SECTOR
    make_ext4(root, raw, (recipe.DISK_MIB << 20) - start, start_bytes=start)


def _start_first(part: Path, start: Start, makes: Makes, making: Making) -> None:
    """Boot the disk once without its boot loader, and have the server install that."""
    making.progress("booting it once: it installs its boot loader and makes its initramfs")
    power_on(part, start, outlives=False)
    with line_of(part) as line:
        line.wait_ready(FIRST_START_S, making.progress)
        for command in (recipe.FINISH[makes], *recipe.LOADER):
            making.progress(f"  {shlex.join(command)}")
            line.do(shlex.join(command), FIRST_START_S)
        line.do("systemctl --no-block poweroff")
    wait_for_end(part, FIRST_START_S)


def _flatten(part: Path) -> None:
    image = DiskImage(part)
    run(["qemu-img", "convert", "-O", "qcow2", str(part / DISK), str(image.disk)], timeout_s=600)
    for left in part.iterdir():
        if left != image.disk:
            left.unlink()
