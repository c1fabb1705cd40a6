"""What tools around guests say: Harvester, Incus, the GPU operator, device plugins, Kata, xapi, mdevctl, installers."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_HARVESTER = "Harvester pcidevices pkg/controller, pkg/webhook"
_INCUS = "Incus internal/server/device, LXD lxd/device"
_PLUGIN = "NVIDIA kubevirt-gpu-device-plugin pkg/device_plugin"
_MANAGER_OF_DRIVERS = "NVIDIA k8s-driver-manager cmd/driver-manager"
_VGPU_TOOL = "NVIDIA vgpu-device-manager"
_OPERATOR = "NVIDIA gpu-operator cmd/nvidia-validator"
_SRIOV = "sriov-network-operator pkg/host/internal"
_XAPI = "XCP-ng, XenServer: xapi"
_I915 = "Intel i915 with SR-IOV: gt/iov"
_GIM = "AMD gim libgv"
_INSTALLER = "nvidia-installer kernel.c"
_HELD, _IN_USE, _SPEC, _FULL, _VFS = "host-driver-grabbed-gpu", "gpu-in-use", "whitelist-mismatch", "vgpu-type-or-capacity", "sriov-vfs-not-enabled"
_MANAGER, _KIND, _PORT, _MODULE, _KVM = "vgpu-manager-not-loaded", "driver-kind-or-version", "guest-port-missing", "wrong-kernel-module", "kvm-unavailable"
_NOT_THE_TYPE = "The card does not offer this vGPU type, or has no room for it"
_ANOTHER_HAS_IT = "Another guest has the device"
_NO_SLICES = "The virtual functions could not be made"
_NOT_HANDED = "The card cannot be bound to vfio-pci"

HARVESTER = (
    Phrase("harvester-unbound", "found at /sys/bus/pci/drivers/vfio-pci", r"no device \S+ found at /sys/bus/pci/drivers/vfio-pci", _HELD, 0.7, "The card is not on vfio-pci", _HARVESTER),
    Phrase("harvester-unbind", "failed unbinding driver", cause=_IN_USE, confidence=0.6, by=_HARVESTER, says="The card cannot be taken from its driver"),
    Phrase("harvester-vfs", "sriovmanage operation", r"error performing sriovmanage operation", _VFS, 0.85, _NO_SLICES, _HARVESTER),
    Phrase("harvester-vfs", "setting vf count to", r"error setting vf count to", _VFS, 0.85, _NO_SLICES, _HARVESTER),
    Phrase("harvester-vgpu", "writing to create file for vgpu", cause=_FULL, confidence=0.75, by=_HARVESTER, says=_NOT_THE_TYPE),
    Phrase("harvester-vgpu", "is not a valid profile for vgpu device", cause=_FULL, confidence=0.85, by=_HARVESTER, says=_NOT_THE_TYPE),
    Phrase("harvester-modules", "checking vfio modules", r"error checking vfio modules", _MODULE, 0.7, "vfio's modules are not loaded", _HARVESTER),
    Phrase("harvester-in-use", "in use with vm", r"(?:is |already )+in use with vm \S+", _IN_USE, 0.9, _ANOTHER_HAS_IT, _HARVESTER),
    Phrase("harvester-in-use", "still in use by vm", cause=_IN_USE, confidence=0.9, by=_HARVESTER, says=_ANOTHER_HAS_IT),
    Phrase("harvester-slices", "are using the pci gpu device", cause=_IN_USE, confidence=0.88, by=_HARVESTER, says="The card's vGPUs are enabled: it cannot be given away whole"),
    Phrase("harvester-name", "not found in pcidevice", r"resource name \S+ not found in pcidevice", _SPEC, 0.8, "The guest names a device that no node offers", _HARVESTER),
    Phrase("harvester-node", "is not on the same node in virtualmachine", cause=_SPEC, confidence=0.75, by=_HARVESTER, says="The guest names devices of different nodes"),
)

KUBERNETES = (
    Phrase("no-iommu-group", "iommu group for device", r"(?:[Cc]ould not (?:get|read)|[Uu]nable to determine|[Ff]ailed getting) IOMMU group for", says="The device has no IOMMU group", by=f"{_PLUGIN}; {_SRIOV}"),
    Phrase("no-iommu-group", "determine iommu group", r"[Uu]nable to determine iommu group", says="The device has no IOMMU group", by=f"{_PLUGIN}; TrueNAS middlewared"),
    Phrase("no-iommu-group", "no pci iommu group supplied", says="The device has no IOMMU group", by=_INCUS),
    Phrase("plugin-skips", "is not a supported vfio driver", cause=_HELD, confidence=0.85, by=_PLUGIN, says="The card is not on vfio-pci: the device plugin leaves it out"),
    Phrase("bind-needs-iommu", "make sure iommu is enabled", r"cannot bind driver \S+ to device \S+ make sure IOMMU is enabled|make sure IOMMU is enabled in (?:the )?BIOS", "iommu-disabled-firmware", 0.75, "vfio refuses the device: the IOMMU may be off", _SRIOV),
    Phrase("manager-in-use", "driver is in use", r"[Cc]ould not unload NVIDIA driver kernel modules,? driver is in use", _IN_USE, 0.93, "Programs or pods use the card: its driver cannot be unloaded", _MANAGER_OF_DRIVERS),
    Phrase("manager-in-use", "failed to unload", r"[Ff]ailed to unload (?:kernel module \W?(?:nvidia|nouveau|amdgpu|i915)|nouveau driver|NVIDIA driver)", _IN_USE, 0.7, "Something uses the card: its driver cannot be unloaded", _MANAGER_OF_DRIVERS),
    Phrase("manager-in-use", "all gpu pods are drained", r"cannot proceed until all GPU pods are drained", _IN_USE, 0.8, "Pods of the node use the card", _MANAGER_OF_DRIVERS),
    Phrase("manager-bind", "to vfio driver", r"failed to bind device \S+ to vfio driver", _HELD, 0.75, _NOT_HANDED, _MANAGER_OF_DRIVERS),
    Phrase("validator-vfio", "validating vfio-pci driver", r"error validating vfio-pci driver installation", _HELD, 0.75, "Cards of the node are not on vfio-pci", _OPERATOR),
    Phrase("validator-vgpu", "validating vgpu manager", r"error validating vGPU Manager installation", _MANAGER, 0.85, "The vGPU manager does not run", _OPERATOR),
    Phrase("validator-vgpu", "manager parent devices not ready", cause=_MANAGER, confidence=0.8, by=_OPERATOR, says="The vGPU manager offers no card (yet)"),
    Phrase("validator-vfs", "not all vfs have been created", cause=_VFS, confidence=0.85, by=_OPERATOR, says="Fewer virtual functions were made than there should be"),
    Phrase("validator-vgpus", "no vgpu devices found", cause=_FULL, confidence=0.5, by=_OPERATOR, says="No vGPU was made on the node", level=Level.WARNING),
    Phrase("vgpu-tool-type", "is not supported on gpu", r"vGPU type \S+ is not supported on GPU", _FULL, 0.85, _NOT_THE_TYPE, _VGPU_TOOL),
    Phrase("vgpu-tool-create", "vgpu device on parent device", r"unable to create \S+ vGPU device on parent device", _FULL, 0.75, _NOT_THE_TYPE, _VGPU_TOOL),
    Phrase("vgpu-tool-create", "vgpu devices on the gpu", r"failed to create \S+ \S+ vGPU devices on the GPU", _FULL, 0.85, _NOT_THE_TYPE, _VGPU_TOOL),
    Phrase("vgpu-tool-mixed", "mix time-sliced and mig-backed", cause=_FULL, confidence=0.9, by=_VGPU_TOOL, says="Time-sliced and MIG-backed vGPUs do not go together on one card"),
    Phrase("sriov-numvfs", "setsriovnumvfs", r"SetSriovNumVfs\(\): fail to (?:re)?set NumVfs", _VFS, 0.88, _NO_SLICES, _SRIOV),
    Phrase("sriov-bind", "binddriver(): failed", cause=_HELD, confidence=0.55, by=_SRIOV, says="A device cannot be bound to its driver"),
    Phrase("kubevirt-kvm", "kvm not present", cause=_KVM, confidence=0.93, by="KubeVirt pkg/virt-controller/services/template.go", says="The node offers no hardware virtualization"),
    Phrase("kubevirt-iommufd", "iommufd not supported on this node", cause=_MODULE, confidence=0.85, by="KubeVirt pkg/virt-handler", says="The node's kernel has no iommufd"),
    Phrase("kubevirt-cdev", "no vfio cdev found for", cause=_MODULE, confidence=0.7, by="KubeVirt pkg/virt-handler/device-manager", says="The node's kernel offers no character device of vfio (CONFIG_VFIO_DEVICE_CDEV), or the card is on another driver"),
    Phrase("no-slots", "left on the root pci bus", r"[Nn]o space left on the root PCI bus", _PORT, 0.9, "The guest's machine has no free port for another device", "KubeVirt pkg/virt-launcher/virtwrap/converter"),
    Phrase("kata-group", "is not in guest iommu group", cause="viommu-group-split", confidence=0.88, by="Kata src/agent/src/device/vfio_device_handler.rs", says="Devices that share a group on the host do not in the guest"),
    Phrase("kata-map", "memory map into iommu table", r"failed to add guest memory map into iommu table", "memlock-limit", 0.6, "The guest's memory cannot be mapped for DMA: most often the limit of locked memory is too low", "rust-vmm vfio-ioctls"),
    Phrase("kata-iommu", "vfiotype1v2", r"failed to set container's IOMMU driver type as VfioType1V2: .{0,40}(?:EPERM|not permitted|os error 1\b)", "interrupt-remapping-missing", 0.65, "vfio refuses the device: without interrupt remapping, or because the firmware reserves memory for it", "rust-vmm vfio-ioctls"),
    Phrase("kata-iommu", "vfiotype1v2", r"failed to set container's IOMMU driver type as VfioType1V2", _MODULE, 0.5, "vfio has no IOMMU backend that it can use", "rust-vmm vfio-ioctls"),
    Phrase("ch-bars", "cannot allocate pci bars", cause="guest-mmio-window", confidence=0.75, by="Cloud Hypervisor vmm/src/device_manager.rs", says="The guest's window has no room for the card's BARs"),
    Phrase("no-slots", "available device slot on the pci bus", r"[Cc]ould not find an available device slot on the PCI bus", _PORT, 0.88, "The guest's machine has no free port for another device", "Cloud Hypervisor pci/src/bus.rs"),
)

CONTAINERS = (
    Phrase("incus-kvm", "kvm support is missing", cause=_KVM, confidence=0.95, by=f"{_INCUS}: driver_qemu.go", says="/dev/kvm is missing"),
    Phrase("incus-gone", "invalid pci address (no device found)", cause=_SPEC, confidence=0.6, by=_INCUS, says="The guest's configuration names an address at which there is no device (any more)"),
    Phrase("incus-gone", "failed to detect requested gpu device", cause=_SPEC, confidence=0.6, by=_INCUS, says="The guest's configuration names a card that is not on this host"),
    Phrase("incus-mdev", "available mdev for profile", r"[Nn]o available mdev for profile", _FULL, 0.88, "No instance of the type is left", _INCUS),
    Phrase("incus-mdev", "invalid mdev profile", cause=_FULL, confidence=0.85, by=_INCUS, says=_NOT_THE_TYPE),
    Phrase("incus-mdev", "failed to create virtual gpu", cause=_FULL, confidence=0.7, by=_INCUS, says=_NOT_THE_TYPE),
    Phrase("incus-vfs", "no available vfs on", cause=_VFS, confidence=0.75, by=_INCUS, says="The card has no free virtual function"),
    Phrase("incus-override", "setting driver override", r"[Ff]ailed (?:setting|overriding) driver(?: override)?", _HELD, 0.5, _NOT_HANDED, _INCUS),
    Phrase("incus-stateful", "migration.stateful is enabled", r"(?:GPU|PCI|SR-IOV) devices cannot be used when migration\.stateful", "live-migration-unsupported", 0.9, "A guest with a device of its host cannot move while it runs", _INCUS, Level.WARNING),
    Phrase("no-slots", "no available pci hotplug slots", cause=_PORT, confidence=0.88, by=_INCUS, says="The guest's machine has no free port for another device"),
    Phrase("one-vgpu", "not supported by vgpu", r"Profile '\S+' not supported by vGPU|[Ee]rror activating vgpu with profile", _FULL, 0.85, _NOT_THE_TYPE, "OpenNebula remotes/vmm/kvm/vgpu"),
    Phrase("one-vgpu", "activating vgpu with profile", cause=_FULL, confidence=0.8, by="OpenNebula remotes/vmm/kvm/vgpu", says=_NOT_THE_TYPE),
    Phrase("vdsm-mdev", "mdev not suitable", cause=_FULL, confidence=0.75, by="oVirt vdsm lib/vdsm/common/hostdev", says=_NOT_THE_TYPE),
    Phrase("mdevctl-parent", "unable to find parent device", cause="mdev-not-present", confidence=0.8, by="mdevctl src/mdev.rs", says="The card of a mediated device offers none (now)"),
    Phrase("mdevctl-uuid", "no devices match the specified uuid", cause="mdev-not-present", confidence=0.85, by="mdevctl src/main.rs", says="The mediated device does not exist"),
)

XEN = (
    Phrase("xapi-iommu", "vm_requires_iommu", cause="iommu-disabled-firmware", confidence=0.9, by=_XAPI, says="The host's IOMMU is off in the firmware"),
    Phrase("xapi-iommu", "i/o virtualization (iommu/vt-d) enabled", cause="iommu-disabled-firmware", confidence=0.9, by=_XAPI, says="The host's IOMMU is off in the firmware"),
    Phrase("xapi-pciback", "pciback has not been loaded", cause=_MODULE, confidence=0.85, by=_XAPI, says="Xen's module for devices of guests is not loaded"),
    Phrase("xapi-vgpu", "vgpu start failed", cause=_MANAGER, confidence=0.75, by=_XAPI, says="The vGPU manager does not start the vGPU"),
    Phrase("xapi-vgpu", "daemon vgpu", r"[Dd]aemon vgpu (?:for domain \S+ )?returned error", _MANAGER, 0.75, "The vGPU manager does not start the vGPU", _XAPI),
    Phrase("xapi-mixed", "not_compatible_with_running_type", cause=_FULL, confidence=0.93, by=_XAPI, says="Another vGPU size runs on the card"),
    Phrase("xapi-full", "pgpu_insufficient_capacity", cause=_FULL, confidence=0.93, by=_XAPI, says="The card has no room for a vGPU of this type"),
    Phrase("xapi-in-use", "pgpu_in_use_by_vm", cause=_IN_USE, confidence=0.93, by=_XAPI, says=_ANOTHER_HAS_IT),
)

DRIVERS = (
    Phrase("vfs-none", "vfs could be associated with this pf", r"No VFs could be associated with this PF", _VFS, 0.85, "The firmware or driver gives the card no virtual functions", _I915),
    Phrase("vf-abi", "abi", r"(?:Unable to confirm VF/PF ABI version|failed to negotiate ABI)", _KIND, 0.8, "The drivers of the card and of its virtual function speak other versions", _I915),
    Phrase("vf-guc", "guc version", r"Unsupported GuC version|Unable to confirm GuC version", _KIND, 0.75, "The firmware of the card's GuC is not of the version that the driver needs", _I915),
    Phrase("vfs-assigned", "are still assigned", r"Can't disable \d+ VFs, \d+ are still assigned", _IN_USE, 0.85, "Guests have virtual functions of the card", _I915),
    Phrase("gim-init", "enable sriov for gpuv failed", cause=_VFS, confidence=0.85, by=_GIM, says=_NO_SLICES),
    Phrase("gim-reset", "virtualization scheduler has entered an abnormal", cause="reset-bug", confidence=0.7, by=_GIM, says="The card does not come back from the resets of its virtual functions"),
    Phrase("gim-reset", "whole gpu reset failed", cause="reset-bug", confidence=0.85, by=_GIM, says="The card does not come back from a reset"),
    Phrase("gim-reset", "flr failed on vf", cause="reset-bug", confidence=0.75, by=_GIM, says="A virtual function does not come back from its reset"),
    Phrase("baco", "baco", r"[Ff]ailed to (?:enter|exit) BACO|\b(?:enter|exit) BACO failed", "reset-bug", 0.8, "The card was not reset", "gnif/vendor-reset src/amd; Linux amdgpu"),
    Phrase("nvswitch-version", "nvidia-nvswitch: version mismatch", cause=_KIND, confidence=0.88, by="NVIDIA kernel-open/nvidia/linux_nvswitch.c", says="The fabric manager and the driver have different versions"),
    Phrase("needs-open", "requires the open gpu kernel", cause=_KIND, confidence=0.93, by=_INSTALLER, says="The card works only with the open kernel modules"),
    Phrase("needs-open", "requires a kernel module type which is", cause=_KIND, confidence=0.88, by=_INSTALLER, says="The installer has not the kind of kernel modules that the card needs"),
    Phrase("no-headers", "kernel source path", r"kernel source path '\S+' (?:does not exist|is invalid)", "guest-driver-not-loaded", 0.88, "The headers of the running kernel are absent: the driver cannot be built", _INSTALLER),
    Phrase("installer-loaded", "appears to be already loaded", r"NVIDIA kernel module '\S+' appears to be already", _IN_USE, 0.8, "A driver of the card is loaded and in use: another cannot be installed over it", _INSTALLER),
)

PHRASES = (*HARVESTER, *KUBERNETES, *CONTAINERS, *XEN, *DRIVERS)
