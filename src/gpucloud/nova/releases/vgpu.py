"""Slices of GPUs over mdev: options and what the driver makes of them."""

from __future__ import annotations

from gpucloud.nova.releases.fact import fact
from gpucloud.nova.releases.options import OptionName

_VGPU_TYPES = OptionName("devices", "enabled_vgpu_types")

MDEV_TYPES = fact(
    "types that a host offers",
    None,
    ("17.0.0", _VGPU_TYPES),
    ("24.0.0", OptionName("devices", "enabled_mdev_types")),
    source="nova/conf/devices.py",
)
MDEV_TYPES_OLD = fact(
    "old names of it that are read as well", (), ("24.0.0", (_VGPU_TYPES,)), source="nova/conf/devices.py"
)
MDEV_GROUPS = fact(
    "sections for one type, in the order in which they are read",
    (),
    ("21.0.0", ("vgpu_",)),
    ("24.0.0", ("mdev_", "vgpu_")),
    source="nova/conf/devices.py: register_dynamic_opts",
)
MDEV_KEYS = fact(
    "keys of such a section; from an old [vgpu_TYPE] only device_addresses is read",
    (),
    ("21.0.0", ("device_addresses",)),
    ("24.0.0", ("device_addresses", "mdev_class")),
    ("29.0.0", ("device_addresses", "mdev_class", "max_instances")),
    source="nova/conf/devices.py",
)
SEVERAL_TYPES = fact(
    "several types on one host work; before, the first is used and the others are dropped",
    False,
    ("23.0.0 22.2.1", True),
    source="nova/virt/libvirt/driver.py; LP 1900006",
)
SINGLE_TYPE_READS_GROUP = fact(
    "device_addresses and mdev_class count also where only one type is enabled",
    False,
    ("29.0.0", True),
    source="nova/virt/libvirt/driver.py: _get_supported_vgpu_types",
)
TYPE_WITHOUT_ADDRESSES = fact(
    "a type without device_addresses beside others: only the first type is used, or it serves all other GPUs",
    "first only",
    ("29.0.0", "default"),
    source="nova/virt/libvirt/driver.py: _get_supported_vgpu_types",
)
MDEV_ERROR = fact(
    "exception for a wrong or doubled address of a type, and which devices its message speaks of",
    ("InvalidLibvirtGPUConfig", "GPU"),
    ("24.0.0", ("InvalidLibvirtMdevConfig", "mdev-capable")),
    source="nova/exception.py",
)
MDEV_WORDS = fact(
    "words of the warning that only the first type is used",
    ("enabled_vgpu_types", "vGPU", "vgpu"),
    ("24.0.0", ("enabled_mdev_types", "mdev", "mdev")),
    source="nova/virt/libvirt/driver.py: _get_supported_vgpu_types",
)
SEVERAL_VGPUS = fact(
    "a guest gets every vGPU that it asks for; before, the first alone",
    False,
    ("33.0.0", True),
    source="nova/virt/libvirt/driver.py: _allocate_mdevs; LP 1758086",
)
MDEV_PERSISTENT = fact(
    "mdevs are defined in libvirt and start again with the host",
    False,
    ("30.0.0", True),
    source="nova/virt/libvirt/driver.py: _create_mdev",
)
MDEV_NAMES_WITH_PARENT = fact(
    "mdevs are found under the names that libvirt 7.7.0 and later give them",
    False,
    ("27.0.0 26.1.1 25.1.1 24.2.1", True),
    source="nova/virt/libvirt/utils.py: mdev_name2uuid; LP 1951656",
)
MDEV_LIVE_MIGRATION = fact(
    "guests with mdev vGPUs can be live-migrated (libvirt 8.6.0, QEMU 8.1.0, Linux 5.18 on both ends)",
    False,
    ("29.0.0", True),
    source="nova/virt/libvirt/driver.py",
)
MDEV_VIRTUAL_PARENT = fact(
    "device_addresses may name a parent that is no PCI function (mtty_mtty)",
    False,
    ("34.0.0", True),
    source="nova/virt/libvirt/driver.py",
)
