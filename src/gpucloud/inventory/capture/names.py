"""Names of hosts and processes that are everybody's, and tell of no host.

A host may be named by a word that stands in paths and facts of every host (``boot``, ``local``,
``debian``): replacing it would break the facts, and it tells nothing.
"""

from __future__ import annotations

import re

from gpucloud.inventory.capture.allowlist import RULES
from gpucloud.inventory.capture.safe import is_safe_word

_DOMAINS = "local localdomain lan home internal intranet corp private arpa test example invalid com net org"
_HOSTS = (
    "localhost host server node gpu guest linux pve proxmox kvm qemu libvirt hypervisor compute controller"
    " debian ubuntu fedora centos rhel rocky almalinux arch opensuse suse sles gentoo alpine nixos"
)
_KERNEL = (
    "generic lts amd64 x86_64 cloud rt hwe oem lowlatency azure aws gcp oracle el8 el9 el10 default zen"
    " kernel extra updates drivers gpu drm dma fq identity direct blocked flr pm bus acpi device_specific"
    " pcie gt s unknown reserved efi efifb vesafb bootfb simplefb intel amd hygon genuineintel"
    " authenticamd vmx svm flags none ext4 xfs btrfs zfs overlay tmpfs nfs nfs4 nvme iommu guest pt"
    " denied permission"
)
_PLACEHOLDERS = "host uuid mac ip id if redacted process entry conf"
_WORD = re.compile(r"[0-9a-z_]+", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,5}|[0-9a-f]{2}", re.ASCII)
_EVERYBODYS = frozenset(
    [
        *f"{_DOMAINS} {_HOSTS} {_KERNEL} {_PLACEHOLDERS}".split(),
        *(word for rule in RULES for word in _WORD.findall(rule.pattern.lower())),
        *(part for rule in RULES for part in rule.pattern.lower().split("/")),
    ]
)
_PROCESS = re.compile(
    r"(?:qemu|nvidia-|systemd|virt|gnome-|kwin|plasma|containerd|docker)[a-z0-9_.-]*|Xorg|X|Xwayland|kubelet"
    r"|python3?|cloud-hyperviso|libvirtd|dcgm-exporter|nv-hostengine|nvsm_core|sddm|gdm3?|lightdm|weston"
    r"|sway|pipewire|wireplumber|pulseaudio|ollama|cat|bash|sh|sleep|rocm-smi|amd-smi|kvm",
    re.ASCII,
)


def tells_of_host(name: str) -> bool:
    """Claims a name, or a domain, that is looked for in a capture: no everybody's word and no number."""
    low = name.lower()
    if len(low) < 2 or low in _EVERYBODYS or _NUMBER.fullmatch(low):
        return False
    return not is_safe_word(low)


def is_known_process(name: str) -> bool:
    """Claims the name of a program that many hosts run; others may be named for what a host does."""
    return _PROCESS.fullmatch(name) is not None
