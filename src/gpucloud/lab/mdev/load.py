"""Sample drivers put onto a server, which loads them now and at every start of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from gpucloud.lab.host import LabHost
from gpucloud.lab.mdev.build import Kernel, ensure_samples

_FOLDER = "/usr/lib/gpucloud-lab/modules"
_NEEDS = "mdev vfio vfio_iommu_type1"
_ASK = "uname -r && dpkg-query -W -f '${Version}' \"linux-image-$(uname -r)\""


def give_samples(host: LabHost, names: Sequence[str], cache: Path, progress: Callable[[str], None]) -> None:
    """Load these drivers on a server; it does so by itself from then on.

    modprobe finds them by its own configuration (modprobe.d, ``install``): depmod over all of Debian's
    modules would cost an emulated processor half a minute.

    Raises:
        Failure: they cannot be built for the server's kernel, or do not load.
    """
    release, _, version = host.run(["sh", "-c", _ASK], ok=(0,)).stdout.strip().partition("\n")
    folder = ensure_samples(cache, Kernel(release, version), progress)
    for name in names:
        host.put(folder / f"{name}.ko", f"{_FOLDER}/{name}.ko")
    host.put(modprobe_lines(names).encode(), "/etc/modprobe.d/gpucloud-lab-mdev.conf")
    host.put("".join(f"{name}\n" for name in names).encode(), "/etc/modules-load.d/gpucloud-lab-mdev.conf")
    host.run(["modprobe", "--all", *names], ok=(0,))


def modprobe_lines(names: Sequence[str]) -> str:
    """How modprobe loads them, as modprobe.d(5) has it."""
    return "".join(
        f"install {name} /sbin/modprobe --all {_NEEDS} && /sbin/insmod {_FOLDER}/{name}.ko\n"
        for name in names
    )
