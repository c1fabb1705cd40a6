"""Files that decide how a host starts: a plan for the next start reads them, a capture keeps their settings.

Only arguments of the kernel are settings here; GRUB's file may also hold passwords, and entries the machine's
id.
"""

from __future__ import annotations

import re

GRUB = "/etc/default/grub"
GRUB_DROP_INS = "/etc/default/grub.d"
KERNEL_CMDLINE = "/etc/kernel/cmdline"
"""Arguments for entries that kernel-install(8) will make."""
GRUB_ENVIRONMENT = "/boot/grub2/grubenv"
"""Where RHEL 8 keeps ``kernelopts``, which its entries refer to."""
ENTRIES = ("/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries")
"""Boot Loader Specification, type 1: uapi-group.org/specifications/specs/boot_loader_specification."""
GRUB_FOLDERS = ("/boot/grub", "/boot/grub2")
"""Where GRUB has its own files: Debian's family; the others."""

DROP_INS = f"{GRUB_DROP_INS}/*.cfg"
OF_ARGUMENTS = (GRUB_ENVIRONMENT, *(f"{folder}/*.conf" for folder in ENTRIES))
"""Patterns of files of which only the lines with kernel arguments are kept."""
SETTINGS = (GRUB, DROP_INS, *OF_ARGUMENTS)
"""Patterns of files of which only what has to do with kernel arguments is kept."""

OWN = (
    "/etc/default/grub.d/zz-gpucloud.cfg",
    "/etc/modprobe.d/gpucloud.conf",
    "/etc/modules-load.d/gpucloud.conf",
    "/etc/initramfs-tools/hooks/gpucloud",
    "/etc/initramfs-tools/scripts/init-top/00gpucloud",
    "/etc/dracut.conf.d/90-gpucloud.conf",
    "/usr/lib/dracut/modules.d/90gpucloud/module-setup.sh",
    "/usr/lib/dracut/modules.d/90gpucloud/run-claim.sh",
    "/usr/lib/dracut/modules.d/90gpucloud/claim",
    "/etc/systemd/system/gpucloud-boot.service",
)
"""Files that gpucloud writes itself: whether they are there, and as they would be written now."""
UNIT_LINK = "/etc/systemd/system/multi-user.target.wants/gpucloud-boot.service"

AT_TIMES = ": && "
"""In a capture, before an assignment that is made only at times, or in a way that is not read."""
_SETTING = re.compile(
    rf"\s*((?:{AT_TIMES}|export\s+)?GRUB_CMDLINE_LINUX(?:_DEFAULT)?\+?=|options[ \t]+|kernelopts=)(.*)"
)
_KERNEL = re.compile(
    r"^[ \t]*(?:linux[ \t]+(?!\S*(?i:memtest))|initrd[ \t]|efi[ \t]+\S*/(?:vmlinuz|bzImage))", re.MULTILINE
)
_PROGRAM = re.compile(r"^[ \t]*(?:linux|efi)[ \t]", re.MULTILINE)
"""What an entry starts; a capture keeps neither."""
REFERENCE = re.compile(r"\$\{?(?:GRUB_CMDLINE_LINUX(?:_DEFAULT)?|kernelopts|tuned_params)\}?")
"""A word that stands for the arguments of another place."""


def split_setting(line: str) -> tuple[str, str] | None:
    """What comes before the arguments on a line, and the arguments; None for a line without any."""
    match = _SETTING.fullmatch(line)
    return (match[1], match[2]) if match is not None else None


def settings_only(text: str) -> str:
    """The lines of a boot entry, or of GRUB's environment, that hold kernel arguments."""
    return "\n".join(line for line in text.split("\n") if split_setting(line) is not None)


def starts_linux(path: str, entry: str) -> bool:
    """Claims a boot entry that starts Linux, and not its rescue system, memtest or the firmware's shell."""
    is_other = _PROGRAM.search(entry) is not None and _KERNEL.search(entry) is None
    return not is_other and "rescue" not in path.rpartition("/")[2]
