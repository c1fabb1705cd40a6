"""The mediated devices of this machine, as the kernel's own bus lists them, whatever their parent is.

Source: Documentation/driver-api/vfio-mediated-device.rst, drivers/vfio/mdev/mdev_sysfs.c.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from gpucloud.cloud.mediated import Mediated, is_uuid
from gpucloud.model.unknown import Unknown

_MOST = 4096


class Mdevs(Protocol):
    """Looks at the mediated devices of a host."""

    def is_offered(self) -> bool:
        """Claims that some device of this host can be cut into mediated devices."""
        ...

    def made(self) -> tuple[Mediated, ...]: ...

    def is_free(self, uuid: str) -> bool:
        """Claims that no process has it open, or that it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class LiveMdevs:
    """This machine's own, read from sysfs and asked of vfio."""

    root: Path = Path("/")

    def is_offered(self) -> bool:
        return bool(_names(self.root / "sys/class/mdev_bus"))

    def made(self) -> tuple[Mediated, ...]:
        names = [name for name in _names(self._bus) if is_uuid(name)]
        return tuple(Mediated(name, self._type(name), self.is_free(name)) for name in names)

    def is_free(self, uuid: str) -> bool:
        """Open the group and close it again: vfio lets one process have it (drivers/vfio/group.c)."""
        try:
            group = (self._bus / uuid / "iommu_group").readlink().name
            os.close(os.open(self.root / "dev/vfio" / group, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            return error.errno != errno.EBUSY
        return True

    @property
    def _bus(self) -> Path:
        return self.root / "sys/bus/mdev/devices"

    def _type(self, uuid: str) -> str | None | Unknown:
        try:
            return (self._bus / uuid / "mdev_type").readlink().name
        except FileNotFoundError:
            return None
        except OSError as error:
            return Unknown(f"mdev_type of {uuid}: {error.strerror}")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in islice(folder.iterdir(), _MOST))
    except FileNotFoundError:
        return []
