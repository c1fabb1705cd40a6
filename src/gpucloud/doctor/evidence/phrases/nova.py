"""What nova, Placement, libvirt under nova, and KubeVirt say about a request for GPUs."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_REQUEST, _EXCEPTION = "nova/pci/request.py", "nova/exception.py"
_ALIAS, _SPEC, _STALE = "alias-definition-invalid", "whitelist-mismatch", "stale-pci-devices-row"
_NUMA, _PLACEMENT, _MDEV = "numa-policy-no-host", "pci-in-placement", "nova-libvirt-mdev-incompatible"

PHRASES = (
    Phrase("no-valid-host", "no valid host", r"No valid host was found", says="The scheduler finds no host", by=_EXCEPTION),
    Phrase("retries", "exceeded maximum number of retries", says="Every host that was tried failed to build the instance", by=_EXCEPTION),
    Phrase("alias-undefined", "is not defined", r"PCI alias \S+ is not defined", "alias-missing-on-api", 0.97, "nova-api does not know the alias", _EXCEPTION),
    Phrase("alias-undefined", "pcirequestaliasnotdefined", cause="alias-missing-on-api", confidence=0.97, by=_EXCEPTION, says="nova-api does not know the alias"),
    Phrase("alias-invalid", "invalid pci alias", r"Invalid PCI alias definition", _ALIAS, 0.97, "The alias is malformed", _REQUEST),
    Phrase("alias-invalid", "pciinvalidalias", cause=_ALIAS, confidence=0.95, by=_EXCEPTION, says="The alias is malformed"),
    Phrase("alias-no-ids", "pci alias(es)", r"PCI alias\(es\) .{0,90}(?:does not have|have multiple specs)", _ALIAS, 0.97, "The alias names nothing that can match", _REQUEST),
    Phrase("spec-invalid", "invalid", r"Invalid (?:\[pci\]device_spec|PCI (?:devices )?Whitelist)(?: config)?", _SPEC, 0.95, "The list of devices for guests is malformed", "nova/pci/devspec.py, whitelist.py",
           unless=r"property domain \("),
    Phrase("spec-address", "pci address", r"The PCI address .{0,80}has an (?:incorrect format|invalid)|PCI device \S+ not found", _SPEC, 0.9, "The list of devices for guests is malformed", _EXCEPTION),
    Phrase("spec-exception", "pciconfiginvalid", r"PciConfigInvalid(?:Spec|Whitelist)", _SPEC, 0.9, "The list of devices for guests is malformed", _EXCEPTION, unless=r"property domain \("),
    Phrase("spec-removed", "unable to remove device", r"Unable to remove device with .{0,160}(?:allocated|claimed)|Check your \[pci\]\s?(?:device_spec|passthrough_whitelist)", _SPEC, 0.93,
           "A device that an instance uses was taken out of the list", "nova/pci/manager.py", Level.WARNING),
    Phrase("spec-permitted", "permittedhostdevices", r"not permitted in permittedHostDevices|permittedHostDevices", _SPEC, 0.93, "The device is not in the platform's list of permitted ones", "KubeVirt admitter"),
    Phrase("spec-permitted", "is not permitted", r"(?:HostDevice|GPU|device) \S+ is not permitted", _SPEC, 0.9, "The device is not in the platform's list of permitted ones", "KubeVirt admitter"),
    Phrase("spec-resource", "insufficient", r"Insufficient (?:nvidia|amd|intel|gpu)\.com/\S+", _SPEC, 0.65, "No node offers the device under this name", "Kubernetes scheduler"),
    Phrase("spec-count", "do not match the number of devices", cause=_SPEC, confidence=0.7, by="KubeVirt", says="The device plugin hands out other devices than those asked for"),
    Phrase("claim-failed", "claim pci failed", says="The host has no free device that fits", by="nova/compute/claims.py"),
    Phrase("claim-failed", "pci device request", r"PCI device request .{0,200}failed", says="The host has no free device that fits", by=_EXCEPTION),
    Phrase("filter-pci", "pcipassthroughfilter", r"(?:Filter )?PciPassthroughFilter.{0,60}(?:returned 0 hosts|\(start: \d+, end: 0\))", says="No host has a free device that fits", by="nova/filters.py"),
    Phrase("filter-numa", "numatopologyfilter", r"(?:Filter )?NUMATopologyFilter.{0,60}(?:returned 0 hosts|\(start: \d+, end: 0\))", _NUMA, 0.75, "No host fits the NUMA policy", "nova/filters.py"),
    Phrase("numa-pci", "numa topology", r"NUMA topology together with requested PCI devices cannot fit", _NUMA, 0.96, "Devices and NUMA cells of the request do not agree on any host", "nova/compute/claims.py"),
    Phrase("numa-socket", "cannot load 'socket'", cause=_NUMA, confidence=0.93, by="nova bug 1995153", says="nova lost the socket of the host's NUMA topology, and the policy `socket` needs it"),
    Phrase("domain-wide", "property domain", r"property domain \((?P<domain>[0-9a-fA-F]+)\) is greater than", "pci-domain", 0.97, "A device is in a PCI domain that nova cannot address", "nova/pci/devspec.py"),
    Phrase("domain-wide", "invalid pci address", r"Invalid PCI address \S+.{0,20}domain must be", "pci-domain", 0.97, "A device is in a PCI domain that libvirt cannot address", "libvirt src/conf/device_conf.c"),
    Phrase("domain-wide", "domain", r"(?:PCI )?domain (?:0x)?1[0-9a-f]{4}\b.{0,60}(?:too|invalid|greater|out of|not supported|unsupported)", "pci-domain", 0.85, "A device is in a PCI domain that is too wide", "nova, libvirt"),
    Phrase("domain-wide", "invalid domain", r"invalid domain (?:0x)?1[0-9a-f]{4}\b", "pci-domain", 0.93, "A device is in a PCI domain that nova cannot address", "nova/pci/devspec.py"),
    Phrase("empty-pool", "from empty pool", r"Attempt to consume PCI device .{0,60}from empty pool", _STALE, 0.96, "nova's rows of devices do not fit each other", "nova/exception.py PciDevicePoolEmpty"),
    Phrase("stale-device", "pci device", r"(?:PciDeviceInvalidStatus|PciDeviceInvalidOwner|PciDevicePoolEmpty|PciDeviceUnavailable|PCI device \S+ is (?:allocated|claimed|unavailable|removed) instead of|is owned by \S+ instead of)", _STALE, 0.88,
           "nova's rows of devices do not fit the host", "nova/exception.py", unless=r"Unable to remove device"),
    Phrase("stale-not-found", "pcidevicenotfound", r"PciDeviceNotFound(?!ById)", cause=_STALE, confidence=0.85, by="nova/exception.py", says="nova has a row for a device that is gone"),
    Phrase("stale-libvirt", "pci_0", r"(?:[Nn]o node device with matching name|Node device not found).{0,30}'?pci_\w+", _STALE, 0.7, "nova looks for a device that the host does not have", "libvirt nodedev"),
    Phrase("placement-exception", "placementpci", r"PlacementPci\w*Exception", _PLACEMENT, 0.95, "PCI in Placement is misconfigured", "nova/exception.py"),
    Phrase("placement-devname", "report_in_placement", r"(?:devname|one_time_use|PCI (?:in|to) Placement).{0,90}report_in_placement|report_in_placement.{0,90}(?:not supported|must|requires?|cannot)", _PLACEMENT, 0.9,
           "PCI in Placement is misconfigured", "nova/compute/pci_placement_translator.py"),
    Phrase("placement-mixed", "same resource class", r"(?:must|cannot|need\w*).{0,60}same resource class|(?:PF|VF)s?.{0,60}(?:both|together).{0,40}(?:device_spec|inventory)|dependent device", _PLACEMENT, 0.85, "PCI in Placement is misconfigured", "nova/compute/pci_placement_translator.py"),
    Phrase("placement-candidates", "allocation candidates", r"(?:timed out|timeout|[Nn]o|0|too many|max_).{0,60}allocation.candidates|allocation.candidates.{0,80}(?:timed out|timeout|too many|explo|limit)", _PLACEMENT, 0.7, "The request for allocation candidates fails", "Placement"),
    Phrase("placement-candidates", "allocation_candidates", r"(?:[Tt]imed out|[Tt]imeout|504|503).{0,90}allocation_candidates|allocation_candidates.{0,160}(?:[Tt]imed out|[Tt]imeout|504|503)", _PLACEMENT, 0.75, "The request for allocation candidates fails", "Placement"),
    Phrase("placement-inventory", "placement", r"InventoryInUse|ResourceProviderUpdateConflict|inventory (?:is )?(?:wrong|too (?:high|large)|exceeds)|UnexpectedResourceProvider", _PLACEMENT, 0.6, "Placement's inventory and the host do not agree", "nova/scheduler/client/report.py"),
    Phrase("placement-in-use", "inventoryinuse", cause=_PLACEMENT, confidence=0.7, by="nova/scheduler/client/report.py", says="Placement holds allocations of devices that nova-compute no longer reports"),
    Phrase("placement-in-use", "resource provider has allocations", cause=_PLACEMENT, confidence=0.75, by="Placement", says="Placement holds allocations of devices that nova-compute no longer reports"),
    Phrase("placement-in-use", "resourceproviderinuse", cause=_PLACEMENT, confidence=0.7, by="nova/exception.py", says="Placement holds allocations of devices that nova-compute no longer reports"),
    Phrase("quota", "quota", r"[Qq]uota exceeded|exceeds? (?:the )?(?:project |tenant )?quota|QuotaExceeded|over (?:the )?quota|exceeded quota|ProjectOverLimit|OverQuota", "quota", 0.95, "The request is above the project's quota", "nova/quota.py"),
    Phrase("vgpu-many", "only one vgpu", r"[Oo]nly (?:one|1|a single) vGPU", "vgpu-request-unsupported", 0.9, "One instance can have one vGPU only", "nova docs: virtual-gpu"),
    Phrase("vgpu-many", "multiple vgpu", r"[Mm]ultiple vGPUs?.{0,60}(?:not|un)\s?supported|does(?:n't| not) support multiple vGPU", "vgpu-request-unsupported", 0.9, "Several vGPUs in one instance are not supported", "nova docs: virtual-gpu"),
    Phrase("mdev-name", "'mdev_", r"(?:no node device with matching name|Node device not found|not found).{0,30}'mdev_\w+", _MDEV, 0.88, "nova and libvirt call the mediated device by different names", "nova bug 1951656"),
    Phrase("mdev-uuid-parse", "badly formed hexadecimal uuid", r"badly formed hexadecimal UUID string", _MDEV, 0.85, "nova cannot read libvirt's name of a mediated device", "nova bug 1951656"),
    Phrase("mdev-name-parent", "mdev_", r"mdev_[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12}_[0-9a-f]{4}_[0-9a-f]{2}_[0-9a-f]{2}_[0-7]", _MDEV, 0.45, "libvirt (7.7 and later) puts the parent's address into the names of mediated devices; nova before 27 does not know that", "nova bug 1951656", Level.INFO),
    Phrase("mdev-options", "no such option", r"no such option:? '?(?:vgpu|mdev)_|NoSuchOptError.{0,60}(?:vgpu|mdev)_", _MDEV, 0.7, "nova does not find its own section for a vGPU type", "nova bug 1900006"),
    Phrase("mdev-trace", "mdev", r"(?:KeyError|AttributeError|ValueError|TypeError|IndexError|libvirtError).{0,160}mdev|in (?:parse_dom|_get_mdev_types|_get_mediated_device\w*|_get_all_assigned_mediated_devices|mdev_name2uuid|_get_mdev_capable_devices|_is_mdev\w*)\b", _MDEV, 0.75,
           "nova does not understand what libvirt says about mediated devices", "nova/virt/libvirt"),
    Phrase("migration-vfio", "migrat", r"(?:VFIO migration is not supported|VFIO.{0,80}(?:does(?:n't| not) support|not supported|unsupported).{0,30}migration|migration.{0,60}(?:VFIO|hostdev|host devices?|PCI (?:passthrough|device)|assigned).{0,60}(?:not|un)\s?supported|cannot migrate (?:a )?domain.{0,60}(?:hostdev|host device|assigned)|"
           r"has assigned (?:non-USB )?host devices|non-migratable device|MigrationPreCheckError.{0,200}(?:PCI|vGPU|mdev|hostdev|device)|[Ll]ive migration.{0,60}(?:not (?:supported|possible|allowed)|unsupported|refused).{0,90}(?:PCI|GPU|mdev|host ?dev|device|passthrough)|(?:PCI|GPU|vGPU|mdev|host ?dev\w*|passthrough).{0,90}(?:live )?migrat\w+.{0,30}(?:not (?:supported|possible|allowed)|unsupported|blocked)|"
           r"not (?:live )?migrat(?:able|e).{0,40}(?:device|GPU|hostdev))", "live-migration-unsupported", 0.93, "The device keeps the guest from moving while it runs", "QEMU hw/vfio/migration.c, libvirt, nova", Level.WARNING),
    Phrase("device-lost", "hostdev", r"(?:no|without|missing|lost).{0,10}<?hostdev>?|hostdev.{0,40}(?:gone|missing|lost|disappeared)", "device-lost", 0.7, "The instance runs without its device", "nova/virt/libvirt/driver.py", Level.WARNING),
    Phrase("resume-host", "resume_state_on_host_boot", says="nova starts instances after a reboot of the host", by="nova/virt/libvirt/driver.py"),
    Phrase("accel-info", "accel_info", says="the device comes from Cyborg", by="nova/virt/libvirt/driver.py"),
    Phrase("pools-pf", "which we have not", r"Dropped \d+ device\(s\) as they are PFs which we have not", "alias-device-type-mismatch", 0.95, "The host's devices are PFs and the alias does not ask for PFs", "nova/pci/stats.py"),
    Phrase("pools-attributes", "mismatched pci attribute", r"Dropped [1-9]\d* device\(s\) due to mismatched PCI attribute", "alias-device-type-mismatch", 0.6, "The host's devices differ from the alias in id or type", "nova/pci/stats.py"),
    Phrase("pools-numa", "wrong numa node", r"Dropped [1-9]\d* device\(s\) as they are on the wrong NUMA node", _NUMA, 0.94, "The free devices are on another NUMA node than the guest", "nova/pci/stats.py"),
    Phrase("pools-placement", "part of the placement", r"Dropped [1-9]\d* device\(s\) that are not part of the placement", _PLACEMENT, 0.8, "Placement chose other devices than nova's pools have", "nova/pci/stats.py"),
    Phrase("pools-migratable", "not live migratable", r"Dropped [1-9]\d* device\(s\) that are not live migratable", "live-migration-unsupported", 0.93, "The request wants devices that migrate, and the host's do not", "nova/pci/stats.py"),
    Phrase("pools-short", "not enough pci devices left", says="The host has too few free devices that fit", by="nova/pci/stats.py"),
    Phrase("numa-socket", "no socket information in host numa", cause=_NUMA, confidence=0.93, by="nova/pci/stats.py", says="The host's NUMA topology has no sockets, and the policy `socket` needs them"),
    Phrase("placement-report", "pci resources to placement", r"Failed to gather or report PCI resources to Placement", _PLACEMENT, 0.95, "nova-compute cannot report its devices to Placement", "nova/exception.py"),
    Phrase("placement-pf-vf", "in [pci]device_spec is not supported", r"Configuring both .{0,200}in \[pci\]device_spec is not supported|Either the parent PF or its children VFs", _PLACEMENT, 0.95, "A PF and its VFs are both in device_spec: PCI in Placement takes one of them", "nova/exception.py"),
    Phrase("placement-vfs", "vfs from the same pf", r"VFs from the same PF cannot be configured with different", _PLACEMENT, 0.95, "VFs of one PF differ in resource class or traits", "nova/exception.py"),
    Phrase("placement-off", "does not support disabling it after it is enabled", cause=_PLACEMENT, confidence=0.95, by="nova/compute/pci_placement_translator.py", says="report_in_placement was on before and cannot be turned off"),
    Phrase("spec-gone", "device spec is not found for device", cause=_SPEC, confidence=0.94, by="nova/compute/pci_placement_translator.py", level=Level.WARNING, says="A device that an instance uses was taken out of the list"),
    Phrase("mdev-config", "mdev-capable devices", r"Invalid configuration for mdev-capable devices", _MDEV, 0.8, "nova does not accept the configuration of mediated devices, or what libvirt says of them", "nova/exception.py InvalidLibvirtMdevConfig"),
    Phrase("mdev-default", "mdev type default already set", cause="vgpu-type-or-capacity", confidence=0.75, by="nova/virt/libvirt/driver.py", level=Level.WARNING, says="Two vGPU types and no device_addresses: nova uses the first only"),
    Phrase("mdev-none", "mdev-capable resource is not available", cause="vgpu-type-or-capacity", confidence=0.92, by="nova/virt/libvirt/driver.py", says="No card of the host has room for the vGPU"),
    Phrase("mdev-none", "failed to create mdev", r"Failed to create mdev\.\s*No free space|Failed to create mdev", "vgpu-type-or-capacity", 0.88, "No card of the host has room for the vGPU", "nova/virt/libvirt/driver.py"),
    Phrase("stale-vgpu", "unexpected vgpu resource allocation", cause=_STALE, confidence=0.85, by="nova/virt/libvirt/driver.py", says="Placement has vGPU allocations of instances that are gone"),
    Phrase("stale-vfs", "virtual functions of pf", r"Not all Virtual Functions of PF \S+ are free|Physical Function \S+, related to VF", _STALE, 0.88, "nova's rows of a PF and its VFs contradict each other", "nova/exception.py"),
    Phrase("stale-unassign", "unassigning devices back to pools", cause=_STALE, confidence=0.7, by="nova/pci/stats.py", says="The claim found fewer devices than the scheduler promised"),
    Phrase("stale-device-gone", "could not access", r"Device \S+ not found: could not access /sys/bus/pci/devices", _STALE, 0.75, "A device that the guest names is not on the host (any more)", "libvirt src/util/virpci.c"),
    Phrase("stale-row", "pci device", r"PCI Device \d+:[0-9a-f:.]+ not found", _STALE, 0.85, "nova has a row for a device that is gone", "nova/exception.py"),
    Phrase("migration-vif", "cannot live migrate vif", cause="live-migration-unsupported", confidence=0.95, by="nova/conductor/tasks/live_migrate.py", level=Level.WARNING, says="A device keeps the guest from moving while it runs"),
    Phrase("suspend-mdev", "suspend", r"(?:suspend|resume)\w*.{0,80}(?:mdev|vGPU|mediated|hostdev).{0,60}(?:not|lost|missing|without|fail|detach)|(?:mdev|vGPU|hostdev)s?.{0,60}(?:not reattached|lost|missing|gone).{0,40}(?:suspend|resume)", "device-lost", 0.8, "Suspend and resume lose the device", "nova bug 1948705", Level.WARNING),
    Phrase("domain-nova", "10000:", r"(?:address|device|PCI)\b.{0,30}\b1[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", says="a device is in a PCI domain above FFFF", by="Linux vmd.c"),
    Phrase("kubernetes-topology", "topologyaffinityerror", cause=_NUMA, confidence=0.8, by="Kubernetes topology manager", says="The topology policy leaves no node"),
)
