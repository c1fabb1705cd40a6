"""How each distribution changes boot arguments and boot images: rows of a table, no other place knows.

Sources: grub-mkconfig(8), grubby(8), kernelstub(8), proxmox-boot-tool, kernel-install(8),
update-initramfs(8), dracut(8), mkinitcpio(8).
"""

from __future__ import annotations

from gpucloud.model.finding import Fix
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Distribution
from gpucloud.model.packages import PACKAGES, install_command
from gpucloud.model.unknown import Unknown

REBOOT = "one reboot of the host; its guests stop for that time"

_INITRAMFS = {
    "initramfs-tools": "update-initramfs -u -k all",
    "dracut": "dracut -f --regenerate-all",
    "mkinitcpio": "mkinitcpio -P",
}
_FAMILY_TOOLS = {
    "debian": "initramfs-tools",
    "rhel": "dracut",
    "suse": "dracut",
    "arch": "mkinitcpio",
}
_GRUB = {
    "debian": "update-grub",
    "rhel": "grub2-mkconfig -o /boot/grub2/grub.cfg",
    "suse": "grub2-mkconfig -o /boot/grub2/grub.cfg",
    "arch": "grub-mkconfig -o /boot/grub/grub.cfg",
}
_ANY_GRUB = "update-grub  # or: grub-mkconfig -o /boot/grub/grub.cfg"


def set_boot_arguments(distribution: Distribution, *arguments: str) -> tuple[str, ...]:
    """Commands that add kernel arguments the way this distribution boots; the usual ones where unknown."""
    words = " ".join(arguments)
    loaders = distribution.boot_loaders
    if not isinstance(loaders, Unknown):
        if "kernelstub" in loaders:
            return (f'kernelstub --add-options "{words}"',)
        if "proxmox-boot-tool" in loaders:
            return _by_proxmox(loaders, "append to", words)
        if "bls" in loaders and _family(distribution) in ("rhel", None):  # grubby is Red Hat's
            return (f'grubby --update-kernel=ALL --args="{words}"',)
        if "systemd-boot" in loaders and "grub" not in loaders:
            return (f"# append to the line in /etc/kernel/cmdline: {words}", "kernel-install add-all")
    if _family(distribution) == "rhel":
        return (f'grubby --update-kernel=ALL --args="{words}"',)
    grub = _GRUB.get(_family(distribution) or "", _ANY_GRUB)
    return (f"# in /etc/default/grub, append to GRUB_CMDLINE_LINUX: {words}", grub)


def _by_proxmox(loaders: tuple[str, ...], verb: str, words: str) -> tuple[str, ...]:
    """systemd-boot reads one place and GRUB the other; the firmware's way to start decides which counts."""
    line = f"# {verb} the line in /etc/kernel/cmdline: {words}"
    if "grub" not in loaders:
        return (line, "proxmox-boot-tool refresh")
    return (
        line,
        f"# in /etc/default/grub, {verb} GRUB_CMDLINE_LINUX: {words}",
        "update-grub",
        "proxmox-boot-tool refresh",
    )


def remove_boot_arguments(distribution: Distribution, *arguments: str) -> tuple[str, ...]:
    """Commands that take kernel arguments away the way this distribution boots, where they are given."""
    words = " ".join(arguments)
    loaders = distribution.boot_loaders
    if not isinstance(loaders, Unknown) and "kernelstub" in loaders:
        return (f'kernelstub --delete-options "{words}"',)
    if not isinstance(loaders, Unknown) and "proxmox-boot-tool" in loaders:
        return _by_proxmox(loaders, "remove from", words)
    family = _family(distribution)
    has_entries = not isinstance(loaders, Unknown) and "bls" in loaders and family in ("rhel", None)
    if has_entries or family == "rhel":
        return (f'grubby --update-kernel=ALL --remove-args="{words}"',)
    if not isinstance(loaders, Unknown) and "systemd-boot" in loaders and "grub" not in loaders:
        return (f"# remove from the line in /etc/kernel/cmdline: {words}", "kernel-install add-all")
    grub = _GRUB.get(family or "", _ANY_GRUB)
    return (f"# in /etc/default/grub, remove from GRUB_CMDLINE_LINUX: {words}", grub)


def install(distribution: Distribution, what: str) -> tuple[str, ...]:
    """The command that installs a part of the running kernel; those of all families where none is known.

    Args:
        distribution: the system.
        what: ``kernel-headers`` or ``kernel-modules``.
    """
    known = PACKAGES[what]
    for name in (distribution.id, distribution.family):
        if isinstance(name, str) and name in known:
            return (install_command(name, what),)
    return tuple(f"{install_command(name, what)}  # {name}" for name in known)


def restart_nova(distribution: Distribution, *, is_kolla: bool) -> tuple[str, ...]:
    """Commands that make nova's services read their configuration again."""
    if is_kolla:
        return ("kolla-ansible reconfigure --tags nova",)
    if _family(distribution) in ("rhel", "suse"):
        return (
            "systemctl restart openstack-nova-api openstack-nova-scheduler openstack-nova-conductor",
            "systemctl restart openstack-nova-compute  # on the hosts with GPUs",
        )
    return (
        "systemctl restart nova-api nova-scheduler nova-conductor",
        "systemctl restart nova-compute  # on the hosts with GPUs",
    )


def rebuild_initramfs(distribution: Distribution) -> tuple[str, ...]:
    """The command that writes the boot image again; all usual ones where the tool is unknown."""
    tools = distribution.initramfs_tools
    if not isinstance(tools, Unknown):
        known = tuple(_INITRAMFS[tool] for tool in tools if tool in _INITRAMFS)
        if known:
            return known[:1]
    tool = _FAMILY_TOOLS.get(_family(distribution) or "")
    if tool is not None:
        return (_INITRAMFS[tool],)
    return ("update-initramfs -u -k all  # dracut: dracut -f; mkinitcpio: mkinitcpio -P",)


def give_away(*units: GpuUnit) -> Fix:
    """What ``gpucloud`` itself can do: move whole units to vfio-pci, without a reboot."""
    asked = " ".join(f"--unit {unit.address.short}" for unit in units)
    return Fix(
        "Give every function of the card to vfio-pci, by address and without a reboot; undo gives it back.",
        (f"gpucloud plan {asked}", f"gpucloud apply {asked}"),
        "the host loses the card until `gpucloud undo`; no reboot",
    )


def _family(distribution: Distribution) -> str | None:
    return distribution.family if isinstance(distribution.family, str) else None
