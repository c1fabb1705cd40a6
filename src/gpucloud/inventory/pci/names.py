"""Names of PCI vendors and devices, from the newest ``pci.ids`` at hand.

Format: pci.ids(5). The names do not come from the host that is read but from where gpucloud runs.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

from gpucloud.model.pci import PciId

_SNAPSHOT = Path(__file__).parent.parent / "data" / "pci.ids"
_SYSTEM = (Path("/usr/share/misc/pci.ids"), Path("/usr/share/hwdata/pci.ids"))
_HEAD_BYTES = 2048
_DATE = re.compile(rb"^#\s*Date:\s*([0-9: -]+)$", re.MULTILINE)
_NEXT_VENDOR = re.compile(rb"\n[^\t#\n]")


class PciNames:
    """Looks names up in the bytes of a ``pci.ids`` file, which is never parsed as a whole."""

    def __init__(self, data: bytes) -> None:
        self._data = b"\n" + data
        self._sections: dict[int, tuple[int, int] | None] = {}
        self._vendors: dict[int, str | None] = {}
        self._devices: dict[PciId, str | None] = {}

    def vendor(self, vendor: int) -> str | None:
        """Name a vendor; None where nobody registered a name."""
        if vendor not in self._vendors:
            section = self._section(vendor)
            self._vendors[vendor] = None if section is None else self._name_at(section[0] + len("\nffff  "))
        return self._vendors[vendor]

    def device(self, device: PciId) -> str | None:
        """Name a device; None where nobody registered a name."""
        if device not in self._devices:
            self._devices[device] = self._find(device)
        return self._devices[device]

    def _find(self, device: PciId) -> str | None:
        section = self._section(device.vendor)
        if section is None:
            return None
        mark = b"\n\t%04x  " % device.device
        at = self._data.find(mark, *section)
        return None if at < 0 else self._name_at(at + len(mark))

    def _section(self, vendor: int) -> tuple[int, int] | None:
        if vendor not in self._sections:
            start = self._data.find(b"\n%04x  " % vendor)
            end = _NEXT_VENDOR.search(self._data, start + 1)
            self._sections[vendor] = None if start < 0 else (start, end.start() if end else len(self._data))
        return self._sections[vendor]

    def _name_at(self, start: int) -> str:
        end = self._data.find(b"\n", start)
        return self._data[start : end if end >= 0 else None].decode(errors="replace").strip()


class NewestNames:
    """The snapshot that gpucloud brings, or a system's file that says it is newer. Read when first asked."""

    def __init__(self, system: tuple[Path, ...] = _SYSTEM) -> None:
        self._system = system

    def vendor(self, vendor: int) -> str | None:
        return self._names.vendor(vendor)

    def device(self, device: PciId) -> str | None:
        return self._names.device(device)

    @cached_property
    def _names(self) -> PciNames:
        newest = max((_SNAPSHOT, *self._system), key=lambda path: _date(_head(path)))
        return PciNames(newest.read_bytes())


NEWEST = NewestNames()
"""One for the process: a plan is looked at again and again, and a fleet has many hosts."""


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:  # this system has none there: the snapshot serves
        return b""


def _date(head: bytes) -> str:
    """The date in the header, which sorts as text; empty where there is none."""
    match = _DATE.search(head)
    return match[1].decode().strip() if match else ""
