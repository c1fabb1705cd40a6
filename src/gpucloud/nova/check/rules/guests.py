"""What is around a guest's devices: quota, the video device beside them, and when nova looks for devices."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.reading import is_no, is_yes
from gpucloud.nova.releases import guest, pci
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.service import Service

_DRIVER = OptionName("quota", "driver")
_SPICE = OptionName("spice", "enabled")
_LIBVIRT = "nova/virt/libvirt/driver.py"

UNCOUNTED = Kind(
    "nova-quota-alias",
    Level.WARNING,
    "Unified limits do not count devices of an alias",
    "With UnifiedLimitsDriver a limit on class:CUSTOM_PCI_... counts what a flavor asks with resources:. "
    "What an alias asks is counted from 34.0.0 on, and only with [filter_scheduler]pci_in_placement.",
    ("a project takes more GPUs than its limit",),
    ("Keep the flavors of these devices to the projects that may have them",),
    ("nova/limit/placement.py", "nova bug 2140631"),
)
UNREGISTERED = Kind(
    "nova-quota-unregistered",
    Level.INFO,
    "A class without a registered limit is refused",
    "From 25 to 30 unified limits take a resource class without a registered limit for 0: flavors that ask "
    "for VGPU or an own class are refused until it has one. From 31 on unified_limits_resource_list names "
    "those that must have one.",
    ("`Resource class:VGPU is over limit of 0`",),
    ("openstack --os-cloud SYSTEM registered limit create --service nova --default-limit 8 class:VGPU",),
    ("nova/limit/placement.py", "nova/conf/quota.py: unified_limits_resource_strategy (31.0.0)"),
)
SPICE = Kind(
    "nova-spice-video",
    Level.INFO,
    "SPICE makes the video device of guests a qxl",
    "With [spice]enabled guests whose image names no hw_video_model get qxl, until 31, where it is virtio. "
    "QEMU of RHEL 9 and Ubuntu 24.04 has no qxl: such guests do not start there, with a GPU or without, and "
    "guests from before keep it over an update.",
    ("`unsupported configuration: domain configuration does not support video model 'qxl'`",),
    (
        "openstack image set --property hw_video_model=virtio IMAGE",
        "nova-manage image_property set SERVER --property hw_video_model=virtio  # guests that are there",
    ),
    (f"{_LIBVIRT}: _get_video_type", "nova release notes 31.0.0"),
)
LISTED_ONCE = Kind(
    "nova-devices-listed-once",
    Level.INFO,
    "Virtual functions that come after nova-compute are not seen",
    "From 34.0.0 on nova-compute lists the host's PCI devices once, when it starts. Until 33 it looked again "
    "every minute, so that functions which were switched on late were found.",
    ("no device of type-VF in the pools after a reboot of the host",),
    (
        "Order the unit that switches virtual functions on before nova-compute's",
        "Restart nova-compute after any change of PCI devices",
    ),
    (f"{_LIBVIRT}: _get_pci_passthrough_devices (functools.cache, commit 92994945ab)",),
)
ONE_TIME = Kind(
    "nova-one-time-use",
    Level.INFO,
    "one_time_use waits for an operator after each guest",
    "Nova reserves the device in Placement with its first guest and never lets it back: the host does not "
    "offer it again until its inventory has reserved 0.",
    ("`Got no allocation candidates` although no guest has the device",),
    ("openstack resource provider inventory set --amend --resource CLASS:reserved=0 PROVIDER",),
    ("nova/compute/pci_placement_translator.py: _handle_one_time_use", "nova docs: admin/pci-passthrough"),
)


def uncounted(case: Case) -> Iterator[Finding]:
    """Unified limits where aliases are, and do not count."""
    setting = case.configuration.last(_DRIVER)
    if setting is None or not setting.value.endswith("UnifiedLimitsDriver") or not case.alias_entries:
        return
    if case.service not in (Service.API, Service.CONDUCTOR):
        return
    if not pci.ALIASES_COUNT_FOR_LIMITS.at(case.release):
        yield UNCOUNTED.at(setting, f"nova {case.release} does not count devices of aliases")
    elif not case.places_pci:
        fix = ("[filter_scheduler]", "pci_in_placement = true")
        yield UNCOUNTED.at(
            setting, "devices of aliases count only with pci_in_placement, which is off", fix=fix
        )


def unregistered(case: Case) -> Iterator[Finding]:
    """Unified limits that refuse every class for devices."""
    setting = case.configuration.last(_DRIVER)
    if setting is None or not setting.value.endswith("UnifiedLimitsDriver"):
        return
    if case.service is Service.API and pci.UNREGISTERED_IS_ZERO.at(case.release):
        yield UNREGISTERED.at(setting, f"nova {case.release} refuses classes without a registered limit")


def spice(case: Case) -> Iterator[Finding]:
    """SPICE, where it decides which video device a guest gets."""
    model = guest.DEFAULT_VIDEO_MODEL.at(case.release)[1]
    if case.service is Service.COMPUTE and model == "qxl" and case.is_on(_SPICE):
        yield SPICE.at(
            case.configuration.last(_SPICE), "guests get hw_video_model=qxl unless their image has one"
        )


def listed_once(case: Case) -> Iterator[Finding]:
    """Entries for virtual functions, which something switches on when the host starts."""
    if case.service is not Service.COMPUTE or not pci.DEVICES_LISTED_ONCE.at(case.release):
        return
    for entry in case.spec_entries:
        if is_no(entry.written.get("managed")) or is_yes(entry.written.get("live_migratable")):
            yield LISTED_ONCE.at(
                entry.setting, "the entry is for virtual functions, which are switched on later"
            )
            return


def one_time(case: Case) -> Iterator[Finding]:
    """Devices that nobody lets back."""
    if case.service is not Service.COMPUTE or not pci.ONE_TIME_USE.at(case.release):
        return
    for entry in case.spec_entries:
        if is_yes(entry.written.get("one_time_use")) and case.reports_in_placement:
            yield ONE_TIME.at(entry.setting, "one_time_use is on")


RULES = (uncounted, unregistered, spice, listed_once, one_time)
