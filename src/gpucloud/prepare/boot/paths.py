"""Files of others that say how a host starts: read, and some of them edited."""

from __future__ import annotations

from gpucloud.inventory.system.boot import ENTRIES, GRUB, GRUB_DROP_INS, GRUB_ENVIRONMENT, KERNEL_CMDLINE

__all__ = [
    "ENTRIES",
    "FILES",
    "GRUB",
    "GRUB_DROP_INS",
    "GRUB_ENVIRONMENT",
    "KERNELSTUB",
    "KERNEL_CMDLINE",
    "PATTERNS",
]

KERNELSTUB = "/etc/kernelstub/configuration"
"""In no capture: it holds more than arguments, and only kernelstub knows what."""

FILES = (GRUB, KERNEL_CMDLINE, GRUB_ENVIRONMENT, KERNELSTUB)
PATTERNS = ((GRUB_DROP_INS, ".cfg"), *((folder, ".conf") for folder in ENTRIES))
