"""What Xen, VMware, VirtualBox, Cloud Hypervisor and DPDK say of the IOMMU, virtualization and mappings."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_FIRMWARE, _RMRR, _WIDTH, _KVM = "iommu-disabled-firmware", "rmrr-ineligible", "iommu-address-width", "kvm-unavailable"
_MEMLOCK, _MEMORY, _REMAPPING = "memlock-limit", "host-memory-short", "interrupt-remapping-missing"
_XEN_OFF = "Xen finds no IOMMU that it can use"
_NO_LOCK = "The guest's memory cannot be locked for DMA"
_NESTED = "The hypervisor below offers no virtualization, or the firmware has it off"

XEN = (
    Phrase("xen-rmrr", "shared rmrr", r"(?:disallowed to|cannot) assign \S+ with shared RMRR", _RMRR, 0.95, "The firmware reserves memory that several devices share: Xen refuses to hand the device out", "Xen xen/drivers/passthrough/vtd/iommu.c"),
    Phrase("xen-off", "i/o virtualisation disabled", cause=_FIRMWARE, confidence=0.8, by="Xen xen/drivers/passthrough/iommu.c", says=_XEN_OFF),
    Phrase("xen-off", "amd-vi", r"\(XEN\).{0,20}AMD-Vi: (?:Error initiali[sz]ation|IOMMU not found|.{0,40}initiali[sz]ation failed)", _FIRMWARE, 0.85, _XEN_OFF, "Xen xen/drivers/passthrough/amd/iommu_init.c, pci_amd_iommu.c"),
    Phrase("xen-off", "failed to parse acpi dmar", cause=_FIRMWARE, confidence=0.9, by="Xen xen/drivers/passthrough/vtd/dmar.c", says="The firmware's DMAR table is broken: Xen leaves VT-d off"),
    Phrase("xen-off", "couldn't enable iommu", cause=_FIRMWARE, confidence=0.8, by="Xen xen/drivers/passthrough/iommu.c", says=_XEN_OFF),
    Phrase("xen-off", "virt_directio", r"virt_caps\s*:(?!.*directio)[^\n]*\bhvm\b[^\n]*$", _FIRMWARE, 0.6, _XEN_OFF, "Xen tools: xl info, virt_caps", Level.WARNING),
    Phrase("xen-off", "hvm passthrough", r"HVM Passthrough: (?:Disabled|No)", _FIRMWARE, 0.8, _XEN_OFF, "Qubes OS qubes-hcl-report"),
    Phrase("xen-remapping", "interrupt remapping", r"\(XEN\).{0,20}(?:Intel VT-d Interrupt Remapping not (?:supported|enabled)|Interrupt remapping disabled)", _REMAPPING, 0.8, "Xen runs without interrupt remapping", "Xen xen/drivers/passthrough/vtd/iommu.c", Level.WARNING),
    Phrase("xen-unsupported", "passthrough not supported", r"(?:xl|libxl)\b.{0,120}passthrough not supported", _FIRMWARE, 0.7, _XEN_OFF, "Xen tools/libs/light/libxl_create.c"),
)

OTHERS = (
    Phrase("esx-iommu", "device passthrough", r"[Dd]evice passthrough.{0,60}(?:requires?|needs?) (?:VT-d|an? IOMMU|I/O MMU|AMD)|host does not (?:support|have).{0,40}(?:VT-d|IOMMU|DirectPath)", _FIRMWARE, 0.8, "The host's IOMMU is off in the firmware", "VMware vSphere"),
    Phrase("nested-vmware", "virtualized intel vt-x", r"Virtualized (?:Intel VT-x|AMD-V)\S* is not supported on this platform", _KVM, 0.93, _NESTED, "VMware Workstation"),
    Phrase("nested-vmware", "but intel vt-x is disabled", cause=_KVM, confidence=0.95, by="VMware Workstation", says="Virtualization is off in the firmware"),
    Phrase("nested-virtualbox", "verr_", r"VERR_(?:VMX_NO_VMX|VMX_MSR_ALL_VMX_DISABLED|VMX_MSR_VMX_DISABLED|SVM_DISABLED|SVM_NO_SVM|VMX_IN_VMX_ROOT_MODE)", _KVM, 0.93, _NESTED, "VirtualBox include/VBox/err.h"),
    Phrase("kvm-hypervisor", "hypervisor interface", r"[Ff]ailed to (?:open|create) (?:the )?hypervisor interface", _KVM, 0.9, "The virtual machine monitor cannot use /dev/kvm", "Cloud Hypervisor hypervisor/src/kvm"),
    Phrase("kvm-object", "creating kvm object", r"[Ee]rror creating KVM object|KVM_GET_API_VERSION.{0,30}(?:fail|error)", _KVM, 0.9, "The virtual machine monitor cannot use /dev/kvm", "Firecracker, Cloud Hypervisor, crosvm: kvm-ioctls"),
    Phrase("width-rust", "dmamap(error(22))", cause=_WIDTH, confidence=0.88, by="rust-vmm vfio-ioctls", says="The IOMMU cannot express an address that the guest maps"),
    Phrase("width-rust", "iova 0x", r"failed to map.{0,60}iova 0x[0-9a-f]{9,}.{0,160}(?:Error\(22\)|os error 22|Invalid argument)", _WIDTH, 0.85, "The IOMMU cannot express an address that the guest maps", "Cloud Hypervisor pci/src/vfio.rs"),
    Phrase("memlock-rust", "dmamap", r"(?:Vfio|Iommu)\w*DmaMap\w*\W.{0,60}(?:ENOMEM|Error\(12\)|os error 12|Cannot allocate memory)", _MEMLOCK, 0.9, _NO_LOCK, "rust-vmm vfio-ioctls"),
    Phrase("memlock-rust", "mapdma", r"Vfio\w*MapDma.{0,60}(?:ENOMEM|Error\(12\)|os error 12|Cannot allocate memory)", _MEMLOCK, 0.9, _NO_LOCK, "rust-vmm vfio-ioctls"),
    Phrase("memlock-words", "dma map", r"(?:vfio|iommu).{0,40}dma.?map\w* (?:failed|error).{0,60}(?:ENOMEM|out of memory|Cannot allocate memory)", _MEMLOCK, 0.85, _NO_LOCK, "management programs"),
    Phrase("memlock-entries", "dma remapping", r"[Cc]annot set up DMA remapping, error 28", _MEMLOCK, 0.75, "The number of DMA mappings is at its limit (vfio_iommu_type1 dma_entry_limit)", "DPDK lib/eal/linux/eal_vfio.c"),
    Phrase("ram-rust", "memorymanager(", r"MemoryManager\(.{0,120}(?:Cannot allocate memory|OutOfMemory|code: 12)", _MEMORY, 0.88, "The host has too little (huge page) memory for the guest", "Cloud Hypervisor vmm/src/memory_manager.rs"),
)

PHRASES = (*XEN, *OTHERS)
