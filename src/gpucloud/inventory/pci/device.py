"""One folder of a device in sysfs, and the plain values of its attributes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from gpucloud.inventory.reader import Contents, HostReader
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

DEVICES = "/sys/bus/pci/devices"
_ASKED = (
    "modalias class revision resource numa_node driver_override reset_method power_state d3cold_allowed"
    " current_link_speed current_link_width max_link_speed max_link_width sriov_totalvfs boot_vga"
    " driver iommu_group physfn"
)
_AT_ONCE = frozenset(_ASKED.split())
"""Attributes and links that are asked of every function; others are read when they are needed."""
_OF_EVERY = "subsystem"
"""A link that the kernel gives every device on a bus (drivers/base/bus.c, ``bus_add_device``)."""
_LINKS = frozenset((_OF_EVERY, "driver", "iommu_group", "physfn"))
_USUAL = _AT_ONCE | frozenset(
    (_OF_EVERY, "vendor", "device", "subsystem_vendor", "subsystem_device", "secondary_bus_number")
)
_SHORT = 1024
"""Attributes up to so many characters are remembered with their values: none of the kernel's is longer."""
_NOTHING = Contents(frozenset(), {}, {})
_T = TypeVar("_T")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}", re.ASCII)


class Attributes:
    """Reads the attributes of one device.

    A name that the folder does not list, and of which the host has said once that it is optional, is
    not asked for again: most functions lack most optional attributes.

    Args:
        reader: the host.
        path: of its folder.
        absent: names that were found to be optional; all devices of a kind share it.
    """

    def __init__(self, reader: HostReader, path: str, absent: set[str]) -> None:
        self.path = path
        self._reader = reader
        self._absent = absent
        contents = reader.read_folder(self.path, _AT_ONCE)
        self._unlisted = contents if isinstance(contents, Unknown) else None
        self._unlinked: Unknown | None = None
        self.names, self._texts, self._links = contents if isinstance(contents, Contents) else _NOTHING
        self.unusual = self.names - _USUAL
        """What few functions have: folders of drivers' devices, links to other functions, slices."""

    @property
    def has_links(self) -> bool:
        """Claims that links were looked for: the folder lists one, or is known not to hold them all."""
        if not _LINKS.isdisjoint(self.names):
            return True
        return self._reader.read_link(f"{self.path}/{_OF_EVERY}") is not None

    def lose_links(self) -> None:
        """From now on a link that is not there is Unknown: whoever copied the folder left links out."""
        self._unlinked = Unknown(f"{self.path[1:]} is in the capture without its links")

    def text(self, name: str) -> str | None | Unknown:
        """An attribute without its newline; None where the kernel shows none."""
        text = self._raw(name)
        return text.strip() if isinstance(text, str) else text

    def value(self, name: str, parse: Callable[[str], _T]) -> _T | None | Unknown:
        """An attribute as a value; text that ``parse`` refuses with ValueError is Unknown."""
        text = self._raw(name)
        if not isinstance(text, str):
            return text
        try:
            return _parsed(parse, text) if len(text) < _SHORT else parse(text.strip())
        except ValueError:
            called = self.path.rpartition("/")[2]
            return Unknown(f"{name} of {called} is not understood: {text.strip()[:60]!r}")

    def always(self, name: str, parse: Callable[[str], _T]) -> _T | Unknown:
        """An attribute that the kernel shows of every function."""
        value = self.value(name, parse)
        return Unknown(f"{self.path}/{name} is not there") if value is None else value

    def link_name(self, name: str) -> str | None | Unknown:
        """The last part of a link's target: the name of what it points to."""
        target = self._links.get(name)
        if target is None:
            if self._unlinked is not None and name not in self.names:
                return self._unlinked
            if self._lacks(name):
                return None
            found = self._ask(name, self._reader.read_link)
            if not isinstance(found, str):
                return found
            target = found
        return target.rstrip("/").rpartition("/")[2]

    def listing(self, name: str) -> tuple[str, ...] | None | Unknown:
        """Names in a folder below."""
        return None if self._lacks(name) else self._ask(name, self._reader.list_dir)

    def _raw(self, name: str) -> str | None | Unknown:
        text = self._texts.get(name)
        if text is not None:
            return text
        return None if self._lacks(name) else self._ask(name, self._reader.read_text)

    def _lacks(self, name: str) -> bool:
        return name in self._absent and name not in self.names

    def _ask(self, name: str, read: Callable[[str], _T | None | Unknown]) -> _T | None | Unknown:
        if self._unlisted is not None:
            return self._unlisted
        answer = read(f"{self.path}/{name}")
        if answer is None and name not in self.names and "/" not in name:
            self._absent.add(name)
        return answer


class Device(Attributes):
    """Reads the attributes of the PCI function at an address; the rest as of ``Attributes``."""

    def __init__(self, reader: HostReader, address: PciAddress, absent: set[str]) -> None:
        super().__init__(reader, f"{DEVICES}/{address}", absent)
        self.address = address


@lru_cache(maxsize=4096)
def _parsed(parse: Callable[[str], _T], text: str) -> _T:
    """The value of an attribute, remembered: functions of one kind, and servers of one kind, say the same."""
    return parse(text.strip())


def number(text: str, bits: int = 64) -> int:
    """A whole number as the kernel prints it: decimal, or hexadecimal with ``0x``.

    Raises:
        ValueError: it is none, or has more bits than the attribute; a capture may hold anything.
    """
    value = int(text, 16 if text[:2] in ("0x", "0X") else 10) if _NUMBER.fullmatch(text) else -1
    if not 0 <= value < 1 << bits:
        raise ValueError
    return value
