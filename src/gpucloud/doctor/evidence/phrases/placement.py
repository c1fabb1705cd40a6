"""What nova's scheduler, Placement and the limits say about resource classes, traits, NUMA and counts."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_EXCEPTION = "nova/exception.py"
_REPORT = "nova/scheduler/client/report.py"
_PLACEMENT_API = "placement/exception.py, placement/handlers"
_PLACEMENT, _NUMA, _FULL = "pci-in-placement", "numa-policy-no-host", "vgpu-type-or-capacity"
_STALE, _MIGRATION, _SPEC = "stale-pci-devices-row", "live-migration-unsupported", "whitelist-mismatch"
_REQUEST = "vgpu-request-unsupported"

PLACEMENT = (
    Phrase("no-candidates", "no allocation candidates", r"Got no allocation candidates from the Placement API", says="Placement has no provider for the request", by="nova/scheduler/manager.py"),
    Phrase("placement-over", "on resource provider", r"Unable to create allocation for 'VGPU' on resource provider.{0,90}exceed the capacity|Invalid allocation for 'VGPU'", _FULL, 0.88, "No card of the host has room for the vGPU", _PLACEMENT_API),
    Phrase("placement-over", "on resource provider", r"Unable to create allocation for '(?:CUSTOM_\w+|PCI_DEVICE|PGPU)' on resource provider.{0,120}(?:exceed the capacity|violate (?:minimum|maximum|min_unit|max_unit|step_size))", _PLACEMENT, 0.85, "Placement's inventory of devices does not hold the request", _PLACEMENT_API),
    Phrase("placement-class", "no such resource class", r"No such resource class (?:CUSTOM_\w+|PGPU|VGPU)", _PLACEMENT, 0.85, "The request names a resource class that no compute service has reported", _PLACEMENT_API),
    Phrase("placement-class", "unknown resource class", r"Unknown resource class in.{0,60}CUSTOM_", _PLACEMENT, 0.8, "The request names a resource class that no compute service has reported", _PLACEMENT_API),
    Phrase("placement-trait", "no such trait", r"No such trait\(?s?\)?:? ?.{0,20}(?:CUSTOM|COMPUTE|HW|OWNER)_", _PLACEMENT, 0.85, "The request demands a trait that nothing has", _PLACEMENT_API),
    Phrase("placement-policy", "group_policy", r"[\"']?group_policy[\"']? parameter is required when specifying more than one|flavor did not specify any group policy", _REQUEST, 0.75, "The flavor has several resource groups and no group_policy", "placement/handlers/allocation_candidate.py, nova/scheduler/utils.py", Level.WARNING),
    Phrase("placement-in-use-text", "in use.", r"Inventory for '(?:VGPU|PGPU|CUSTOM_\w+|PCI_DEVICE)' on resource provider '\S+' in use", _PLACEMENT, 0.8, "Placement holds allocations of devices that nova-compute no longer reports", _PLACEMENT_API),
    Phrase("placement-invalid", "on resource provider", r"Inventory for '(?:VGPU|PGPU|CUSTOM_\w+)' on resource provider '\S+' invalid", _PLACEMENT, 0.8, "nova reports an inventory that Placement refuses", f"{_EXCEPTION} InvalidInventory"),
    Phrase("placement-name", "conflicting resource provider name", cause=_PLACEMENT, confidence=0.7, by=_PLACEMENT_API, says="Placement still has a provider of an earlier compute service under this name"),
    Phrase("placement-reshape", "reshape", r"(?:ReshapeFailed|PlacementReshapeConflict|conflict was encountered attempting to reshape|inventory and allocation data migration failed)", _PLACEMENT, 0.8, "nova cannot move vGPU or PCI inventories to child providers", _EXCEPTION),
    Phrase("placement-adjusted", "needed to adjust inventories", cause=_SPEC, confidence=0.85, by="nova/compute/pci_placement_translator.py", level=Level.WARNING, says="A device that an instance uses was taken out of the list"),
    Phrase("placement-healing", "needs allocation healing", cause=_PLACEMENT, confidence=0.75, by="nova/compute/pci_placement_translator.py", level=Level.WARNING, says="Devices are reported to Placement and the scheduler does not claim them there"),
    Phrase("placement-root-vgpu", "expected vgpu allocation to be on root", cause=_STALE, confidence=0.75, by="nova/virt/libvirt/driver.py", says="Placement has vGPU allocations of an older layout"),
    Phrase("placement-move", "complex allocations on the source host", cause=_PLACEMENT, confidence=0.55, by="nova/scheduler/utils.py", level=Level.WARNING, says="An instance with devices in Placement cannot be forced to a host"),
    Phrase("placement-pools-split", "split across multiple pools", cause=_PLACEMENT, confidence=0.8, by="nova/pci/stats.py", says="Devices of one provider are in several of nova's pools"),
    Phrase("placement-several-providers", "for a single pci request", r"from multiple resource providers.{0,200}for a single pci request", _PLACEMENT, 0.85, "Placement gives one request devices of several providers", f"{_EXCEPTION} AmbiguousResourceProviderForPCIRequest"),
    Phrase("placement-removed-all", "removed every allocation candidate", cause=_PLACEMENT, confidence=0.6, by="nova/scheduler/manager.py", says="Filters removed every allocation candidate of the host", level=Level.WARNING),
)

NUMA = (
    Phrase("numa-policy-word", "invalid pci numa affinity", cause=_NUMA, confidence=0.9, by=f"{_EXCEPTION} InvalidPCINUMAAffinity", says="The NUMA policy is none of required, preferred, legacy, socket"),
    Phrase("numa-image", "hw_pci_numa_affinity_policy", r"'hw_pci_numa_affinity_policy' is not permitted to override", _NUMA, 0.9, "Image and flavor demand different NUMA policies", f"{_EXCEPTION} ImagePCINUMAPolicyForbidden"),
    Phrase("numa-policies-differ", "numa policy mismatch for alias", cause="alias-definition-invalid", confidence=0.93, by="nova/pci/request.py", says="Two specs of one alias have different NUMA policies"),
    Phrase("numa-types-differ", "device type mismatch for alias", cause="alias-definition-invalid", confidence=0.93, by="nova/pci/request.py", says="Two specs of one alias have different device types"),
    Phrase("numa-no-fit", "numa topology cannot fit", r"instance NUMA topology cannot fit the given host NUMA topology", _NUMA, 0.75, "The guest's NUMA cells do not fit the host's", "nova/compute/claims.py"),
    Phrase("numa-no-fit", "fails numa topology requirements", cause=_NUMA, confidence=0.7, by="nova/scheduler/filters/numa_topology_filter.py", says="No host fits the NUMA policy"),
    Phrase("numa-sockets", "multiple sockets per numa node", cause=_NUMA, confidence=0.6, by="nova/virt/libvirt/driver.py", level=Level.WARNING, says="Several sockets share a NUMA node: the policy `socket` is not supported on this host"),
    Phrase("numa-unknown", "without numa affinity to instance", says="the card's NUMA node is unknown", by="nova/pci/manager.py"),
    # Said of each host that is passed over, also where others pass.
    Phrase("host-skipped-pci", "have the required pci devices", r"doesn't have the required PCI devices", says="A host has no free device that fits", by="nova/scheduler/filters/pci_passthrough_filter.py"),
    Phrase("host-found-pci", "pcipassthroughfilter returned", r"PciPassthroughFilter returned [1-9]\d* host", says="Hosts have free devices that fit", by="nova/filters.py"),
)

LIMITS = (
    Phrase("quota", "quota", r"[Qq]uota exceeded|exceeds? (?:the )?(?:project |tenant )?quota|QuotaExceeded|over (?:the )?quota|exceeded quota|OverQuota", "quota", 0.95, "The request is above the project's quota", "nova/quota.py"),
    Phrase("quota", "limit", r"ProjectOverLimit|is over (?:a )?limit(?:s)? (?:for|of)|over limit of \d+ due to current usage", "quota", 0.95, "The request is above the project's limit", "oslo_limit/exception.py"),
    Phrase("quota-unregistered", "registered limit", r"(?:no|not|without|missing).{0,40}registered limit|registered limit.{0,40}(?:not found|does not exist|missing)", "quota", 0.8, "The resource has no registered limit: unified limits take that for zero", "oslo_limit/limit.py"),
)

COMPUTE = (
    Phrase("vf-ids", "do not match the expected vf ids", cause=_SPEC, confidence=0.95, by="nova/pci/devspec.py", says="The list names ids of virtual functions that this card does not make"),
    Phrase("spec-remote", "remote_managed", r"specified as \"remote_managed\" is not actually present|PFs must not have the \"remote_managed\"", _SPEC, 0.9, "The list of devices for guests is malformed", _EXCEPTION),
    Phrase("migratable-libvirt", "configured for live_migratable", cause=_MIGRATION, confidence=0.9, by="nova/virt/libvirt/driver.py", says="The device list says live_migratable, and this libvirt cannot do it"),
    Phrase("migratable-asked", "explicitly request live-migratable", cause=_MIGRATION, confidence=0.93, by="nova/conductor/tasks/live_migrate.py", level=Level.WARNING, says="The flavor does not ask for devices that migrate"),
    Phrase("suspend-refused", "attached mediated devices", r"Suspend is not supported for instances having attached mediated devices", _REQUEST, 0.85, "This nova does not suspend instances with vGPUs", "nova/virt/libvirt/driver.py", Level.WARNING),
    Phrase("sriov-attach", "sr-iov port", r"Attaching SR-IOV port \S+ to server \S+ is not supported", _REQUEST, 0.6, "A port with a device can only be given when the server is made", f"{_EXCEPTION} AttachSRIOVPortNotSupported", Level.WARNING),
    Phrase("mdev-type-parent", "was invalid for getting the related mdev type", cause=_FULL, confidence=0.7, by="nova/virt/libvirt/driver.py", level=Level.WARNING, says="device_addresses of a vGPU type names what is no PCI address"),
    Phrase("mdev-duplicate", "duplicate types for pci", cause=_FULL, confidence=0.85, by="nova/virt/libvirt/driver.py", says="Two vGPU types claim one card in device_addresses"),
    Phrase("detach-failed", "failed to detach pci device", r"Failed to detach PCI device", "gpu-in-use", 0.55, "libvirt cannot take the device from its driver or guest", f"{_EXCEPTION} PciDeviceDetachFailed"),
    Phrase("prepare-failed", "failed to prepare pci device", r"Failed to prepare PCI device", "host-driver-grabbed-gpu", 0.5, "libvirt cannot take the device from its driver", f"{_EXCEPTION} PciDevicePrepareFailed"),
    Phrase("hypervisor-pci", "hypervisor does not support pci devices", cause=_SPEC, confidence=0.7, by=f"{_EXCEPTION} PciDeviceUnsupportedHypervisor", says="This virtualization driver of nova gives no PCI devices away"),
    Phrase("stale-inconsistent", "is in an inconsistent state", r"Some child device of parent \S+ is in an inconsistent state", _STALE, 0.85, "nova's rows of a PF and its VFs contradict each other", "nova/objects/pci_device.py"),
    Phrase("stale-vif", "given vif pci address", r"Failed to locate PCI request associated with the given VIF", _STALE, 0.8, "nova's rows of devices do not fit the instance", f"{_EXCEPTION} PciRequestFromVIFNotFound"),
    Phrase("cyborg-bind", "failed to bind accelerator requests", cause="device-lost", confidence=0.4, by=f"{_EXCEPTION} AcceleratorRequestBindingFailed", says="Cyborg does not bind the device", level=Level.WARNING),
)

PHRASES = (*PLACEMENT, *NUMA, *LIMITS, *COMPUTE)
