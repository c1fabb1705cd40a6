"""Parents of mediated devices that are no PCI functions: their names, and releases that know none."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.finding import Level
from gpucloud.model.unknown import Unknown
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.machine import LISTED
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import vgpu
from gpucloud.nova.releases.release import SERIES
from gpucloud.nova.service import Service

_DRIVER = "nova/virt/libvirt/driver.py"
_NAMES = tuple(LISTED.values())

VIRTUAL_PARENT = Kind(
    "nova-mdev-virtual-parent",
    Level.INFO,
    "A parent of mdevs that is no PCI function",
    "Since 34 nova takes such a name where /sys/devices/virtual has it (mtty_mtty is mtty/mtty there), and "
    "nova-compute ends where it has not. libvirt knows mtty alone, which is no GPU.",
    ("`Invalid configuration for mdev-capable devices: incorrect device address: ...`",),
    ("Look on the host: ls /sys/devices/virtual/mtty/mtty",),
    (f"{_DRIVER}: _validate_device_address",),
)
NOT_LISTED = Kind(
    "nova-mdev-parent-not-listed",
    Level.BLOCKER,
    "A name that libvirt gives no parent of mdevs",
    "Since 34 nova takes any name that is a path below /sys/devices/virtual with _ for /, and then looks for "
    "it among the parents that libvirt lists. Of those that are no PCI functions that is mtty_mtty alone: "
    "mtty, which the kernel calls it, is the folder above it, and mdpy and mbochs are not listed.",
    ("no inventory for it, and no message", "`Invalid configuration for mdev-capable devices: ...`"),
    ("[mdev_mtty-2]", "device_addresses = mtty_mtty"),
    (f"{_DRIVER}: _validate_device_address, _get_device_address", "libvirt commit ab29ddfdf8"),
)
IN_THE_WAY = Kind(
    "nova-mdev-parent-in-the-way",
    Level.BLOCKER,
    "A parent of mdevs that is no PCI function, and that nova is not told of",
    "Nova asks libvirt for all parents of mdevs and reads the PCI capability of each that no section names: "
    "mtty has none. Nova-compute then cannot report what the host has. Releases before 34 cannot be told.",
    ("`'NoneType' object has no attribute 'vendor_id'`", "`Error updating resources for node`"),
    ("Unload the driver: modprobe -r mtty", "Restart nova-compute"),
    (f"{_DRIVER}: _get_mdev_capabilities_for_dev, _get_mdev_capable_devices",),
)


def virtual_parent(case: Case) -> Iterator[Finding]:
    """A parent whose host decides whether nova-compute starts, or that no host has under that name."""
    for name, section in case.mdev_sections.items():
        for parent in dict.fromkeys(section.device_addresses):
            if parent not in case.virtual_parents:
                continue
            setting = case.mdev_keys_of(name).get("device_addresses")
            if parent not in _NAMES:
                what = f"libvirt lists no parent of mdevs that is called {parent}"
                yield NOT_LISTED.at(setting, what, fix=_right_name(name, parent))
            elif case.machine is None or isinstance(case.machine.parents, Unknown):
                what = f"whether nova-compute starts depends on the host: it must have {parent}"
                fix = (f"ls /sys/devices/virtual/{parent.replace('_', '/')}",)
                yield VIRTUAL_PARENT.at(setting, what, fix=fix)


def in_the_way(case: Case) -> Iterator[Finding]:
    """A parent that the host has and no section names."""
    if case.machine is None or case.service is not Service.COMPUTE or isinstance(case.mdev, Refusal):
        return
    parents = case.machine.parents
    for parent in () if isinstance(parents, Unknown) or not case.mdev.enabled else parents:
        if parent not in case.mdev.by_address:
            yield IN_THE_WAY.at(case.mdev_setting, f"the host has {parent}, which no section names")


def way_out(case: Case, message: str) -> tuple[str, ...]:
    """What to do where nova's message ends with a name that is no PCI address; empty: it is one."""
    parent = message.rpartition(" ")[2]
    if parent not in (*_NAMES, *LISTED):
        return ()
    if not vgpu.MDEV_VIRTUAL_PARENT.at(case.release):
        first = next(each for each in SERIES if vgpu.MDEV_VIRTUAL_PARENT.at(each))
        return (f"Update to nova {first.number} ({first.title}), which takes {LISTED.get(parent, parent)}",)
    return (f"Load its driver before nova-compute starts: modprobe {parent.partition('_')[0]}",)


def _right_name(kind: str, parent: str) -> tuple[str, ...]:
    if parent in LISTED:
        return f"[mdev_{kind}]", f"device_addresses = {LISTED[parent]}"
    return (f"Take {parent} out: guests of nova cannot have its devices",)


RULES = (virtual_parent, in_the_way)
