"""One setting that somebody made by hand: where it stands, what it does, and how it is taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.model.pci import PciAddress, PciId
from gpucloud.model.spec import Use

VFIO_MODULES = frozenset(("vfio", "vfio_pci", "vfio_pci_core", "vfio_iommu_type1", "vfio_virqfd"))
RUNNING = "/proc/cmdline"
"""What the running kernel was told."""
STUBS = frozenset(("vfio_pci", "pci_stub"))
"""Drivers that keep a function from the host's own: for guests, whoever the guest was."""
_ANY = 0xFFFFFFFF
_NVIDIA, _MISWRITTEN = 0x10DE, 0x11DE
_LONGEST_IDS = 1023
"""Characters (drivers/vfio/pci/vfio_pci.c ``ids[1024]``; kernel/params.c, ``param_set_copystring``)."""
_ENTRY = re.compile(r"([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a setting does to a device, or to all devices of an id."""

    use: Use | None
    """None: it only touches the device, such as taking it from a driver."""
    entry: str
    """As it is written."""
    address: PciAddress | None = None
    id: PciId | None = None
    vfs: int | None = None
    why_not: str | None = None
    """Why it cannot be said which device is meant."""


@dataclass(frozen=True, slots=True)
class Lines:
    """It goes with its lines, counted from 1."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Word:
    """It is one word on these lines."""

    first: int
    last: int
    word: str
    prefix: str = ""
    """What stands before the list of its entries; empty: it is no list."""
    is_alone: bool = False
    """Its lines say nothing else."""


@dataclass(frozen=True, slots=True)
class Whole:
    """It is the whole file."""

    links: tuple[tuple[str, str], ...] = ()
    """Links that enable it, and where each leads."""


Cut = Lines | Word | Whole


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that was set up by hand."""

    path: str
    line: int | None
    """None: the whole file."""
    text: str
    does: str
    """What it does, in words, after the line that is shown."""
    cut: Cut | None = None
    """None: it is never taken out; ``stays`` says why."""
    asks: tuple[Ask, ...] = ()
    """Empty: it only helps others, such as loading VFIO."""
    runs: str | None = None
    """A script that it runs."""
    is_effective: bool = True
    """False: nothing reads it where it stands."""
    stays: str | None = None
    """Why it stays whatever the host is."""


def plain(module: str) -> str:
    """A module's name as the kernel compares it."""
    return module.replace("-", "_")


def asks_of_ids(value: str) -> Iterator[Ask]:
    """The entries of an ``ids`` list of vfio-pci or pci-stub.

    Source: drivers/vfio/pci/vfio_pci.c, ``vfio_pci_fill_ids``; of an entry with more than vendor and device
    it cannot be said here which devices are meant.
    """
    if len(value) > _LONGEST_IDS:
        yield Ask(Use.PASSTHROUGH, f"{value[:20]}...", why_not="the list is longer than the kernel reads")
        return
    for entry in value.strip("\"'").split(","):
        match = _ENTRY.fullmatch(entry)
        vendor, device = (int(part, 16) for part in match.groups()) if match else (_ANY, _ANY)
        if max(vendor, device) > 0xFFFF:
            yield Ask(
                Use.PASSTHROUGH,
                entry,
                why_not=f"{entry or 'an empty entry'} is no vendor and device of one model",
            )
        else:
            yield ask_of_id(Use.PASSTHROUGH, PciId(vendor, device))


def ask_of_id(use: Use | None, written: PciId) -> Ask:
    """What an id asks for. NVIDIA's 10de written 11de, as slides have it, gives nothing; it is about 10de."""
    if written.vendor == _MISWRITTEN:
        return Ask(None, str(written), id=PciId(_NVIDIA, written.device))
    return Ask(use, str(written), id=written)
