"""Texts of 1 MiB that are as slow to read as could be thought of: each aims at one reader or rule.

``bench/doctor.py`` prints how long the slowest of them takes. What fuzzing finds slow goes here.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping

from gpucloud.doctor.evidence.phrases import PHRASES

CHARACTERS = 1 << 20
_LONG = 4000
_LINES = (
    "01:00.0 VGA compatible controller [0300]: NVIDIA [10de:2184] (rev a1)",
    "DMAR: DRHD base: 0x000000fed90000 flags: 0x0",
    'alias = {"vendor_id": "10de", "product_id": "2330", "name": "h100"}',
    "nova.exception.PciDeviceRequestFailed: vfio group 0 hostdev pci_passthrough:alias=a:1 NoValidHost",
    "[ 1.000000] pci 0000:01:00.0: Adding to iommu group 1 vfio-pci bar reserve reset",
    "/sys/kernel/iommu_groups/1/devices/0000:01:00.0",
    "BOOT_IMAGE=x vfio-pci.ids=10de:2330,10de:2331 a=b",
    "options vfio-pci ids=10de:2330",
    'GRUB_CMDLINE_LINUX="a=b"',
    "GPU0 X PHB PHB PHB",
    "<type id='x'>",
    "[pci]",
    "- - - - a:",
    'alias = {"a": \n',
    "",
    " " * 70,
    " " * _LONG + "a:",
    "01:00.0 VGA compatible controller [0300]:" + " " * _LONG,
    "$ mdevctl types [root@" + "ht@" * 450,
    "dmar " + "IORT " * 280,
    "/bind " + ">" * 1400,
    "sbr " * 350,
)
_RUNS = (
    "x", "{", '{"a":', "a.", "::", "01:00.0 A", "/modprobe.d/a:", "0123456789abcdef:", "trait", "hw:",
    "\x1b[", "\x1b]0;a", "\r", "\x00\xff", "pci_passthrough:alias=a:1 ", "<hostdev><source/></hostdev>",
    "suspend ", "MAP_DMA ", "hugetlb huge page ", "MIG mig ", "VFIO ", "unbind", "Iommu", "fabricmanager ",
)  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Every text with its name."""
    for line in _LINES:
        yield f"lines of {line[:30]!r}", _filled(f"{line}\n")
    for run in _RUNS:
        yield f"one line of {run[:30]!r}", _filled(run)
        yield f"long lines of {run[:30]!r}", _filled(_filled(run)[:_LONG] + "\n")
    words = [phrase.needle for phrase in PHRASES]
    yield "the words of the phrase book, a line each", _filled("\n".join(words) + "\n")
    yield "the words of the phrase book, in one line", _filled(" ".join(words))
    yield from _NUMBERED.items()
    chance = random.Random(1)  # noqa: S311 - no secret
    yield "base64", base64.encodebytes(chance.randbytes(CHARACTERS)).decode()[:CHARACTERS]


def _filled(unit: str) -> str:
    return unit * (CHARACTERS // len(unit))


def _joined(lines: Iterator[str]) -> str:
    return "".join(lines)[:CHARACTERS]


def _address(n: int) -> str:
    return f"{n >> 8 & 255:02x}:{n >> 3 & 31:02x}.{n & 7}"


_CARDS = [f"{_address(n)} 3D controller [0302]: NVIDIA [10de:{n & 0xFFFF:04x}]" for n in range(20_000)]
_SPECS = [
    f'device_spec = {{"vendor_id": "10de", "product_id": "{n & 0xFFFF:04x}"}}\n'
    f'alias = {{"vendor_id": "10de", "product_id": "{n & 0xFFFF:04x}", "name": "a{n}"}}\n'
    for n in range(8000)
]
_NUMBERED: Mapping[str, str] = {
    "many cards": _joined(f"{card}\n" for card in _CARDS),
    "many cards of one group": _joined(f"IOMMU Group 1 {card} Driver: nvidia\n" for card in _CARDS),
    "many groups": _joined(f"IOMMU Group {n}:\n\t{card}\n" for n, card in enumerate(_CARDS)),
    "many ids for many cards": _joined(
        f"options vfio-pci ids=10de:{n & 0xFFFF:04x}\n" for n in range(20_000)
    )[:600_000]
    + "\n".join(_CARDS[:6000]),
    "many aliases and device lists": _joined(iter(_SPECS)),
    "many aliases that are asked for": "".join(_SPECS[:1500])
    + f"pci_passthrough:alias={','.join(f'a{n}:1' for n in range(3000))}\n"
    + "\n".join(_CARDS[:8000]),
    "many properties": _joined(f"hw_{n}=1\n" for n in range(100_000)),
    "many directives": _joined(f"options m{n} a=1\n" for n in range(60_000)),
    "many sections": _joined(f"[p{n}]\n" for n in range(100_000)),
    "many arguments": "BOOT_IMAGE=x " + " ".join(f"m{n}.a=1" for n in range(100_000)),
}
