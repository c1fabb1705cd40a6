"""The one list of what is read of a host. What is not on it leaves no host and stands in no capture.

A pattern is an absolute path whose components may hold ``*`` and ``[...]`` as in a POSIX shell, or be
``@release``, the running kernel's release. The collectors expand it in Python and in ``sh`` alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from gpucloud.inventory.collect.envoy import HEADS
from gpucloud.inventory.system.boot import KERNEL_CMDLINE, OWN, SETTINGS, UNIT_LINK
from gpucloud.inventory.system.by_hand import CAPTURED, CAPTURED_LINKS
from gpucloud.inventory.system.configuration import CONFIGURATION
from gpucloud.inventory.system.distribution import SIGNS

KVM_ANSWER = "/gpucloud/kvm"
"""Not a file of any host: what the kernel said when asked for a virtual machine; empty: it made one."""
COMMANDS = "/proc/[0-9]*/cmdline"
"""Of holders only, and only the name of the guest where it is QEMU: one that is missing is no QEMU."""
MANIFEST = "/gpucloud/manifest.json"
PACKED = "/gpucloud/host.json"
"""All of a host's files in one (``packed``)."""
HOST_NAME = "/proc/sys/kernel/hostname"
"""Collected to be looked for in everything else; it stands in no capture."""


class Kind(StrEnum):
    """What is taken of the paths that match."""

    FILE = "file"
    """The text of a short file."""
    BEGINNING = "beginning"
    """The text with which a file of ``envoy.HEADS`` begins."""
    LONG = "long"
    """The text of a file with thousands of lines; NUL bytes between records become newlines."""
    BYTES = "bytes"
    """The bytes of a binary file."""
    LINK = "link"
    """The target of a symbolic link."""
    NAME = "name"
    """That it is there, and whether it is a folder."""
    OPEN = "open"
    """Processes that have a device of a PCI function open, told by its number, or a path that begins so:
    their names, and the guest that QEMU runs."""


class Rule(NamedTuple):
    """Take this of the paths that match this pattern."""

    kind: Kind
    pattern: str

    @property
    def folder(self) -> str:
        """The pattern of the folders in which this rule looks."""
        return self.pattern.rpartition("/")[0]


_PCI = "/sys/bus/pci/devices/*/"
_ATTRIBUTES = (
    "class vendor device subsystem_vendor subsystem_device revision modalias resource numa_node"
    " driver_override reset_method power_state d3cold_allowed current_link_speed current_link_width"
    " max_link_speed max_link_width sriov_totalvfs sriov_numvfs boot_vga secondary_bus_number"
    " resource[0-5]_resize mdev_supported_types/*/name mdev_supported_types/*/available_instances"
    " mdev_supported_types/*/description nvidia/creatable_vgpu_types nvidia/current_vgpu_type"
)
_MDEVS = "[0-9a-fu]*-*"
"""Folders of mediated devices, named by UUIDs, or ``uuid-1`` in a capture; not those of I2C buses."""
_PCI_LINKS = (
    f"driver iommu_group physfn virtfn* consumer:* supplier:* {_MDEVS}/mdev_type {_MDEVS}/iommu_group"
)
_PARENTS = "/sys/class/mdev_bus/*"
_PARENT_LINKS = f"{_PARENTS} {_PARENTS}/{_MDEVS}/mdev_type {_PARENTS}/{_MDEVS}/iommu_group"
_PARENT_FILES = " ".join(
    f"{_PARENTS}/mdev_supported_types/*/{name}" for name in ("name", "available_instances", "description")
)
_FILES = (
    f"/proc/sys/kernel/osrelease {HOST_NAME} /proc/cmdline /proc/iomem"
    " /proc/self/mountinfo /proc/mounts"
    " /proc/net/route /proc/net/ipv6_route /proc/net/fib_trie /proc/driver/nvidia/gpus/*/information"
    " /sys/kernel/iommu_groups/*/type /sys/kernel/iommu_groups/*/name /sys/kernel/security/lockdown"
    " /etc/os-release /usr/lib/os-release"
    " /sys/class/vtconsole/vtcon*/name /sys/class/vtconsole/vtcon*/bind"
    " /sys/class/block/*/dm/uuid /sys/dev/char/*/uevent /sys/dev/block/*/uevent"
)
_BOOT = tuple(dict.fromkeys((*SETTINGS, KERNEL_CMDLINE, *OWN)))
_LONG_FILES = (
    "/lib/modules/@release/modules.dep /lib/modules/@release/modules.alias"
    " /lib/modules/@release/modules.builtin /lib/modules/@release/modules.builtin.modinfo"
)
_LINKS = (
    "/sys/bus/pci/devices/* /sys/class/net/* /sys/class/block/* /sys/dev/block/* /sys/dev/char/*"
    " /sys/class/nvme/*"
)
_NAMES = (
    "/sys/kernel/iommu_groups/*/devices/* /sys/module/* /sys/class/iommu/* /sys/firmware/acpi"
    " /sys/firmware/acpi/tables/DMAR /sys/firmware/acpi/tables/IVRS /sys/firmware/efi/efivars"
    " /sys/kernel/security/* /sys/class/net/*/lower_* /sys/class/net/*/brif/* /sys/class/block/*/slaves/*"
    " /sys/class/nvme-subsystem/*/nvme* /sys/fs/btrfs/*/devices/* /dev/kvm"
    " /proc/driver/nvidia/capabilities/gpu*/mig/gi*/ci*"
)
_VIRTIO_LINKS = "/sys/bus/virtio/drivers/9pnet_virtio/virtio* /sys/bus/virtio/drivers/virtiofs/virtio*"
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
DEVICE_NODES = (
    *("/dev/dri/", "/dev/nvidia", "/dev/vfio/", "/dev/fb", "/dev/snd/", "/dev/i2c-"),
    *("/dev/char/", "/dev/block/"),
)
"""Names of nodes that are known where numbers are not, and how captures have numbers."""


def _of_functions(names: str) -> tuple[str, ...]:
    return tuple(_PCI + name for name in names.split())


_TAKEN: tuple[tuple[Kind, Iterable[str]], ...] = (
    (Kind.LINK, f"{_LINKS} {_VIRTIO_LINKS}".split()),
    (Kind.LINK, CAPTURED_LINKS),
    (Kind.LINK, _PARENT_LINKS.split()),
    (Kind.LINK, _of_functions(_PCI_LINKS)),
    (Kind.FILE, _FILES.split()),
    (Kind.FILE, _PARENT_FILES.split()),
    (Kind.FILE, _of_functions(_ATTRIBUTES)),
    (Kind.FILE, (*CONFIGURATION, *_BOOT, *CAPTURED)),
    (Kind.BEGINNING, HEADS),
    (Kind.LONG, _LONG_FILES.split()),
    (Kind.BYTES, (SECURE_BOOT,)),
    (Kind.NAME, (*_NAMES.split(), UNIT_LINK, *(sign for sign in SIGNS if sign not in _BOOT))),
    (Kind.OPEN, DEVICE_NODES),
)
RULES: tuple[Rule, ...] = tuple(Rule(kind, pattern) for kind, patterns in _TAKEN for pattern in patterns)
"""Links to folders come first: what lies behind them is stored where they lead."""


_ALWAYS_PATHS = (
    "/proc/cmdline /proc/cpuinfo /proc/interrupts /proc/iomem /proc/net/route /proc/net/fib_trie"
    " /proc/self/mountinfo /proc/sys/kernel/osrelease /sys/bus/pci/devices /sys/class/iommu"
    " /sys/kernel/iommu_groups /sys/module /sys/firmware /sys/kernel/security /dev /etc/os-release"
)
_ALWAYS_ATTRIBUTE_NAMES = (
    "class vendor device subsystem_vendor subsystem_device revision modalias resource numa_node"
    " driver_override"
)
_ALWAYS = frozenset(_ALWAYS_PATHS.split())
_ALWAYS_ATTRIBUTES = frozenset(_ALWAYS_ATTRIBUTE_NAMES.split())


def is_always_there(path: str) -> bool:
    """Claims that every Linux host has this path, so that a capture without it lacks it.

    Attributes: drivers/pci/pci-sysfs.c, ``pci_dev_attrs`` (``numa_node`` in kernels with NUMA, which
    all distributions build; ``driver_override`` since 3.16).
    """
    if path.startswith("/sys/bus/pci/devices/") and path.count("/") == 6:
        return path.rpartition("/")[2] in _ALWAYS_ATTRIBUTES
    return path in _ALWAYS
