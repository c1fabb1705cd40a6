"""What to type to install something: each family of distributions names and packs it its own way.

One table for all that advises. Families are those of ``Distribution.family``.
"""

from __future__ import annotations

_INSTALL = {
    "ubuntu": "apt-get install",
    "debian": "apt-get install",
    "rhel": "dnf install",
    "suse": "zypper install",
    "arch": "pacman -S",
}
"""Ubuntu stands beside its family where it packs something otherwise."""

PACKAGES: dict[str, dict[str, str]] = {
    "busybox": {"debian": "busybox-static", "suse": "busybox-static"},
    "kernel": {
        "debian": "linux-image-amd64",
        "rhel": "kernel-core",
        "suse": "kernel-default",
        "arch": "linux",
    },
    "kernel-headers": {
        "debian": "linux-headers-$(uname -r)",
        "rhel": "kernel-devel-$(uname -r)",
        "suse": "kernel-default-devel",
        "arch": "linux-headers",
    },
    "kernel-modules": {
        "ubuntu": "linux-modules-extra-$(uname -r)",
        "debian": "linux-image-amd64",
        "rhel": "kernel-modules-$(uname -r) kernel-modules-extra-$(uname -r)",
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
    "libvirt-headers": {
        "debian": "libvirt-dev",
        "rhel": "libvirt-devel",
        "suse": "libvirt-devel",
        "arch": "libvirt",
    },
    "python3-libvirt": {"suse": "python3-libvirt-python", "arch": "libvirt-python"},
    "virsh": {
        "debian": "libvirt-clients",
        "rhel": "libvirt-client",
        "suse": "libvirt-client",
        "arch": "libvirt",
    },
    "e2fsck": dict.fromkeys(_INSTALL, "e2fsprogs"),
    "resize2fs": dict.fromkeys(_INSTALL, "e2fsprogs"),
    "debugfs": dict.fromkeys(_INSTALL, "e2fsprogs"),
    "systemctl": dict.fromkeys(_INSTALL, "systemd"),
    "systemd-run": dict.fromkeys(_INSTALL, "systemd"),
}
"""Package by family where it is not named as the program or part is."""


def install_command(family: str, *wanted: str) -> str:
    """The command that brings programs or parts of the system; ``install ...`` where the family has none."""
    packages = " ".join(PACKAGES.get(each, {}).get(family, each) for each in wanted)
    return f"{_INSTALL.get(family, 'install')} {packages}"
