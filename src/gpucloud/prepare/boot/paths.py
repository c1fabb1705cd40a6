"""Files of others that say how a host starts: read, and some of them edited."""

from __future__ import annotations

GRUB = "/etc/default/grub"
GRUB_DROP_INS = "/etc/default/grub.d"
KERNEL_CMDLINE = "/etc/kernel/cmdline"
"""Arguments for entries that kernel-install(8) will make."""
GRUB_ENVIRONMENT = "/boot/grub2/grubenv"
"""Where RHEL 8 keeps ``kernelopts``, which its entries refer to."""
KERNELSTUB = "/etc/kernelstub/configuration"
ENTRIES = ("/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries")
"""Boot Loader Specification, type 1: uapi-group.org/specifications/specs/boot_loader_specification."""

FILES = (GRUB, KERNEL_CMDLINE, GRUB_ENVIRONMENT, KERNELSTUB)
PATTERNS = ((GRUB_DROP_INS, ".cfg"), *((folder, ".conf") for folder in ENTRIES))
