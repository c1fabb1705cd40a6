"""Host functions before and after a guest: which driver has them, and whether anyone has them open."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gpucloud.model.pci import PciAddress


class Devices(Protocol):
    """Looks at a host function that cost no more than a few system calls each."""

    def driver(self, address: PciAddress) -> str | None:
        """The driver that has the function now; None: none."""
        ...

    def has_vgpu_type(self, address: PciAddress) -> bool:
        """Claims that its vendor's driver has made a vGPU of it, and so is its VFIO driver."""
        ...

    def is_free(self, address: PciAddress) -> bool:
        """Claims that nobody has the function's IOMMU group open."""
        ...


@dataclass(frozen=True, slots=True)
class LiveDevices:
    """This machine's own, read from sysfs and asked of vfio."""

    root: Path = Path("/")

    def _device(self, address: PciAddress) -> Path:
        return self.root / "sys/bus/pci/devices" / str(address)

    def driver(self, address: PciAddress) -> str | None:
        try:
            return (self._device(address) / "driver").readlink().name
        except FileNotFoundError:
            return None

    def has_vgpu_type(self, address: PciAddress) -> bool:
        try:
            text = (self._device(address) / "nvidia/current_vgpu_type").read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return False
        return text.strip().isdigit() and int(text) > 0

    def is_free(self, address: PciAddress) -> bool:
        """Open the group and close it again: vfio lets one process have it (drivers/vfio/group.c)."""
        try:
            group = (self._device(address) / "iommu_group").readlink().name
            os.close(os.open(self.root / "dev/vfio" / group, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            # Any other error means that there is no such group to hold, for one because vfio let go of it.
            return error.errno != errno.EBUSY
        return True
