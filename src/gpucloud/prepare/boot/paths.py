"""Files of others that say how a host starts: read, and some of them edited."""

from __future__ import annotations

from gpucloud.inventory.system.boot import (
    ENTRIES,
    GRUB,
    GRUB_DROP_INS,
    GRUB_ENVIRONMENT,
    GRUB_FOLDERS,
    KERNEL_CMDLINE,
)

__all__ = [
    "CUSTOM_FILES",
    "ENTRIES",
    "FILES",
    "GRUB",
    "GRUB_CUSTOM",
    "GRUB_DROP_INS",
    "GRUB_ENVIRONMENT",
    "GRUB_FOLDERS",
    "GRUB_SCRIPTS",
    "INITRAMFS_HOOKS",
    "KERNELSTUB",
    "KERNEL_CMDLINE",
    "PATTERNS",
]

KERNELSTUB = "/etc/kernelstub/configuration"
"""In no capture: it holds more than arguments, and only kernelstub knows what."""

GRUB_CUSTOM = "custom.cfg"
"""In GRUB's folder: read at every start by what grub.d/41_custom has put into the boot menu."""
GRUB_SCRIPTS = "/etc/grub.d"
INITRAMFS_HOOKS = ("/etc/initramfs/post-update.d", "/usr/share/initramfs/post-update.d")
"""What update-initramfs runs when it has made one."""

CUSTOM_FILES = tuple(f"{folder}/{GRUB_CUSTOM}" for folder in GRUB_FOLDERS)
FILES = (GRUB, KERNEL_CMDLINE, GRUB_ENVIRONMENT, KERNELSTUB, "/boot/grub/grubenv", *CUSTOM_FILES)
PATTERNS = ((GRUB_DROP_INS, ".cfg"), *((folder, ".conf") for folder in ENTRIES))
