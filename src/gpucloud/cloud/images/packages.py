"""Drivers and compilers that CUDA needs, as cloud-init takes them: packages by distribution. Pure.

Sources: NVIDIA Driver Installation Guide and CUDA Installation Guide for Linux (kernel headers; NVIDIA's own
repository, whose file brings its key, and in it ``cuda-drivers``; EPEL for dkms); Ubuntu Server
documentation, "NVIDIA drivers installation" (``ubuntu-drivers install --gpgpu``); Debian wiki,
NvidiaGraphicsDrivers (contrib and non-free; the ordinary kernel, for the cloud's has no DRM), and
linux-check-removal(1) of linux-base; cloud-init, modules ``apt``, ``packages``, ``runcmd`` (which runs after
the packages) and ``power_state``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

_NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos"
_BUILD = ["gcc", "make", "perl"]
"""NVIDIA's installers and many samples call these; small cloud images have none of them."""

_UBUNTU_UTILS = (
    "branch=$(dpkg-query -W -f '${Package}\\n' 'nvidia-headless-no-dkms-*' |"
    " sed -n 's/^nvidia-headless-no-dkms-\\([0-9]*\\(-server\\)\\{0,1\\}\\).*/\\1/p' | tail -n 1);"
    ' [ -z "$branch" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y "nvidia-utils-$branch"'
)
"""``--gpgpu`` brings no nvidia-smi: that of the same branch is asked for by name (Ubuntu's documentation)."""


def distro_of(os_release: Mapping[str, str]) -> str | None:
    """The name that `render_user_data` knows; None where it knows none.

    By ``ID`` alone: what is only like these (Fedora, Amazon Linux, Tumbleweed) has other repositories.
    """
    return _DISTRO_OF.get(os_release.get("ID", ""))


def render_user_data(distro: str, version: str | None) -> str:
    """A cloud-config that brings the driver and what builds it; the guest fetches it at its first start.

    Args:
        distro: one of ``DISTROS``.
        version: as os-release has it; None where it is not known.
    """
    config = _CONFIGS[distro](version)
    return "#cloud-config\n" + json.dumps({"package_update": True, **config}, indent=1) + "\n"


def _ubuntu(version: str | None) -> dict[str, object]:
    """The driver that Ubuntu has for servers, signed and built for its kernels.

    Its modules are for the newest kernel, which the image may not have started with.
    """
    del version
    return {
        "packages": ["build-essential", "perl", "ubuntu-drivers-common"],
        "runcmd": [["ubuntu-drivers", "install", "--gpgpu"], ["sh", "-c", _UBUNTU_UTILS]],
        "power_state": {
            "mode": "reboot",
            "message": "into the kernel that the driver is built for",
            "condition": ["sh", "-c", "! modprobe nvidia"],
        },
    }


def _debian(version: str | None) -> dict[str, object]:
    """GRUB starts the kernel that sorts last, which of one version is the cloud's: it has to go."""
    del version
    more = "deb $MIRROR $RELEASE contrib non-free non-free-firmware"
    return {
        "apt": {"sources": {"gpucloud-non-free.list": {"source": more}}},
        "packages": [
            *("build-essential", "perl", "linux-image-amd64", "linux-headers-amd64"),
            *("nvidia-driver", "firmware-misc-nonfree"),
        ],
        "runcmd": [
            ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "purge", "^linux-image-.*cloud-amd64$"]
        ],
        "power_state": {"mode": "reboot", "message": "into the kernel that has DRM"},
    }


def _rhel(version: str | None) -> dict[str, object]:
    major = _major(version, "9")
    epel = f"https://dl.fedoraproject.org/pub/epel/epel-release-latest-{major}.noarch.rpm"
    headers = "kernel-devel" if major == "8" else "kernel-devel-matched"
    return {
        "packages": [*_BUILD, headers, "kernel-headers", "dnf-plugins-core"],
        "runcmd": [
            ["dnf", "-y", "install", epel],
            ["dnf", "config-manager", "--add-repo", f"{_NVIDIA}/rhel{major}/x86_64/cuda-rhel{major}.repo"],
            ["dnf", "-y", "install", "cuda-drivers"],
        ],
    }


def _suse(version: str | None) -> dict[str, object]:
    major = _major(version, "15")
    return {
        "packages": [*_BUILD, "kernel-default-devel"],
        "runcmd": [
            ["zypper", "addrepo", f"{_NVIDIA}/sles{major}/x86_64/cuda-sles{major}.repo"],
            ["zypper", "--gpg-auto-import-keys", "--non-interactive", "install", "cuda-drivers"],
        ],
    }


def _major(version: str | None, default: str) -> str:
    major = (version or "").partition(".")[0]
    return major if major.isascii() and major.isdigit() else default


_DISTRO_OF = {
    "ubuntu": "ubuntu",
    "debian": "debian",
    **dict.fromkeys(("rhel", "centos", "rocky", "almalinux", "ol"), "rhel"),
    **dict.fromkeys(("sles", "sles_sap", "opensuse-leap"), "suse"),
}
_CONFIGS = {"ubuntu": _ubuntu, "debian": _debian, "rhel": _rhel, "suse": _suse}
DISTROS = tuple(_CONFIGS)
