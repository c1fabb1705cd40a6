"""The files of a disk that was built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gpucloud.lab.machine.render import Direct
from gpucloud.lab.topology.parse import Topology


@dataclass(frozen=True, slots=True)
class BareDisk:
    """A disk without a boot loader, and the kernel that is started in its stead, once.

    Attributes:
        folder: where they are.
        kernel: file in the folder.
        initrd: file in the folder.
    """

    folder: Path
    kernel: str
    initrd: str

    key: ClassVar = "bare"
    disk_format: ClassVar = "raw"

    @property
    def disk(self) -> Path:
        return self.folder / "disk.raw"

    def direct(self, topology: Topology) -> Direct:
        del topology
        return Direct(str(self.folder / self.kernel), str(self.folder / self.initrd))


@dataclass(frozen=True, slots=True)
class DiskImage:
    """A server's disk as it was when its system was installed; it is only read."""

    folder: Path

    @property
    def key(self) -> str:
        """Equal for disks of equal recipes."""
        return self.folder.name

    @property
    def disk(self) -> Path:
        """The whole disk, in qcow2: partition table, boot loader, root file system."""
        return self.folder / "pristine.qcow2"

    disk_format: ClassVar = "qcow2"

    def direct(self, topology: Topology) -> None:
        """The firmware starts GRUB."""
        del topology
