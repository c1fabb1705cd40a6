"""What the platforms around QEMU say: Proxmox VE, KubeVirt and Kubernetes, VMware, unRAID, Kata."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_PROXMOX = "Proxmox VE qemu-server PVE/QemuServer/PCI.pm"
_PROXMOX_MDEV = "Proxmox VE qemu-server PVE/QemuServer/PCI/Mdev.pm"
_KUBEVIRT = "KubeVirt pkg/virt-handler/device-manager"
_LAUNCHER = "KubeVirt pkg/virt-launcher/virtwrap/device/hostdevice"
_HELD, _IN_USE, _FULL = "host-driver-grabbed-gpu", "gpu-in-use", "vgpu-type-or-capacity"
_SPEC, _ASSUMED, _MANAGER = "whitelist-mismatch", "mdev-assumed", "vgpu-manager-not-loaded"

PROXMOX = (
    Phrase("bind-proxmox", "pci group to vfio", r"can't unbind/bind PCI group to VFIO", _HELD, 0.75, "The card cannot be bound: another driver has it", _PROXMOX),
    Phrase("in-use-vmid", "for use by vmid", r"currently reserved for use by VMID '?\d+", _IN_USE, 0.95, "Another guest has the device", _PROXMOX),
    Phrase("in-use-vmid", "by running vmid", r"already in use by running VMID", _IN_USE, 0.9, "The guest that has the device still runs", _PROXMOX),
    Phrase("pve-gone", "no pci device info for", r"no pci device info for device '?(?P<function>[0-9a-f:]+\.[0-7])", _SPEC, 0.6, "The guest's configuration names an address at which there is no device (any more)", _PROXMOX),
    Phrase("pve-gone", "no pci device found for", cause=_SPEC, confidence=0.65, by=_PROXMOX, says="The guest's configuration names an address at which there is no device (any more)"),
    Phrase("pve-mapping", "pci device mapping", r"PCI device mapping (?:not found|invalid)", _SPEC, 0.9, "The resource mapping of the cluster does not fit the host's devices", _PROXMOX),
    Phrase("pve-mapping-full", "could not find a free device for", cause="not-enough-devices", confidence=0.85, by=_PROXMOX, says="Every device of the mapping is taken"),
    Phrase("pve-type", "has no type '", r"pci device '\S+' has no type '", _FULL, 0.75, "The card does not offer this type now", _PROXMOX_MDEV),
    Phrase("pve-create", "for pci devices '", r"could not create '\S+' for pci devices", _FULL, 0.75, "The driver refuses another vGPU of this type", _PROXMOX_MDEV),
    Phrase("pve-vgpu-type", "vgpu type", r"vgpu type '\S*' not available for|could not set vgpu type to", _FULL, 0.85, "The card has no room for a vGPU of this type", _PROXMOX_MDEV),
    Phrase("pve-vgpu-type", "could not set vgpu type", cause=_FULL, confidence=0.8, by=_PROXMOX_MDEV, says="The card has no room for a vGPU of this type"),
    Phrase("pve-migrate", "uses local devices", r"can't (?:live )?migrate VM which uses (?:local|following mapped) devices.{0,40}hostpci", "live-migration-unsupported", 0.93, "A guest with a device of its host cannot move while it runs", "Proxmox VE PVE/QemuMigrate.pm", Level.WARNING),
    Phrase("pve-sysfs", "no nvidia sysfs api", cause=_MANAGER, confidence=0.75, by=_PROXMOX_MDEV, says="The driver of the host offers no vGPUs on this function"),
    Phrase("pve-query-types", "failed to query nvidia vgpu types", cause=_MANAGER, confidence=0.7, by=_PROXMOX_MDEV, says="The vGPU manager does not answer"),
)

KUBERNETES = (
    Phrase("kubevirt-mdev-create", "failed to create mdev type", cause=_FULL, confidence=0.7, by=f"{_KUBEVIRT}/common.go", says="The driver refuses another vGPU of this type"),
    Phrase("no-iommu-group", "failed to read iommu_group link", says="The device has no IOMMU group", by=f"{_KUBEVIRT}/common.go"),
    Phrase("spec-plugin-env", "pci_resource_", r"PCI_RESOURCE_\S+ not set for resource", _SPEC, 0.75, "The pod was given no device of this name by a device plugin", f"{_LAUNCHER}/addresspool.go"),
    Phrase("spec-plugin-env", "no more addresses to allocate for resource", cause=_SPEC, confidence=0.75, by=f"{_LAUNCHER}/addresspool.go", says="The pod was given fewer devices than the guest asks for"),
    Phrase("spec-plugin-env", "failed to create gpu host-devices", r"failed to create GPU host-devices: .{0,90}resource \S+ does not exist", _SPEC, 0.75, "The pod was given no device of this name by a device plugin", f"{_LAUNCHER}/addresspool.go"),
    Phrase("spec-field", "unknown field", r"unknown field .{0,60}\b(?:permittedHostDevices|pciHostDevices|pciVendorSelector|mediatedDevices(?:Configuration|Types)?|mdevNameSelector)\b", _SPEC, 0.8, "The list of permitted devices stands where KubeVirt does not read it", "Kubernetes API server: strict decoding"),
    Phrase("kata-port", "port is not set for device", r"(?:cold|hot)_plug_vfio=? .{0,30}port is not set for device", "config-file-not-read", 0.6, "The configuration that Kata reads sets no port for devices", "Kata src/runtime/pkg/device/drivers/vfio.go"),
    Phrase("gate-hostdevices", "host devices feature gate", cause=_SPEC, confidence=0.9, by="KubeVirt pkg/virt-api/webhooks", says="KubeVirt's feature gate HostDevices is off"),
    Phrase("k8s-allocate", "unexpectedadmissionerror", r"UnexpectedAdmissionError.{0,200}(?:no healthy devices|Allocate failed|requested number of devices unavailable)", _SPEC, 0.7, "The device plugin has no healthy device of this name", "Kubernetes kubelet device manager"),
    Phrase("k8s-unhealthy", "number of devices unavailable", r"[Rr]equested number of devices unavailable for", "not-enough-devices", 0.8, "The node has fewer free devices than the pod asks for", "Kubernetes kubelet device manager"),
    Phrase("k8s-no-healthy", "no healthy devices present", cause=_SPEC, confidence=0.65, by="Kubernetes kubelet device manager", says="The device plugin has no healthy device of this name"),
    Phrase("k8s-memlock-hook", "cgroup", r"failed to (?:adjust|set|configure).{0,40}(?:memlock|locked memory|memory lock)", "memlock-limit", 0.85, "The limit of locked memory cannot be raised", "KubeVirt pkg/virt-handler/isolation"),
    Phrase("vgpu-manager-pod", "vgpu-manager", r"vgpu-manager.{0,90}(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|Init:Error)", _MANAGER, 0.85, "The vGPU manager does not run", "NVIDIA GPU operator"),
    Phrase("vgpu-manager-pod", "vgpu manager", r"\bvGPU manager\b(?: (?:pod|container|daemonset)s?)? .{0,40}(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|Init:Error|crash\w*)|(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|Init:Error)\W.{0,30}\bvGPU manager\b", _MANAGER, 0.75, "The vGPU manager does not run", "NVIDIA GPU operator"),
    Phrase("vfio-manager-pod", "vfio-manager", r"nvidia-vfio-manager.{0,90}(?:CrashLoopBackOff|Init:Error|Error)", _HELD, 0.7, "The GPU operator could not bind the cards to vfio-pci", "NVIDIA GPU operator vfio-manager"),
    Phrase("driver-pod", "driver-daemonset", r"nvidia-driver-daemonset.{0,90}(?:CrashLoopBackOff|Init:Error|Error)", "guest-driver-not-loaded", 0.5, "The driver container does not come up", "NVIDIA GPU operator", Level.WARNING),
)

OTHERS = (
    Phrase("iommu-absent", "no signs of an iommu", says="The IOMMU is off", by="andre-richter/vfio-pci-bind (also unRAID's VFIO-PCI config)"),
    Phrase("bind-script-id", "unable to bind device", r"Error: (?:Vendor:Device \S+ not found at \S+|Device \S+ does not exist), unable to bind device", "vfio-ids-wrong", 0.88, "The list of devices for vfio-pci names what is not at that address", "andre-richter/vfio-pci-bind (also unRAID's VFIO-PCI config)"),
    Phrase("bind-script-id", "error: vendor:device", r"Error: Vendor:Device \S+ not found", "vfio-ids-wrong", 0.88, "The ids for vfio-pci are those of no device here", "andre-richter/vfio-pci-bind (also unRAID's VFIO-PCI config)"),
    Phrase("bind-script-id", "multiple results for vendor:device", cause="vfio-ids-wrong", confidence=0.9, by="andre-richter/vfio-pci-bind (also unRAID's VFIO-PCI config)", says="One id is that of several devices: the address must be given"),
    Phrase("lxd-override", "override iommu group driver", r"Failed to override IOMMU group driver", _HELD, 0.7, "The card cannot be bound to vfio-pci", "LXD, Incus: device/pci"),
    Phrase("esx-not-passthrough", "is not a passthrough device", cause=_HELD, confidence=0.75, by="VMware vSphere", says="The device is not set to passthrough on the host"),
    Phrase("esx-memory", "sched.mem.min", r"memory reservation \(sched\.mem\.min\) should be equal to memsize", "memlock-limit", 0.88, "The guest's memory is not reserved: with a device all of it must be", "VMware vSphere"),
    Phrase("esx-plugin", "could not initialize plugin", r"Could not initialize plugin '?\S*libnvidia-vgx", _MANAGER, 0.6, "The vGPU manager refuses to start the vGPU", "VMware vmiop"),
    Phrase("esx-resources", "graphics resource available", r"amount of graphics resource available in the parent resource pool is insufficient", _FULL, 0.88, "No card of the host has room for the vGPU", "VMware vSphere"),
    Phrase("esx-mmio", "64bitmmio", r"use64bitMMIO.{0,30}(?:needed|must|required|not set|missing|FALSE)|64bitMMIOSizeGB.{0,40}(?:too small|not enough|larger)", "guest-mmio-window", 0.8, "The guest's window for large BARs is too small", "VMware"),
    Phrase("esx-mmio", "guest tried to map", r"PCIPassthru.{0,60}[Gg]uest tried to map \d+ device pages", "guest-mmio-window", 0.85, "The guest's window for large BARs is too small", "VMware"),
    Phrase("gvt-unsupported", "unsupported device. gvt-g", r"Unsupported device\. GVT-g is disabled", "vgpu-unsupported-board", 0.92, "The processor's graphics has no GVT-g (Broadwell to Comet Lake have)", "Linux drivers/gpu/drm/i915/intel_gvt.c: is_supported_device()"),
    Phrase("gvt-guc", "gvt-g loading failed", r"GVT-g loading failed due to", "vgpu-manager-not-loaded", 0.85, "GVT-g does not run with GuC submission (i915.enable_guc)", "Linux drivers/gpu/drm/i915/intel_gvt.c"),
    Phrase("ch-vfio-absent", "vfio", r"VFIO.{0,60}(?:OpenContainer|Failed to open /dev/vfio/vfio|GroupViable|group is not viable)", "group-not-viable", 0.5, "vfio refuses the group", "rust-vmm vfio-ioctls (Cloud Hypervisor, Kata)", Level.WARNING),
)

PHRASES = (*PROXMOX, *KUBERNETES, *OTHERS)
