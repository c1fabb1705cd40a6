"""What to type to install what guests need: each distribution family names and packs it its own way."""

from __future__ import annotations

from pathlib import Path

from gpucloud.inventory.system.distribution import family_of, parse_os_release

_OS_RELEASE = Path("/etc/os-release")
_MOST_CHARS = 1 << 16
_INSTALL = {"debian": "apt install", "rhel": "dnf install", "suse": "zypper install", "arch": "pacman -S"}
_PACKAGES: dict[str, dict[str, str]] = {
    "busybox": {"debian": "busybox-static", "suse": "busybox-static"},
    "kernel": {
        "debian": "linux-image-amd64",
        "rhel": "kernel-core",
        "suse": "kernel-default",
        "arch": "linux",
    },
    "ovmf": {"rhel": "edk2-ovmf", "suse": "qemu-ovmf-x86_64", "arch": "edk2-ovmf"},
    "qemu-img": {"debian": "qemu-utils"},
    "qemu-system-x86_64": {
        "debian": "qemu-system-x86",
        "rhel": "qemu-kvm",
        "suse": "qemu-x86",
        "arch": "qemu-system-x86",
    },
    "libvirt": {
        "debian": "libvirt-daemon-system",
        "rhel": "libvirt-daemon-kvm",
        "suse": "libvirt-daemon-qemu",
    },
    "python3-libvirt": {"suse": "python3-libvirt-python", "arch": "libvirt-python"},
    "virsh": {
        "debian": "libvirt-clients",
        "rhel": "libvirt-client",
        "suse": "libvirt-client",
        "arch": "libvirt",
    },
    "systemctl": dict.fromkeys(_INSTALL, "systemd"),
    "systemd-run": dict.fromkeys(_INSTALL, "systemd"),
}
"""Package by family where it is not named as the program is."""

LOOK_AT_LIBVIRT = "see journalctl -u libvirtd -u virtqemud"
"""The one daemon and the one for QEMU: which of them runs differs, and the other has no entries."""


def install_line(*wanted: str, family: str | None = None) -> str:
    """The command that brings programs.

    Args:
        wanted: names of programs, or ``kernel``, ``ovmf``, ``libvirt``, ``python3-libvirt``.
        family: of the distribution, as `family_of` names it; this machine's own if left out.
    """
    family = read_family() if family is None else family
    packages = " ".join(_PACKAGES.get(each, {}).get(family, each) for each in wanted)
    return f"{_INSTALL.get(family, 'install')} {packages}"


def start_line(family: str | None = None) -> str:
    """The command that starts libvirt: the RHEL family runs a daemon for each hypervisor since 9."""
    family = read_family() if family is None else family
    return f"systemctl start {'virtqemud.socket' if family == 'rhel' else 'libvirtd'}"


def read_family(path: Path = _OS_RELEASE) -> str:
    """The family of this machine's distribution; ``linux`` where it does not say."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return family_of(parse_os_release(file.read(_MOST_CHARS)))
    except OSError:
        return "linux"
