"""What a kernel prints of each PCI function as it finds it: how a guest shows it, and how it is read.

A report (`gpucloud.cloud.report`) is what the guest's sysfs holds, in gpucloud's words; these lines are the
kernel's own. They stand on a console, so they are hostile input: matched strictly and counted.
"""

from __future__ import annotations

import re

from gpucloud.model.pci import PciAddress, PciId

MAX_FUNCTIONS = 4096

_LINE = r"pci ([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]): \[([0-9a-f]{4}):([0-9a-f]{4})\] type "
"""How ``pci_setup_device()`` of drivers/pci/probe.c begins to print a function; header type and class follow:
``pci 0000:01:00.0: [1002:5046] type 00 class 0x030000``. The same to Python and to ``grep -E``."""

KERNEL_LINES_SCRIPT = f"""
gpucloud_kernel_lines() {{
  dmesg | grep -E '{_LINE}'
}}
"""
"""POSIX shell that prints them as they stand in the kernel's log."""

_FOUND = re.compile(rf"(?:^|\W){_LINE}", re.ASCII)


def parse_kernel_lines(text: str) -> dict[PciAddress, PciId]:
    """Read which function was found where, out of console text; the last word on an address counts."""
    found: dict[PciAddress, PciId] = {}
    for line in text.splitlines():
        if (match := _FOUND.search(line)) and len(found) < MAX_FUNCTIONS:
            found[PciAddress.parse(match[1])] = PciId(int(match[2], 16), int(match[3], 16))
    return found
