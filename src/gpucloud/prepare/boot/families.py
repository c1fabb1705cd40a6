"""Which loader a host starts with and which tool makes its initramfs: a row for each way of each family.

Sources: Debian's and Ubuntu's update-grub(8); Red Hat's "Managing kernel command-line parameters" (entries
from 8 on, grub.cfg before); SUSE's Administration Guide, "The boot loader GRUB 2"; systemd's
kernel-install(8); kernelstub(8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpucloud.model.host import Distribution, Host
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.loaders import (
    BootEntries,
    GrubDropIn,
    GrubFile,
    KernelInstall,
    Kernelstub,
    Loader,
    ProxmoxBoot,
)
from gpucloud.prepare.boot.own.initramfs import DRACUT, INITRAMFS_TOOLS, Initramfs
from gpucloud.prepare.boot.paths import GRUB_FOLDERS

_GRUB, _GRUB2 = GRUB_FOLDERS
_MAKE_GRUB2 = (("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),)
_MAKE_GRUB2_EFI = (("grub2-mkconfig", "-o", "/etc/grub2-efi.cfg"),)
"""A link to the file in the EFI system partition, whose folder is named after the distribution."""
_LINUX = "GRUB_CMDLINE_LINUX"


@dataclass(frozen=True, slots=True)
class Row:
    """The loader of hosts of a family that have these signs; the first row that fits is taken."""

    family: str
    sign: str
    """As in ``Distribution.boot_loaders``."""
    loader: Loader
    fits: Callable[[Host], bool] = lambda _: True
    note: str = ""
    """What ``fits`` asks for, in words."""
    grub: str | None = None
    """Where GRUB has its menu and environment, if it is GRUB that can be told to take the old start again."""


def _is_before_8(host: Host) -> bool:
    """Claims GRUB without boot entries: younger systems that count otherwise have numbers below 8, too."""
    if not _has_no_entries(host):
        return False
    version = host.distribution.version
    major = version.partition(".")[0] if isinstance(version, str) else ""
    return host.distribution.id != "fedora" and major.isdigit() and int(major) < 8


def _is_bios_before_8(host: Host) -> bool:
    return _is_before_8(host) and host.security.is_secure_boot is None


def _is_uefi_before_8(host: Host) -> bool:
    return _is_before_8(host) and isinstance(host.security.is_secure_boot, bool)


def _is_started_by_grub(host: Host) -> bool:
    """GRUB may be left installed where systemd-boot starts the host; only GRUB says ``BOOT_IMAGE=``."""
    signs, arguments = host.distribution.boot_loaders, host.kernel.arguments
    if isinstance(signs, Unknown) or isinstance(arguments, Unknown) or not arguments:
        return True
    return "systemd-boot" not in signs or any(word.startswith("BOOT_IMAGE=") for word in arguments)


def _has_initramfs_tools(host: Host) -> bool:
    tools = host.distribution.initramfs_tools
    return isinstance(tools, tuple) and INITRAMFS_TOOLS.name in tools


def _has_no_entries(host: Host) -> bool:
    signs = host.distribution.boot_loaders
    return isinstance(signs, tuple) and not {"bls", "systemd-boot"} & {*signs}


ROWS = (
    Row("debian", "kernelstub", Kernelstub()),
    Row("debian", "proxmox-boot-tool", ProxmoxBoot()),
    Row("debian", "grub", GrubDropIn(), _is_started_by_grub, grub=_GRUB),
    Row("debian", "systemd-boot", KernelInstall(), _has_initramfs_tools, ", initramfs-tools"),
    Row("rhel", "grub", GrubFile(_MAKE_GRUB2, _LINUX), _is_bios_before_8, ", before 8, BIOS", _GRUB2),
    Row("rhel", "grub", GrubFile(_MAKE_GRUB2_EFI, _LINUX), _is_uefi_before_8, ", before 8, UEFI"),
    Row("rhel", "bls", BootEntries(has_grub=True), grub=_GRUB2),
    Row("suse", "grub", GrubFile(_MAKE_GRUB2), _has_no_entries, grub=_GRUB2),
)
"""SUSE's hosts with boot entries are in no row: sdbootutil writes these, and keeps the initramfs that they
name in the EFI system partition; one that dracut makes is not started there."""
TOOLS = {
    "debian": (INITRAMFS_TOOLS, DRACUT),
    "rhel": (DRACUT,),
    "suse": (DRACUT,),
}
"""Tools for the initramfs by family, the usual one first."""


def row_of(host: Host) -> Row | Unknown:
    """How the host starts; Unknown where the family or its way to start is none that is known here."""
    family, signs = host.distribution.family, host.distribution.boot_loaders
    if isinstance(family, Unknown):
        return family
    if isinstance(signs, Unknown):
        return signs
    rows = [row for row in ROWS if row.family == family]
    if not rows:
        known = ", ".join(dict.fromkeys(row.family for row in ROWS))
        return Unknown(f"{family} is not known here (known are: {known})")
    for row in rows:
        if row.sign in signs and row.fits(host):
            return row
    return Unknown(f"{family} with {', '.join(signs) or 'no boot loader'} is not known here")


def loader_of(host: Host) -> Loader | Unknown:
    """Where the host's kernel arguments are kept; Unknown as of ``row_of``."""
    row = row_of(host)
    return row if isinstance(row, Unknown) else row.loader


def initramfs_of(distribution: Distribution) -> Initramfs | Unknown:
    """The tool; Unknown where none that is known here is installed."""
    family, installed = distribution.family, distribution.initramfs_tools
    if isinstance(family, Unknown):
        return family
    if isinstance(installed, Unknown):
        return installed
    for tool in TOOLS.get(family, ()):
        if tool.name in installed:
            return tool
    return Unknown(f"{family} with {', '.join(installed) or 'no tool for the initramfs'} is not known here")
