"""Files in which people set a host up by hand for guests, beside those that decide how it starts."""

from __future__ import annotations

import re

DRIVERCTL = "/etc/driverctl.d"
"""driverctl(8): one file for each device, named after its bus and address, which holds a driver's name."""
UDEV_RULES = "/etc/udev/rules.d"
UNITS = "/etc/systemd/system"
PACKAGED_UNITS = "/usr/lib/systemd/system"
RC_LOCAL = ("/etc/rc.local", "/etc/rc.d/rc.local", "/etc/init.d/boot.local", "/etc/init.d/after.local")
"""Run at the end of a start; the first is a link to the second in Red Hat's family, the last are SUSE's."""
MISNAMED = ("/etc/default/grab", "/etc/default/gurb", "/etc/default/grup", "/etc/module")
"""Where guides write by mistake what nothing reads there."""
SCRIPT_FILES = ("/usr/sbin/vfio-pci-override.sh", "/usr/sbin/vfio-pci-override-vga.sh")
"""Where the Arch wiki's and the guides' script lies, in a folder with thousands."""

SCRIPTS = (
    ("/usr/local/bin", "*vfio*"),
    ("/usr/local/bin", "*passthrough*"),
    ("/usr/local/sbin", "*vfio*"),
    ("/usr/local/sbin", "*passthrough*"),
)
IN_INITRAMFS = (
    ("/etc/initramfs-tools/scripts/init-top", "*"),
    ("/etc/initramfs-tools/scripts/init-premount", "*"),
    ("/etc/initramfs-tools/hooks", "*"),
    ("/usr/share/initramfs-tools/hooks", "*vfio*"),
)
PATTERNS = (
    ("/etc/modprobe.d", "*"),
    ("/etc/modules-load.d", "*.conf"),
    ("/etc/dracut.conf.d", "*.conf"),
    (DRIVERCTL, "*"),
    (UDEV_RULES, "*.rules"),
    (UNITS, "*.service"),
    *SCRIPTS,
    *IN_INITRAMFS,
)
"""Folders and the names in them that are looked at."""
MODULE_LISTS = ("/etc/modules", "/etc/initramfs-tools/modules")
FILES = (*RC_LOCAL, *MISNAMED, *SCRIPT_FILES, *MODULE_LISTS, "/etc/dracut.conf", "/etc/mkinitcpio.conf")
WANTS = tuple(
    f"{UNITS}/{name}.wants"
    for name in (
        "multi-user.target",
        "graphical.target",
        "sysinit.target",
        "basic.target",
        "default.target",
        "libvirtd.service",
    )
)
"""Folders of links that enable units."""

_SIGNS = re.compile(
    r"vfio|pci.stub|driver_override|new_id|sriov_numvfs|drivers_probe|/bind\b|/unbind\b|driverctl",
    re.IGNORECASE,
)


def has_sign(text: str) -> bool:
    """Claims that a file may set devices up for guests."""
    return _SIGNS.search(text) is not None


CAPTURED = (
    *RC_LOCAL,
    *MISNAMED,
    *SCRIPT_FILES,
    f"{DRIVERCTL}/*",
    f"{UDEV_RULES}/*.rules",
    f"{UNITS}/*.service",
    *(f"{folder}/{name}" for folder, name in (*SCRIPTS, *IN_INITRAMFS)),
)
"""Patterns of files of which a capture keeps those that have a sign, and of these the lines that tell."""
CAPTURED_LINKS = tuple(f"{folder}/*.service" for folder in WANTS)
