"""What the Linux kernel says about the IOMMU, PCI resources, power, reset and KVM."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_DMAR = "Linux drivers/iommu/intel/dmar.c"
_INTEL = "Linux drivers/iommu/intel/iommu.c"
_IRQ = "Linux drivers/iommu/intel/irq_remapping.c"
_AMD = "Linux drivers/iommu/amd/init.c"
_VFIO = "Linux drivers/vfio/vfio_iommu_type1.c"
_PCI = "Linux drivers/pci/pci.c"
_RESOURCES = "Linux drivers/pci/setup-res.c"

_FIRMWARE, _ARGUMENT = "iommu-disabled-firmware", "iommu-missing-kernel-arg"
_REMAPPING, _RMRR, _WIDTH = "interrupt-remapping-missing", "rmrr-ineligible", "iommu-address-width"
_BAR, _RESET, _SLEEP, _GONE = "bar-allocation", "reset-bug", "power-state-d3", "gpu-fell-off-bus"
_KVM = "kvm-unavailable"

FACTS = (
    Phrase("dmar-table", "dmar 0x", r"ACPI: DMAR 0x[0-9a-f]+", by="Linux drivers/acpi/tables.c"),
    Phrase("ivrs-table", "ivrs 0x", r"ACPI: IVRS 0x[0-9a-f]+", by="Linux drivers/acpi/tables.c"),
    Phrase("acpi-tables", "acpi: facp", by="Linux drivers/acpi/tables.c"),
    Phrase("dmar-unit", "drhd base", r"DMAR: DRHD base", by=_DMAR),
    Phrase("dmar-running", "directed i/o", r"Intel\(R\) Virtualization Technology for Directed I/O", by=_INTEL),
    Phrase("dmar-asked", "iommu enabled", r"DMAR: (?:Intel-)?IOMMU enabled", by=_INTEL),
    Phrase("amd-running", "amd-vi: found iommu", by=_AMD),
    Phrase("amd-running", "amd-vi: lazy io/tlb", by=_AMD),
    Phrase("group-made", "to iommu group", r"(?:Adding|Adding device \S+) to (?:iommu )?group", by="iommu.c"),
    Phrase("group-made", "iommu: adding device", r"Adding device (?P<device>[0-9a-f:.]+) to group", by="iommu.c"),
    Phrase("iommu-validated", "checking if iommu is enabled by kernel", r"Checking if IOMMU is enabled by kernel\s*: PASS",
           says="the running kernel has IOMMU groups", by="libvirt tools/virt-host-validate-common.c"),
    # Intel's interrupt remapping runs whenever the firmware offers it, also where DMA translation is off.
    Phrase("remapping-works", "enabled irq remapping in", by=_IRQ),
    Phrase("remapping-works", "amd-vi: interrupt remapping enabled", by=_AMD),
    Phrase("amd-running", "amd-vi: interrupt remapping enabled", by=_AMD),
    Phrase("gart-in-place", "using gart iommu", says="the kernel uses the GART: it found no AMD-Vi", by="Linux arch/x86/kernel/amd_gart_64.c"),
    Phrase("noiommu", "vfio-noiommu", says="vfio runs without any IOMMU", by="Linux drivers/vfio/group.c"),
    Phrase("framebuffer-region", "initialized simpledrm", says="The boot framebuffer keeps memory", by="Linux drivers/gpu/drm/sysfb/simpledrm.c"),
    Phrase("framebuffer-region", "assigned to efifb", says="The boot framebuffer keeps memory", by="Linux drivers/video/fbdev/efifb.c"),
)

IOMMU = (
    Phrase("no-dmar-devices", "no dmar devices found", cause=_FIRMWARE, by=_DMAR,
           says="The firmware's DMAR table lists no IOMMU"),
    Phrase("dmar-broken", "dmar", r"DMAR: .{0,90}(?:Your BIOS is broken; DMAR reported at address"
           r"|parse DMAR table failure|BIOS has allocated no .{0,40}IOMMU|Invalid DMAR|Invalid 0-length structure"
           r"|No DRHD structure found|Failed to get DMAR table|Initialization failed|Can't validate DRHD address|Unable to map DMAR|Cannot get a valid agaw)",
           _FIRMWARE, 0.8, "The firmware's DMAR table is broken, so the kernel leaves the IOMMU off", _DMAR),
    Phrase("iommu-init-failed", "iommu", r"[Ff]ailed to init(?:iali[sz]e)? (?:the )?iommu\b|iommu\w*: (?:hardware )?init(?:iali[sz]ation)? failed|iommu hardware not found", _FIRMWARE, 0.7,
           "The kernel could not start the IOMMU with what the firmware gives it", "Linux drivers/iommu", unless="IOMMUv2"),
    Phrase("iommu-init-failed", "ivrs table", r"(?:get|read|parse|find) IVRS table failed|(?:no|missing|failed to (?:get|find|parse)) (?:the )?IVRS table", _FIRMWARE, 0.8, "The firmware gives no IVRS table", "Linux drivers/iommu/amd/init.c, loongarch_iommu.c"),
    Phrase("no-dmar-table", "no acpi dmar table", r"No ACPI DMAR table found", _FIRMWARE, 0.9,
           "The firmware gives no DMAR table", "libvirt tools/virt-host-validate-common.c"),
    Phrase("no-ivrs-table", "no acpi ivrs table", r"No ACPI IVRS table found", _FIRMWARE, 0.9,
           "The firmware gives no IVRS table", "libvirt tools/virt-host-validate-common.c"),
    Phrase("no-iort-table", "no acpi iort table", r"No ACPI IORT table found", _FIRMWARE, 0.9,
           "The firmware gives no IORT table", "libvirt tools/virt-host-validate-common.c"),
    Phrase("disabled-in-kernel", "disabled in kernel", r"IOMMU appears to be disabled in kernel", _ARGUMENT, 0.95,
           "The firmware offers the IOMMU and the kernel leaves it off",
           "libvirt tools/virt-host-validate-common.c"),
    Phrase("dmar-disabled", "dmar: iommu disabled", cause=_ARGUMENT, by=_INTEL,
           says="A kernel argument turns the IOMMU off"),
    Phrase("amd-disabled", "amd iommu disabled", r"AMD IOMMU disabled (?:on|by) kernel command.?line", _ARGUMENT,
           0.95, "A kernel argument turns the IOMMU off", _AMD),
    Phrase("amd-not-there", "amd-vi", r"AMD-Vi: (?:IVRS table error|(?:\[Firmware Bug\]: )?IVRS invalid checksum|(?:\[Firmware Bug\]: )?no reserved IVHD"
           r"|(?:\[Firmware Bug\]: )?(?:IOMMU\d+: )?Failed to initialize IOMMU|Hardware init failed|Disable IOMMU on Stoney Ridge)", _FIRMWARE, 0.75,
           "The firmware's IVRS table is missing or broken", _AMD),
    Phrase("amd-gart", "pci-dma: using gart iommu", cause=_FIRMWARE, confidence=0.85, by="Linux arch/x86/kernel/amd_gart_64.c: gart_iommu_init() runs "
           "only where amd_iommu_detect() found no IVRS table", says="The kernel falls back to the GART: the firmware offers no AMD-Vi"),
    Phrase("amd-sme", "not currently supported when sme is active", cause=_ARGUMENT, confidence=0.8, by=_AMD,
           says="Memory encryption (SME) is on, and this kernel keeps the IOMMU off with it"),
    Phrase("iommu-absent", "iommu", r"(?=(?:No )?IOMMU)(?<!\bif )(?<!\bif the )(?<!when )(?<!when the )(?<!whether )(?<!unless )(?:No IOMMU (?:detected|available|present)|IOMMU (?:is )?not (?:present|enabled|"
           r"detected|found|active|activated|supported)|No IOMMU found|IOMMU not present|no IOMMU support|IOMMU is (?:disabled|off)"
           r"|IOMMU support is not enabled|iommu[^.]{0,20} not (?:enabled|turned on))",
           says="The IOMMU is off", by="Proxmox VE, NVIDIA kernel-open/nvidia/nv-pci.c and others",
           unless=r"IOMMUv2|virtual IOMMU|vIOMMU"),
    Phrase("iommu-absent", "iommu:", r"\bIOMMU: +(?:Disabled|Not (?:available|supported))", says="The IOMMU is off", by="unRAID's page of system information"),
    Phrase("vtd-off", "vt-d", r"VT-?d(?:/AMD-Vi)? (?:is )?(?:not (?:enabled|supported|available|detected)|disabled|turned off)|(?:does not|doesn't) support (?:Intel )?VT-?d\b", _FIRMWARE, 0.75, "VT-d is said to be off", "management programs"),
    Phrase("iommu-absent", "iommu isn't loaded", says="The IOMMU is off", by="ipaqmaster/vfio: main"),
    Phrase("vtd-off", "(no vt-d", r"passthr(?:u|ough) not supported on this system \(no VT-d", _FIRMWARE, 0.8, "The firmware gives no DMAR or IVRS table", "vm-bhyve lib/vm-run"),
    Phrase("no-iommu-group", "iommu_group", r"no iommu_group (?:found|for device)|(?:vfio-pci|host=|PCI device|0000:).{0,140}"
           r"iommu_group: No such file|has no IOMMU group|is not in an? iommu_group|no such IOMMU group",
           says="The device has no IOMMU group", by="QEMU hw/vfio/container.c, vfio_device_get_groupid()",
           unless=r"mdev|mediated|[0-9a-f]{8}-[0-9a-f]{4}-"),
    Phrase("no-iommu-group", "missing group for address", says="The device has no IOMMU group", by="Harvester pcidevices pkg/iommu: GetGroupMap()"),
    Phrase("no-iommu-group", "iommugroup", r"(?:no|without an?|empty) iommuGroup\b|iommuGroup.{0,10}(?:is empty|not found|missing)", says="The device has no IOMMU group", by="Harvester pcidevices controller"),
    Phrase("no-iommu-group", "iommu_group", r"(?:access|read|readlink|stat|resolve|open)\w* ['\"]?/sys/bus/pci/devices/[0-9a-f:.]+/iommu_group\S*(?:: (?:[Nn]o such file|cannot|not found)|$)", says="The device has no IOMMU group", by="Linux sysfs"),
    Phrase("no-iommu-group", "iommu group link", r"(?:[Uu]nable to|[Cc]annot|[Ff]ailed to) (?:resolve|read) IOMMU group link", says="The device has no IOMMU group", by="libvirt src/util/virpci.c: virPCIDeviceAddressGetIOMMUGroupNum()"),
    Phrase("no-iommu-group", "find the iommu group", says="The device has no IOMMU group", by="MobilePassThrough and other scripts"),
    Phrase("no-iommu-group", "open iommu_group", r"[Cc]annot open iommu_group", says="The device has no IOMMU group", by="Proxmox VE qemu-server"),
    Phrase("no-iommu-group", "iommu group", r"(?:no|without an?|not in an?|not assigned to an?|doesn't have an?) "
           r"IOMMU group(?! \d)", says="The device has no IOMMU group", by="several management programs"),
    Phrase("no-iommu-group", "iommu group", r"IOMMU group (?:was |is |of \S+ )?(?:not found|missing|unavailable|does not exist)", says="The device has no IOMMU group", by="several management programs"),
    Phrase("no-iommu-group", "iommu_groups", r"/sys/kernel/iommu_groups/?['\"]?: No such file|iommu_groups\S* ?\| ?wc -l\s+0\b|iommu_groups is empty|[$#~\]] ?(?:sudo )?(?:ls|find)\b[^|\n]{0,20}/sys/kernel/iommu_groups\S*(?: -type l)? +(?:\S+@\S+)?[$#](?: |$)|\bls [^|\n]{0,12}/sys/kernel/iommu_groups\S* +total 0(?!\S)(?! +\S*[dl]r)",
           says="No device has an IOMMU group", by="Linux sysfs"),
    Phrase("rmrr", "rmrr requirement", cause=_RMRR, confidence=0.98, by=_INTEL,
           says="The firmware reserves memory for the device (RMRR): the kernel refuses to hand it out"),
    Phrase("rmrr-mapping", "mapping reserved region failed", cause=_RMRR, confidence=0.55, says="The kernel cannot map memory that the firmware reserves for a device", by=f"{_INTEL} (before 5.4)", level=Level.WARNING),
    Phrase("rmrr-direct", "1:1 iommu mapping", r"requested this device have a 1:1 IOMMU mapping", _RMRR, 0.95,
           "The firmware demands a fixed mapping for the device: the kernel refuses to hand it out",
           "Linux drivers/iommu/iommu.c"),
    Phrase("remapping-refused", "interrupt remapping", r"No interrupt remapping (?:support|hardware|for in-kernel)", _REMAPPING,
           0.97, "vfio refuses the device: its interrupts are not isolated", _VFIO),
    Phrase("remapping-refused", "interrupts cannot be isolated", cause=_REMAPPING, confidence=0.97,
           says="vfio refuses the device: its interrupts are not isolated", by="Linux drivers/iommu/iommufd/device.c"),
    Phrase("remapping-unsafe", "cannot be isolated by the platform", cause=_REMAPPING, confidence=0.75, says="Interrupts are not isolated, and vfio was told to go on without",
           by="Linux drivers/iommu/iommufd/device.c", level=Level.WARNING),
    Phrase("remapping-hint", "allow_unsafe_interrupts", r"(?:use|set|enable|with).{0,40}allow_unsafe_interrupts",
           _REMAPPING, 0.85, "vfio asks for allow_unsafe_interrupts: interrupts are not isolated", _VFIO),
    Phrase("remapping-broken", "remapping", r"(?:enabled interrupt remapping on a chipset that contains an erratum|Failed to enable irq"
           r" remapping|Not enabling interrupt remapping|Disabling interrupt remapping|interrupt remapping (?:is )?"
           r"(?:will be )?(?:disabled|not (?:enabled|supported|available)))", _REMAPPING, 0.9,
           "The kernel runs without interrupt remapping", _IRQ, passed="remapping-works"),
    Phrase("ioapic-not-in-ivrs", "no southbridge ioapic found", cause=_REMAPPING, confidence=0.85, by=f"{_AMD}: check_ioapic_information()",
           says="The firmware's IVRS table lacks the I/O APIC of the southbridge: interrupt remapping is off"),
    Phrase("x2apic-off", "x2apic", r"IRQ remapping doesn't support X2APIC|requested that x2apic be disabled",
           says="The kernel gives x2APIC up for want of interrupt remapping", by="Linux arch/x86/kernel/apic/apic.c"),
    Phrase("ioapic-not-in-ivrs", "not in ivrs table", cause=_REMAPPING, confidence=0.85, by=_AMD,
           says="The firmware's IVRS table lacks an I/O APIC: interrupt remapping is off"),
    Phrase("width-kernel", "is not sufficient for the mapped address", cause=_WIDTH, confidence=0.97, by=_INTEL,
           says="An address is beyond the width of the IOMMU"),
    *(Phrase("width-map", needle, r"(?:dma_map|MAP_DMA).{0,200}\) = -22|MAP_DMA[^=]{0,70}-22", _WIDTH, 0.85,
           "The IOMMU cannot express an address that the guest maps", "QEMU hw/vfio/container.c", Level.WARNING,
           unless="peer-to-peer transactions on BARs") for needle in ("dma_map", "map_dma")),
    # Only cards that speak to each other lack this mapping: the guest runs without it.
    Phrase("width-peers", "dma_map", r"dma_map.{0,200}\) = -22.{0,120}peer-to-peer transactions on BARs", _WIDTH, 0.5,
           "The IOMMU cannot express the address of a card's BAR in the guest", "QEMU hw/vfio/listener.c: vfio_device_error_append()", Level.INFO),
    Phrase("width-map", "invalid argument", r"(?:VFIO_MAP_DMA|IOMMU_IOAS_MAP)(?: failed)?: Invalid argument", _WIDTH,
           0.8, "The IOMMU cannot express an address that the guest maps", "QEMU hw/vfio/container.c", Level.WARNING),
    Phrase("width-guest", "iova range", r"(?:outside|not within|exceeds|beyond)\b.{0,40}\bIOVA range|IOVA range.{0,40}"
           r"(?:outside|exceed|not (?:valid|supported))|address.{0,60}outside.{0,30}(?:aperture|iova)", _WIDTH, 0.8,
           "The guest maps an address outside of the IOMMU's ranges", "QEMU hw/vfio/container.c"),
    Phrase("width-guest-bits", "host aw-bits", r"aw-bits \d+ > host aw-bits \d+", _WIDTH, 0.95, "The guest's address width is beyond the host's IOMMU", "QEMU hw/i386/intel_iommu.c: vtd_check_hiod()"),
    Phrase("width-guest-bits", "host iommu", r"(?:aw[-_]bits|address width|gaw|IOVA).{0,60}(?:host IOMMU|exceeds)|host IOMMU"
           r".{0,60}(?:address width|aw-bits|iova)", _WIDTH, 0.8,
           "The guest's address width is beyond the host's IOMMU", "QEMU hw/i386/intel_iommu.c"),
)

PCI = (
    Phrase("bar-no-space", "no space", r"(?:BAR \d+|bridge window|resource \d+|\[mem [^\]]*\]).{0,60}no space"
           r"|(?:can't assign|no compatible bridge window).{0,4}no space|no space for \[(?:mem|io)",
           says="A BAR of the device has no room", by=_RESOURCES),
    Phrase("bar-no-space", "failed to assign", r"(?:BAR|\[mem).{0,60}failed to assign",
           says="A BAR of the device has no room", by=_RESOURCES),
    Phrase("bar-no-space", "no compatible bridge window", says="A BAR of the device lies in no bridge's window",
           by=_RESOURCES, pattern=r"(?:BAR \d|\[mem .*pref\]).{0,40}no compatible bridge window"),
    Phrase("bar-no-space", "can't assign", r"BAR \d+: can't assign (?:mem|\[mem)", says="A BAR of the device has no room", by=f"{_RESOURCES} (before 3.10)"),
    Phrase("bar-given", "assigned [mem", r"\bBAR [0-5]\b[^:]{0,60}: assigned \[mem", says="a BAR was given room", by=_RESOURCES),
    Phrase("bar-given", "]: assigned", r"\bBAR [0-5] \[mem [^\]]+\]: assigned", says="a BAR was given room", by=_RESOURCES),
    # The kernel takes a range from the firmware's own devices where a BAR seems to lie: one that has no address yet.
    Phrase("bar-unplaced", "because it overlaps", r"disabling \[mem [^\]]*\] because it overlaps \S+ BAR [0-5] \[mem 0x0+-0x", _BAR, 0.65, "The firmware gave a BAR of the device no address", "Linux drivers/pnp/quirks.c: quirk_system_pci_resources()", Level.WARNING, passed="bar-given"),
    Phrase("bar-invalid", "64-bit bar mapped above", says="A BAR of the device lies where its bridge or driver cannot reach it", by="NVIDIA kernel-open/nvidia/nv-pci.c"),
    Phrase("bar-invalid", "@ 0x0", r"BAR\d+ is \d+M @ 0x0", says="A BAR of the device was given no address",
           by="NVIDIA kernel-open/nvidia/nv-pci.c"),
    Phrase("bar-invalid", "assigned to your nvidia device is invalid", says="A BAR of the device was given no address",
           by="NVIDIA kernel-open/nvidia/nv-pci.c"),
    Phrase("bar-unassigned", "memory at <", r"Memory at <(?:unassigned|ignored)>", says="A BAR of the device has no address",
           by="pciutils lspci.c"),
    Phrase("bar-reserve", "can't reserve", r"BAR \d+\b.{0,90}can't reserve|can't reserve \[mem",
           says="Another owner keeps memory in a BAR of the device", by="Linux drivers/pci/pci.c"),
    Phrase("bar-reserve", "vfio_region_", r"vfio_region_(?:write|read)\(.{0,120}failed: Device or resource busy", says="Another owner keeps memory in a BAR of the device", by="QEMU hw/vfio/region.c"),
    Phrase("bar-mmap", "performance may be slow", r"[Ff]ailed to mmap \S+ BAR \d", says="QEMU cannot map a BAR of the device", by="QEMU hw/vfio/pci.c"),
    Phrase("bar-held", ": vfio-pci", r"\b0*(?P<start>[0-9a-f]{4,16})-[0-9a-f]{4,16} ?: ?vfio-pci", says="vfio-pci has a BAR", by="/proc/iomem"),
    Phrase("bar-shared", "spans more than", r"resource sanity check: requesting.*spans more than (?P<owner>BOOTFB|\w*fb\b|simple\w*|vga\w*)",
           says="Another owner keeps memory in a BAR of the device", by="Linux kernel/resource.c"),
    Phrase("framebuffer-region", "bootfb", r"\b[0-9a-f]{1,16}-[0-9a-f]{1,16} ?: ?BOOTFB",
           says="The boot framebuffer keeps memory", by="Linux drivers/firmware/sysfb.c"),
    Phrase("framebuffer-region", "efifb", r"\b[0-9a-f]{1,16}-[0-9a-f]{1,16} ?: ?(?:efifb|vesafb|simplefb|simpledrm)",
           says="The boot framebuffer keeps memory", by="/proc/iomem"),
    Phrase("probe-no-memory", "error -12", r"(?:nvidia|amdgpu|radeon|i915|xe|vfio-pci): probe of \S+ failed with error -12|probe with driver (?:nvidia|amdgpu|radeon|i915|xe|vfio-pci) failed with error -12",
           _BAR, 0.6, "The driver's probe fails for want of address space", "Linux drivers/base/dd.c",
           # nouveau answers so for a card that it does not know.
           unless="nouveau"),
    Phrase("bar-resize", "failed to resize bar", r"Failed to resize BAR ?\d? to \d+M \((?:-ENOSPC|-28)\)", _BAR, 0.5, "The card's large BAR has no room below its bridge", "Linux drivers/gpu/drm/xe/xe_vram.c, i915/gt/intel_region_lmem.c", Level.WARNING),
    Phrase("above-4g", "above 4g", r"(?:enable|turn on|need|check|requires?|without).{0,40}above.?4G(?:B)?(?: decod\w+)?",
           _BAR, 0.5, "A BAR needs room above 4 GiB", "firmware setup", Level.INFO),
    Phrase("reset-giving-up", "giving up", r"not ready \d+ms after (?P<after>FLR|bus reset|PM D3hot->D0|reset|hot reset)"
           r".{0,4}giving up", _RESET, 0.9, "The card does not come back from a reset", _PCI),
    Phrase("resume-giving-up", "giving up", r"not ready \d+ms after (?:resume|D3cold->D0|D3hot->D0).{0,4}giving up", _SLEEP,
           0.9, "The card does not wake up", _PCI),
    Phrase("reset-timeout", "after flr", r"not ready \d+ms after (?:FLR|bus reset).{0,4}waiting", _RESET, 0.6,
           "The card takes long to come back from a reset", _PCI, Level.WARNING, passed="reset-ready"),
    Phrase("reset-ready", "ready", r"(?<!not )\bready \d+ms after (?:FLR|bus reset|reset|hot reset|PM D3hot->D0)", says="the card came back from its reset", by=f"{_PCI}: pci_dev_wait()"),
    # vfio-pci waits for a device after its reset; the waits after sleep say so themselves.
    Phrase("reset-waiting", "not ready", r"vfio-pci \S+: not ready \d+ms", _RESET, 0.62, "The card given to a guest does not come back from a reset",
           f"{_PCI}: pci_dev_wait()", Level.WARNING, unless=r"after (?:resume|D3)", passed="reset-ready"),
    Phrase("reset-failed", "return from flr", r"Failed to return from FLR", _RESET, 0.9,
           "The card does not come back from a function-level reset", _PCI),
    Phrase("reset-pending", "pending transaction", r"timed out waiting for pending transaction", _RESET, 0.5,
           "The card has unfinished work when it is reset", _PCI, Level.INFO),
    Phrase("reset-recovery", "reset recovery", r"reset recovery - restoring BARs", _RESET, 0.75,
           "The card lost its BARs in a reset", "Linux drivers/vfio/pci/vfio_pci_config.c", Level.INFO),
    Phrase("iotlb-timeout", "completion-wait loop timed out", cause=_RESET, confidence=0.65, by="amd/iommu.c",
           says="The card no longer answers the IOMMU: typical after a reset that failed"),
    Phrase("iotlb-timeout", "invalidation time-out error", r"DMAR: (?:VT-d detected )?Invalidation Time-out Error", _RESET, 0.6,
           "The card no longer answers the IOMMU: typical after a reset that failed", _DMAR),
    Phrase("iotlb-timeout", "iotlb_inv_timeout", cause=_RESET, confidence=0.65, by="amd/iommu.c",
           says="The card no longer answers the IOMMU: typical after a reset that failed"),
    Phrase("d3-stuck", "power state", r"^(?!.{0,60}\b(?:xhci_hcd|pcieport|nvme|thunderbolt|ahci|igc|e1000e|iwlwifi|r8169|ath\w*) [0-9a-f:]{7,}\.\d: ).{0,500}?(?:Unable to change power state from +D3|(?:[Rr]efused to|can't) change power state"
           r".{0,40}D3|power state.{0,20}D3cold.{0,40}(?:inaccessible|failed|unable))", _SLEEP, 0.95,
           "The card does not wake up from D3", _PCI, unless=r"from D0 to D3"),
    Phrase("d3-lspci", "currently in d3", r"^(?!.{0,60}\b(?:xhci_hcd|pcieport|nvme|thunderbolt|ahci|igc|e1000e|iwlwifi|r8169|ath\w*) [0-9a-f:]{7,}\.\d: ).{0,500}?currently in D3", _SLEEP, 0.9, "The card does not wake up from D3", _PCI),
    Phrase("d3-stuck", "stuck in d3", cause=_SLEEP, confidence=0.95, by="QEMU hw/vfio/pci.c",
           says="The card does not wake up from D3"),
    Phrase("config-ff", "config space", r"config space (?:permanently )?(?:reads?|returns?|returned|corrupted).{0,40}(?:0xff|all ones|FF)", _GONE, 0.6,
           "The card's configuration space reads as all ones", "PCI", unless=r"\b(?:after|upon|by|from) (?:\w+ ){0,3}?resets?\b"),
    Phrase("config-ff-reset", "config space", r"config space .{0,40}(?:0xff|all ones|FF)\b.{0,60}?\b(?:after|upon|by|from) (?:\w+ ){0,3}?resets?\b|\bresets?\b.{0,60}?config space .{0,60}(?:0xff|all ones|FF)\b", _RESET, 0.7,
           "The card does not come back from a reset: its configuration space reads as all ones", "PCI"),
    Phrase("off-bus", "fallen off the bus", cause=_GONE, confidence=0.97, by="NVIDIA Xid 79",
           says="The card no longer answers on the bus"),
    Phrase("off-bus", "xid=79", r"\bXid=79\b", _GONE, 0.95, "The card no longer answers on the bus (Xid 79)", "NVIDIA k8s-device-plugin internal/rm/health.go"),
    Phrase("off-bus", "xid", r"Xid.{0,40}: 79\b", _GONE, 0.97, "The card no longer answers on the bus (Xid 79)",
           "NVIDIA Xid errors"),
    Phrase("off-bus", "gpu is lost", cause=_GONE, confidence=0.95, by="nvidia-smi",
           says="The card no longer answers on the bus"),
    Phrase("off-bus", "gpu has been lost", cause=_GONE, confidence=0.9, by="NVML",
           says="The card no longer answers on the bus"),
    Phrase("reads-ones", "header type", r"[Uu]nknown (?:PCI )?header type '?(?:0x)?(?:7f|127)\b", says="The card's configuration space reads as all ones",
           by="pciutils lspci.c, libvirt src/util/virpci.c"),
    Phrase("reads-ones", "(rev ff)", says="The card's configuration space reads as all ones", by="pciutils lspci.c"),
    Phrase("reads-ones", "pci_irq_handler", r"pci_irq_handler: Assertion", says="The card's interrupt pin reads as all ones", by="QEMU hw/pci/pci.c"),
    Phrase("reads-ones", "msix pba outside", says="The card's capabilities read as all ones", by="QEMU hw/vfio/pci.c"),
    Phrase("mmio-ones", "mmio access returns 0xffffffff", cause=_GONE, confidence=0.75, by="Linux drivers/gpu/drm/i915/intel_uncore.c", says="The card's registers read as all ones"),
    Phrase("link-retrain", "retraining failed", cause=_GONE, confidence=0.55, by="Linux drivers/pci/quirks.c: pcie_failed_link_retrain()", says="The link to the card does not come up", level=Level.WARNING),
    Phrase("unknown-chip", "unknown chipset", r"nouveau \S+: unknown chipset \(ffffffff\)", _GONE, 0.85, "The card's registers read as all ones", "Linux drivers/gpu/drm/nouveau/nvkm/engine/device"),
    Phrase("nouveau-unknown", "unknown chipset", r"nouveau \S+: unknown chipset \((?!ffffffff)[0-9a-f]+\)", "guest-driver-not-loaded", 0.7, "nouveau does not know the card, and no other driver has it", "Linux drivers/gpu/drm/nouveau/nvkm/engine/device",
           side="guest", passed="nvrm-loads"),
    Phrase("lmem", "lmem not initialized", cause=_RESET, confidence=0.7, by="Linux drivers/gpu/drm/i915/intel_uncore.c, xe/xe_mmio.c", says="The card's memory is not set up: its last guest left it so, and no reset has cleared it"),
    Phrase("link-lost", "link down", r"(?:pciehp|pcieport).{0,60}(?:Link Down|Card not present)", _GONE, 0.65,
           "The link to the card went down", "Linux drivers/pci/hotplug"),
    Phrase("aer-fatal", "(fatal)", r"(?:AER:|PCIe Bus Error:).{0,60}(?:Uncorrectable|Uncorrected) \(Fatal\)", _GONE, 0.6,
           "The bus reports a fatal error", "Linux drivers/pci/pcie/aer.c"),
    Phrase("unhandled-fatal", "determine the device handle", r"Unable to determine the device handle for GPU", _GONE, 0.7,
           "The driver has lost the card", "nvidia-smi", passed="hypervisor-seen-said"),
)

NO_GROUPS = Phrase("no-iommu-group", "iommu_groups", says="No device has an IOMMU group", by="Linux sysfs: an empty listing of /sys/kernel/iommu_groups")
"""What an empty text under a key for groups says; no message to look for."""

KVM = (
    Phrase("kvm-bios", "kvm", r"(?:kvm: (?:support for '\w+' )?disabled by bios|kvm(?:_intel|_amd)?: .{0,40}disabled by"
           r" (?:the )?bios|SVM disabled \(by BIOS\))", _KVM, 0.97, "Virtualization is off in the firmware",
           "Linux arch/x86/kvm"),
    Phrase("kvm-bios", "disabled by bios", r"(?:VMX|SVM).{0,30}disabled by BIOS", _KVM, 0.95,
           "Virtualization is off in the firmware", "Linux arch/x86/kernel/cpu/feat_ctl.c"),
    Phrase("kvm-bios", "by bios)", r"(?:VMX not enabled|SVM disabled) \(by BIOS\)", _KVM, 0.95, "Virtualization is off in the firmware", "Linux arch/x86/kvm/vmx/vmx.c, svm/svm.c: kvm_is_vmx_supported(), kvm_is_svm_supported()"),
    Phrase("kvm-bios", "disabled by your bios", r"KVM \((?:vmx|svm)\) is disabled by your BIOS", _KVM, 0.97, "Virtualization is off in the firmware", "kvm-ok(1)"),
    Phrase("kvm-device", "failed to open /dev/kvm", cause=_KVM, confidence=0.93, by="virtual machine monitors", says="/dev/kvm is missing or may not be opened"),
    Phrase("kvm-libvirt", "could not find capabilities for arch", cause=_KVM, confidence=0.85, by="libvirt src/conf/capabilities.c: virCapabilitiesDomainDataLookupInternal()", says="The host offers no hardware virtualization"),
    Phrase("kvm-libvirt", "kvm acceleration not available", cause=_KVM, confidence=0.9, by="virt-install virtinst/guest.py", says="The host offers no hardware virtualization"),
    Phrase("kvm-hardware", "no hardware support", r"kvm: no hardware support|kvm.{0,30}no hardware support", _KVM, 0.95,
           "The processor shows no virtualization", "Linux arch/x86/kvm"),
    Phrase("kvm-hardware", "not supported by cpu", r"(?:VMX|SVM) not supported by CPU", _KVM, 0.95,
           "The processor shows no virtualization", "Linux arch/x86/kvm"),
    Phrase("kvm-access", "could not access kvm kernel module", cause=_KVM, confidence=0.97,
           by="QEMU accel/kvm/kvm-all.c", says="QEMU cannot use /dev/kvm"),
    Phrase("kvm-init", "failed to initialize kvm", cause=_KVM, confidence=0.95, by="QEMU accel/accel-softmmu.c",
           says="QEMU cannot use KVM", pattern=r"failed to initialize KVM"),
    Phrase("kvm-device", "/dev/kvm", r"/dev/kvm['\"]? ?(?:not present|does not exist|not found|: No such (?:file|device)|is "
           r"(?:missing|not (?:available|accessible|present)))|(?:open|access|find|stat)\w* ['\"]?/dev/kvm['\"]?.{0,30}"
           r"(?:No such|Permission denied|denied|failed)|/dev/kvm: Permission denied", _KVM, 0.97,
           "/dev/kvm is missing or may not be opened", "libvirt, QEMU"),
    Phrase("kvm-validate", "checking", r"Checking (?:for hardware virtualization|if device '?/dev/kvm'? (?:exists|is "
           r"accessible))\s*: ?FAIL", _KVM, 0.97, "The host offers no hardware virtualization",
           "libvirt tools/virt-host-validate-qemu.c"),
    Phrase("kvm-firmware", "virtuali", r"(?:VT-?x|AMD-?V|SVM|VMX|CPU|[Hh]ardware)\b.{0,20}virtuali[sz]ation\b.{0,20}(?:not enabled|disabled|turned off) in (?:the )?(?:UEFI|BIOS|firmware)", _KVM, 0.85,
           "Virtualization is off in the firmware", "management programs", unless=r"(?:VT-?d\b|IOMMU|nested).{0,30}virtuali"),
    Phrase("kvm-ok", "kvm acceleration can not be used", cause=_KVM, confidence=0.97, by="kvm-ok(1)",
           says="The host offers no hardware virtualization"),
    Phrase("kvm-ok", "does not support kvm extensions", cause=_KVM, confidence=0.95, by="kvm-ok(1)",
           says="The processor shows no virtualization"),
    Phrase("kvm-module", "could not insert 'kvm", r"could not insert '(?:kvm_intel|kvm_amd|kvm)'", _KVM, 0.95,
           "The module of KVM cannot be loaded", "modprobe(8)"),
    Phrase("kvm-proxmox", "kvm virtualisation configured", r"KVM virtualisation configured, but not available", _KVM, 0.97,
           "The host offers no hardware virtualization", "Proxmox VE qemu-server"),
    Phrase("kvm-count", "(vmx|svm)", r"\(vmx\|svm\)['\"]? \S*cpuinfo\S*\s+0\b", _KVM, 0.9, "The processor shows no virtualization", "/proc/cpuinfo"),
    Phrase("kvm-create", "kvm_create_vm", r"KVM_CREATE_VM\)? (?:failed|ioctl).{0,60}", _KVM, 0.9,
           "The kernel refuses to make a virtual machine", "QEMU accel/kvm/kvm-all.c"),
    Phrase("kvm-libvirt", "kvm", r"(?:could not (?:find capabilities for|get preferred machine for).{0,90}(?:domaintype|type)=kvm"
           r"|does not support virt type '?kvm|requires KVM\b(?!-)|invalid argument: .*KVM is not available|KVM is not available|"
           r"accelerator .?kvm.? is not|\bKVM not available|No KVM (?:support|device)|kvm.{0,20} is not (?:supported|available)"
           r" (?:on|by) th)", _KVM, 0.85, "The host offers no hardware virtualization", "libvirt src/qemu"),
    Phrase("kvm-msr", "failed to set msr", r"error: failed to set MSR 0x[0-9a-f]+", _KVM, 0.7,
           "KVM refuses a register: the hypervisor below does not offer it", "QEMU target/i386/kvm/kvm.c"),
    Phrase("kvm-kubernetes", "devices.kubevirt.io/kvm", r"Insufficient devices\.kubevirt\.io/kvm", _KVM, 0.95,
           "The node offers no hardware virtualization", "KubeVirt device manager"),
    Phrase("kvm-vsphere", "nested", r"(?<!EPT, )(?:nested (?:virtuali[sz]ation|paging|HV) (?:is )?(?:not|disabled|off)|does not support "
           r"nested|without nested virtuali[sz]ation)", _KVM, 0.7, "The hypervisor below offers no nested virtualization",
           "hypervisors"),
)

PHRASES = (*FACTS, *IOMMU, *PCI, *KVM)
