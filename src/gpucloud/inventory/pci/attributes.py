"""Single attributes of a PCI function, as text into values. Pure.

Shapes: drivers/pci/pci-sysfs.c and Documentation/ABI/testing/sysfs-bus-pci of the Linux kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from gpucloud.inventory.pci.device import number
from gpucloud.model.pci import Bar, PciAddress, PciClass, PciId
from gpucloud.model.unknown import Unknown

_IO = 0x100
_MEMORY = 0x200
_PREFETCH = 0x2000
_MEMORY_64 = 0x100000
"""Bits of ``flags``: include/linux/ioport.h, IORESOURCE_*."""
_COUNT = re.compile(r"[0-9]{1,10}", re.ASCII)
_UNUSED = " ".join(("0x0000000000000000",) * 3)
_MEBIBYTE_BITS = 20
_SPEED = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", re.ASCII)
_MODALIAS_LENGTH = len("pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00")


parse_address = lru_cache(maxsize=8192)(PciAddress.parse)
"""``PciAddress.parse``, remembered: the same addresses stand in many places of a host, and of a fleet."""


def parse_numbers(names: Iterable[str]) -> list[int]:
    """The numbers among names, sorted; the kernel counts groups and processes with 32 bits."""
    return sorted(int(name) for name in names if _COUNT.fullmatch(name))


def parse_addresses(names: Iterable[str]) -> list[PciAddress]:
    """The addresses among names; mediated devices, platform devices and strays are left out."""
    found = []
    for name in names:
        try:
            found.append(parse_address(name))
        except ValueError:
            continue
    return found


@lru_cache(maxsize=1024)
def parse_modalias(text: str) -> tuple[PciId, PciId, PciClass] | None:
    """Read id, subsystem and class in ``pci:v000010DEd00002330sv000010DEsd000016C1bc03sc02i00``.

    One read in place of five; None for anything else.
    """
    if len(text) != _MODALIAS_LENGTH or not text.startswith("pci:v"):
        return None
    try:
        vendor, device, sub_vendor, sub_device = (int(text[at : at + 8], 16) for at in (5, 14, 24, 34))
        code = int(text[44:46] + text[48:50] + text[51:53], 16)
    except ValueError:
        return None
    return PciId(vendor, device), PciId(sub_vendor, sub_device), PciClass(code)


def parse_id(text: str) -> int:
    """Read one half of an id, as ``vendor`` has it: 16 bits.

    Raises:
        ValueError: it is no such number.
    """
    return number(text, 16)


def parse_class(text: str) -> PciClass:
    """Read ``class``: 24 bits.

    Raises:
        ValueError: it is no such number.
    """
    return PciClass(number(text, 24))


def parse_revision(text: str) -> int:
    """Read ``revision``: 8 bits.

    Raises:
        ValueError: it is no such number.
    """
    return number(text, 8)


def parse_resource(text: str) -> tuple[Bar, ...]:
    """Read ``resource``: the first six lines are the BARs, ``start end flags`` in hexadecimal.

    A line of zeros is no BAR: it is unused, or the upper half of the 64-bit BAR before it. A BAR for
    which there was no room keeps its size and starts at 0.

    Raises:
        ValueError: a line is not three numbers of at most 64 bits.
    """
    bars = []
    for index, line in enumerate(text.splitlines()[:6]):
        if line == _UNUSED:
            continue
        start, end, flags = (number(word) for word in line.split())
        if flags & (_IO | _MEMORY) and end >= start:
            bars.append(
                Bar(
                    index=index,
                    start=start,
                    size_bytes=end - start + 1,
                    is_io=bool(flags & _IO),
                    is_64bit=bool(flags & _MEMORY_64),
                    is_prefetchable=bool(flags & _PREFETCH),
                )
            )
    return tuple(bars)


def parse_resize(text: str) -> tuple[int, ...]:
    """Read ``resourceN_resize``: a bitmap in hexadecimal; bit n stands for 2^(n+20) bytes.

    Raises:
        ValueError: it is no number, or one of more than 64 bits.
    """
    bitmap = number(text if text[:2] in ("0x", "0X") else f"0x{text}")
    return tuple(1 << (bit + _MEBIBYTE_BITS) for bit in range(64) if bitmap >> bit & 1)


def parse_speed(text: str) -> float | Unknown:
    """Read a link speed: ``16.0 GT/s PCIe``, ``8 GT/s`` before 5.8, ``Unknown`` where it is none known.

    Raises:
        ValueError: it is neither.
    """
    if text.lower().startswith("unknown"):
        return Unknown("the kernel does not know the speed")
    figure, _, unit = text.partition(" ")
    if not unit.startswith("GT/s") or not _SPEED.fullmatch(figure):
        raise ValueError
    return float(figure)


def parse_width(text: str) -> int | Unknown:
    """Read a link width in lanes. 255 is what a card that no longer answers reads as.

    Raises:
        ValueError: it is no number.
    """
    width = number(text, 8)
    return Unknown("the card does not answer") if width == 255 else width


def parse_numa(text: str) -> int | Unknown:
    """Read ``numa_node``. -1 is no node: the firmware does not say.

    Raises:
        ValueError: it is neither -1 nor the number of a node.
    """
    return Unknown("the firmware does not say (-1)") if text == "-1" else number(text, 31)


def parse_override(text: str) -> str | None:
    """Read ``driver_override``; the kernel prints ``(null)`` where there is none."""
    return None if text in ("", "(null)") else text


def parse_words(text: str) -> tuple[str, ...]:
    """Read a list of words, as ``reset_method`` has it."""
    return tuple(text.split())


def parse_flag(text: str) -> bool:
    """Read a 0 or 1.

    Raises:
        ValueError: it is neither.
    """
    if text not in ("0", "1"):
        raise ValueError
    return text == "1"


def parse_linked(name: str) -> PciAddress | None:
    """Read the name of a device link: ``consumer:pci:0000:01:00.1`` (5.11 and newer); None for others."""
    role, _, device = name.partition(":")
    if role not in ("consumer", "supplier"):
        return None
    try:
        return parse_address(device.removeprefix("pci:"))
    except ValueError:  # a link to a device of another bus
        return None


def vf_number(name: str) -> int | None:
    """Read the number in ``virtfnN``; None for other names."""
    number = name.removeprefix("virtfn")
    return int(number) if number != name and number.isdecimal() and len(number) < 6 else None


@lru_cache(maxsize=4096)
def parent_in(target: str) -> PciAddress | None:
    """Read the bridge above from where a device's link leads.

    ``../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0``: the part before the last is the bridge,
    or the root bus, which is none.

    Raises:
        ValueError: the link does not lead into a tree of PCI devices.
    """
    parts = target.rstrip("/").split("/")
    if len(parts) < 2:
        raise ValueError
    parse_address(parts[-1])
    if parts[-2].startswith("pci"):
        return None
    return parse_address(parts[-2])
