"""One folder of /sys/bus/pci/devices, and the plain values of its attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gpucloud.inventory.reader import Reader
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

DEVICES = "/sys/bus/pci/devices"
_T = TypeVar("_T")


class Device:
    """Reads the attributes of one function. Names that its folder lacks are not tried to be opened."""

    def __init__(self, reader: Reader, address: PciAddress) -> None:
        self.address = address
        self.path = f"{DEVICES}/{address}"
        self._reader = reader
        listed = reader.list_dir(self.path)
        self.unlisted = listed if isinstance(listed, Unknown) else None
        self.names = frozenset(listed) if isinstance(listed, tuple) else frozenset()

    def text(self, name: str) -> str | None | Unknown:
        """An attribute without its newline; None where the kernel shows none."""
        if self.unlisted is not None:
            return self.unlisted
        text = self._reader.read_text(f"{self.path}/{name}")
        return text.strip() if isinstance(text, str) else text

    def value(self, name: str, parse: Callable[[str], _T]) -> _T | None | Unknown:
        """An attribute as a value; text that ``parse`` refuses with ValueError is Unknown."""
        text = self.text(name)
        if not isinstance(text, str):
            return text
        try:
            return parse(text)
        except ValueError:
            return Unknown(f"{name} of {self.address} is not understood: {text[:60]!r}")

    def always(self, name: str, parse: Callable[[str], _T]) -> _T | Unknown:
        """An attribute that the kernel shows of every function."""
        value = self.value(name, parse)
        return Unknown(f"{self.path}/{name} is not there") if value is None else value

    def link_name(self, name: str) -> str | None | Unknown:
        """The last part of a link's target: the name of what it points to."""
        if self.unlisted is not None:
            return self.unlisted
        target = self._reader.read_link(f"{self.path}/{name}")
        return target.rstrip("/").rpartition("/")[2] if isinstance(target, str) else target

    def listing(self, name: str) -> tuple[str, ...] | None | Unknown:
        """Names in a folder below."""
        if self.unlisted is not None:
            return self.unlisted
        return self._reader.list_dir(f"{self.path}/{name}")


def number(text: str) -> int:
    """A whole number as the kernel prints it: decimal, or hexadecimal with ``0x``.

    Raises:
        ValueError: it is none.
    """
    return int(text, 0)
