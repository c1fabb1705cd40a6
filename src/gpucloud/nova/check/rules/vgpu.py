"""Mediated devices: types, their sections, and what each release makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.rules.parents import way_out
from gpucloud.nova.config import Setting
from gpucloud.nova.reading import is_yes
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import pci, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.service import Service

_SOURCE = "nova/virt/libvirt/driver.py"
_DRIVER = f"{_SOURCE}: _get_supported_vgpu_types"
_PREFIXES = ("mdev_", "vgpu_")
_TYPE = re.compile(r"[\w.-]+", re.ASCII)

REFUSED = Kind(
    "nova-mdev-refused",
    Level.BLOCKER,
    "Nova refuses the addresses of a vGPU type",
    "nova-compute reads the sections of all types when it starts: an address must be whole, and belong to "
    "one type.",
    ("`Invalid configuration for mdev-capable devices: ...`", "`Invalid configuration for GPU devices: ...`"),
    ("Write each address once, as dddd:bb:ss.f",),
    (_DRIVER,),
)
DROPPED = Kind(
    "nova-mdev-type-dropped",
    Level.WARNING,
    "A vGPU type is dropped",
    "Before 23.0.0 and 22.2.1 only the first type of a host is used. Until 28 a type without "
    "device_addresses beside others makes all GPUs have the first type; from 29 on only one type may lack "
    "them.",
    ("`Only the first type '...' will be used.`", "`Mdev type default already set to ...`"),
    ("Give each type its device_addresses",),
    (_DRIVER, "nova bug 1900006"),
)
TYPE_NAME = Kind(
    "nova-mdev-type-name",
    Level.WARNING,
    "A name that no type of mdev has",
    "Names of types are those of the folders in mdev_supported_types: nvidia-474, not GRID A100-10C, which "
    "is what its file name says. Quotes and brackets of a list become a part of the name. Nova says nothing "
    "of a type that no GPU offers.",
    ("no inventory of VGPU, and no message",),
    ("Write the name of the folder: ls /sys/class/mdev_bus/*/mdev_supported_types",),
    (_DRIVER, "Linux docs: driver-api/vfio-mediated-device"),
)
GROUP_IGNORED = Kind(
    "nova-mdev-section-ignored",
    Level.WARNING,
    "The section of the only type is ignored",
    "Until 28 nova reads sections only where several types are on: with one type, device_addresses and "
    "mdev_class do nothing, and all GPUs offer it as VGPU.",
    ("inventory of VGPU on GPUs that the section does not name",),
    ("Update to 29, or keep other GPUs out by other means",),
    (_DRIVER,),
)
CLASS_ALONE = Kind(
    "nova-mdev-class-alone",
    Level.BLOCKER,
    "mdev_class without device_addresses",
    "Inventories are reported as VGPU, and allocations are looked up under the class: a guest that asks "
    "for VGPU is scheduled and starts without its device.",
    ("the guest is ACTIVE and has no vGPU",),
    ("Write device_addresses beside mdev_class",),
    (f"{_DRIVER}, _vgpu_allocations, _get_resource_class_for_device",),
)
SECTION_UNUSED = Kind(
    "nova-mdev-section-unused",
    Level.WARNING,
    "The section of a type that is not on",
    "Nova reads [mdev_TYPE] ([vgpu_TYPE] before 24) only for types that enabled_mdev_types "
    "(enabled_vgpu_types) names, and releases before 21 none.",
    ("nothing: no message in any log",),
    ("Add the type to the list, or correct its name",),
    ("nova/conf/devices.py: register_dynamic_opts",),
)
KEY_IGNORED = Kind(
    "nova-mdev-key",
    Level.WARNING,
    "A key of a type's section that does nothing here",
    "device_addresses is known from 21, mdev_class from 24 and max_instances from 29 on; of an old "
    "[vgpu_TYPE] only device_addresses is read from 24 on.",
    ("nothing: no message in any log",),
    ("Write it into [mdev_TYPE], or leave it out",),
    ("nova/conf/devices.py: register_dynamic_opts",),
)
CAPITALS = Kind(
    "nova-mdev-address-capitals",
    Level.BLOCKER,
    "An address in capitals",
    "It passes nova's check, is compared with libvirt's lower-case address as text, and equals none.",
    ("no inventory for this GPU, and no message",),
    ("Write addresses in lower case",),
    (f"{_DRIVER}, _get_vgpu_type_per_pgpu",),
)
POST_COPY = Kind(
    "nova-post-copy",
    Level.WARNING,
    "Post-copy is allowed, and VFIO devices cannot do it",
    "QEMU refuses to migrate a guest with a VFIO device in post-copy mode.",
    ("`VFIO device ... does not support postcopy`", "a live migration that fails at once"),
    ("[libvirt] live_migration_permit_post_copy = false",),
    ("nova docs: admin/virtual-gpu, admin/pci-passthrough", "QEMU hw/vfio/migration.c"),
)
DOWNTIME = Kind(
    "nova-migration-downtime",
    Level.INFO,
    "The downtime allowed is short for a vGPU",
    "The memory of a vGPU is copied while the guest stands still: nova's guide wants 500000 ms in 3 steps.",
    ("a live migration that never ends",),
    (
        "[libvirt]",
        "live_migration_downtime = 500000",
        "live_migration_downtime_steps = 3",
        "live_migration_downtime_delay = 3",
    ),
    ("nova docs: admin/virtual-gpu (live migration)",),
)
NAMES = Kind(
    "nova-mdev-names",
    Level.INFO,
    "This release does not know libvirt's new names of mdevs",
    "libvirt 7.7.0 and later name an mdev mdev_UUID_PARENT, which nova reads from 27.0.0, 26.1.1, 25.1.1 and "
    "24.2.1 on. Before, nova-compute fails to update its resources at the first mdev that it finds.",
    ("`badly formed hexadecimal UUID string`", "`Error updating resources for node`"),
    ("Update nova within its series, or keep libvirt below 7.7.0",),
    ("nova/virt/libvirt/utils.py: mdev_name2uuid", "nova bug 1951656"),
)
LOST = Kind(
    "nova-mdev-not-persistent",
    Level.INFO,
    "mdevs are gone after a reboot of the host",
    "Until 29 nova makes mdevs through sysfs, which forgets them. From 19 on nova-compute does not find "
    "those of its guests again, and does not start before somebody made them. From 30 on libvirt keeps them.",
    ("`Node device not found`, and nova-compute ends after a reboot",),
    ("Make the mdevs of guests again before nova-compute starts, as mdevctl does (mdevctl define --auto)",),
    (f"{_SOURCE}: _recreate_assigned_mediated_devices", "nova docs: admin/virtual-gpu"),
)


def refused(case: Case) -> Iterator[Finding]:
    """Addresses that nova does not take."""
    if isinstance(case.mdev, Refusal):
        level = Level.BLOCKER if case.service is Service.COMPUTE else Level.INFO
        said = case.mdev.message
        yield REFUSED.at(_culprit(case, said), said, level=level, fix=way_out(case, said))


def dropped(case: Case) -> Iterator[Finding]:
    """Types that nova leaves out, with its own warning."""
    if isinstance(case.mdev, Refusal) or len(case.mdev_types) < 2:
        return
    if case.mdev.warnings:
        for warning in case.mdev.warnings:
            yield DROPPED.at(case.mdev_setting, warning, fix=_one_type(case))
    elif len(case.mdev.enabled) < len(set(case.mdev_types)):
        what = f"nova {case.release} uses {case.mdev.enabled[0]} alone"
        yield DROPPED.at(case.mdev_setting, what, fix=_one_type(case))


def _one_type(case: Case) -> tuple[str, ...]:
    """What helps where a release uses one type, whatever the sections say."""
    if vgpu.SEVERAL_TYPES.at(case.release):
        return ()
    return ("Update to 22.2.1 or 23.0.0, or keep one type",)


def names_of_types(case: Case) -> Iterator[Finding]:
    """A name that no driver gives a type."""
    for name in case.mdev_types:
        if not _TYPE.fullmatch(name):
            plain = re.sub(r"[^\w.-]+", "", name)
            yield TYPE_NAME.at(case.mdev_setting, f"no driver calls a type {name!r}; is it {plain}?")


def group_ignored(case: Case) -> Iterator[Finding]:
    """The section of a single type in releases that do not read it."""
    if len(case.mdev_types) != 1 or vgpu.SINGLE_TYPE_READS_GROUP.at(case.release):
        return
    for key, setting in case.mdev_keys_of(case.mdev_types[0]).items():
        yield GROUP_IGNORED.at(setting, f"{key} does nothing with one type in nova {case.release}")


def class_alone(case: Case) -> Iterator[Finding]:
    """A class that inventories do not get."""
    if not vgpu.SINGLE_TYPE_READS_GROUP.at(case.release):
        return
    for name in case.mdev_types:
        keys = case.mdev_keys_of(name)
        section = case.mdev_sections[name]
        if "mdev_class" in keys and keys["mdev_class"].value != "VGPU" and not section.device_addresses:
            fix = (f"[mdev_{name}]", "device_addresses = 0000:84:00.0", f"mdev_class = {section.mdev_class}")
            what = f"{section.mdev_class} for {name} without device_addresses"
            yield CLASS_ALONE.at(keys["mdev_class"], what, fix=fix)


def sections(case: Case) -> Iterator[Finding]:
    """Sections and keys of types that nova does not read."""
    groups, known = vgpu.MDEV_GROUPS.at(case.release), vgpu.MDEV_KEYS.at(case.release)
    types = {name.lower() for name in case.mdev_types}
    seen = set()
    for setting in case.configuration.settings():
        section = setting.section.lower()
        prefix = next((each for each in _PREFIXES if section.startswith(each)), None)
        if prefix is None:
            continue
        name = section.removeprefix(prefix)
        if prefix not in groups or name not in types:
            if section not in seen:
                seen.add(section)
                yield _unused(case, setting, prefix in groups)
        elif setting.name not in (known if prefix == groups[0] else ("device_addresses",)):
            what = f"nova {case.release} does not read {setting.name} in [{setting.section}]"
            fix = (
                (f"[{groups[0]}{name}]", f"{setting.name} = {setting.value}") if setting.name in known else ()
            )
            yield KEY_IGNORED.at(setting, what, fix=fix)


def capitals(case: Case) -> Iterator[Finding]:
    """Addresses that equal none of libvirt's."""
    for name in case.mdev_types:
        setting = case.mdev_keys_of(name).get("device_addresses")
        if setting is not None and any(char in "ABCDEF" for char in setting.value):
            fix = (f"[{setting.section}]", f"device_addresses = {setting.value.lower()}")
            yield CAPITALS.at(setting, f"device_addresses = {setting.value}", fix=fix)


def migration(case: Case) -> Iterator[Finding]:
    """Live migration of VFIO devices: post-copy, and the downtime."""
    mdevs = bool(case.mdev_types) and vgpu.MDEV_LIVE_MIGRATION.at(case.release)
    functions = "live_migratable" in pci.DEVICE_SPEC_KEYS.at(case.release) and any(
        is_yes(entry.written.get("live_migratable")) for entry in case.spec_entries
    )
    if not (mdevs or functions) or case.service is not Service.COMPUTE:
        return
    post_copy = OptionName("libvirt", "live_migration_permit_post_copy")
    if case.is_on(post_copy):
        fix = ("[libvirt]", "live_migration_permit_post_copy = false")
        yield POST_COPY.at(case.configuration.last(post_copy), f"{post_copy} is on", fix=fix)
    downtime = OptionName("libvirt", "live_migration_downtime")
    if mdevs and case.configuration.last(downtime) is None:
        yield DOWNTIME.at(case.mdev_setting, f"{downtime} is not set: 500 ms")


def around(case: Case) -> Iterator[Finding]:
    """What a host must have, or do, for the mdevs of this release."""
    if case.service is not Service.COMPUTE or not case.mdev_types:
        return
    if not vgpu.MDEV_NAMES_WITH_PARENT.at(case.release):
        yield NAMES.at(case.mdev_setting, f"nova {case.release} needs a libvirt below 7.7.0")
    if not vgpu.MDEV_PERSISTENT.at(case.release):
        yield LOST.at(case.mdev_setting, f"nova {case.release} makes mdevs that a reboot takes away")


def _unused(case: Case, setting: Setting, is_read: bool) -> Finding:
    if not is_read:
        what = f"nova {case.release} does not read sections like [{setting.section}]"
        groups = vgpu.MDEV_GROUPS.at(case.release)
        name = setting.section.partition("_")[2]
        return SECTION_UNUSED.at(setting, what, fix=(f"[{groups[0]}{name}]",) if groups else ())
    option = vgpu.MDEV_TYPES.at(case.release)
    return SECTION_UNUSED.at(setting, f"[{setting.section}] belongs to no type that {option} names")


def _culprit(case: Case, message: str) -> Setting | None:
    """The line that holds the address at the end of nova's message."""
    address = message.rpartition(" ")[2]
    for name in reversed(case.mdev_types):
        setting = case.mdev_keys_of(name).get("device_addresses")
        if setting is not None and address in setting.value:
            return setting
    return case.mdev_setting


RULES = (
    refused,
    dropped,
    names_of_types,
    group_ignored,
    class_alone,
    sections,
    capitals,
    migration,
    around,
)
