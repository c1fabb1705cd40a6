"""Mistakes that guides copy from each other, as they stand in commands and files, and facts in listings."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

MISTAKES = (
    Phrase("vendor-11de", "11de", r"\b(?:0x)?11de[: ](?:0x)?[0-9a-f]{4}\b", "vfio-ids-wrong", 0.93, "11de is no GPU vendor: NVIDIA is 10de", "pci.ids", unless=r"Zoran"),
    Phrase("grub-misnamed", "/etc/default/gr", r"/etc/default/(?:grab|gurb|grup|grubs|gru|grub\.conf)\b", "iommu-missing-kernel-arg", 0.9,
           "The boot arguments were written to a file that no boot loader reads", "grub-mkconfig(8)"),
    Phrase("grub-misnamed", "/etc/grub/default", cause="iommu-missing-kernel-arg", confidence=0.85, by="grub-mkconfig(8)", says="The boot arguments were written to a file that no boot loader reads"),
    Phrase("modules-misnamed", "/etc/module", r"/etc/module(?![\w.-])|/etc/modules?\.load\.d/|/etc/modules-load/", "config-file-not-read", 0.9, "The modules were written to a file that nothing reads", "modules-load.d(5)", Level.WARNING),
    Phrase("modprobe-misnamed", "/etc/modprobe", r"/etc/modprobe\.d/[\w-]+(?![\w./-])|/etc/modprob\.d/|/etc/modeprobe\.d/", "config-file-not-read", 0.75, "The options were written to a file that modprobe does not read (it wants the ending .conf)", "modprobe.d(5)", Level.WARNING),
    Phrase("modprobe-line", "ignoring bad line", r"ignoring bad line starting with '(?![0-9a-f]{4}:[0-9a-f]{4})", "config-file-not-read", 0.85, "A line in modprobe.d has no form that modprobe knows: it is ignored", "kmod libkmod-config.c", Level.WARNING),
    Phrase("bind-write", "/bind", r">{1,2} ?['\"]?/sys/bus/pci/drivers/(?:vfio-pci|pci-stub|vfio_pci)/bind", says="a device is bound to vfio by hand", by="shell"),
    Phrase("unbind-write", "/unbind", r">{1,2} ?['\"]?/sys/bus/pci/(?:devices/\S+/driver|drivers/\S+)/unbind", says="a device is unbound by hand", by="shell"),
)

FACTS = (
    Phrase("vendor-vfio", "vgpu_type", r"(?:creatable_vgpu_types|current_vgpu_type)", says="virtual functions take their vGPU type over the vendor's own interface", by="NVIDIA vGPU 17"),
    Phrase("cpu-intel", "intel", r"vendor[_ ]id ?:? *GenuineIntel|(?:model name ?:|smpboot: CPU0:) *(?:\d+th Gen )?Intel\(R\)", says="the processor is Intel's", by="lscpu(1), /proc/cpuinfo, Linux arch/x86/kernel/smpboot.c"),
    Phrase("cpu-amd", "amd", r"vendor[_ ]id ?:? *AuthenticAMD|(?:model name ?:|smpboot: CPU0:) *AMD\b", says="the processor is AMD's", by="lscpu(1), /proc/cpuinfo, Linux arch/x86/kernel/smpboot.c"),
    *(Phrase("cpu-amd", needle, r"\b(?:EPYC|Ryzen \d|Threadripper|Opteron)\b", says="the processor is AMD's", by="AMD's names of processors")
      for needle in ("epyc", "ryzen", "threadripper", "opteron")),
    *(Phrase("cpu-arm", needle, r"Architecture: *aarch64|Linux \S+ .{0,120}\baarch64\b|arm-smmu|CPU implementer\s*: 0x", says="the processor is an Arm one", by="lscpu(1), uname(1), Linux drivers/iommu/arm")
      for needle in ("aarch64", "arm-smmu", "cpu implementer")),
    Phrase("mdev-types", "mdev_supported_types/", r"mdev_supported_types/(?P<type>[\w-]+)", says="a card offers mediated device types", by="Linux mdev"),
    Phrase("nouveau-loaded", "nouveau", r"(?:^|\s)nouveau +\d{5,} +\d+", says="the module nouveau is loaded", by="lsmod(8)"),
    Phrase("sriov-capability", "single root i/o virtualization", says="the device has SR-IOV", by="pciutils lspci.c"),
    Phrase("sriov-capability", "sriov_totalvfs", r"sriov_totalvfs\W{0,4}[1-9]", says="the device has SR-IOV", by="Linux sysfs"),
    Phrase("displays-listed", "lspci", r"\blspci\b[^|\n]{0,40}\| ?e?grep [^|\n]{0,20}VGA", says="all display controllers are listed", by="shell"),
    Phrase("sriov-off", "sriov_numvfs", r"sriov_numvfs\W{0,4}0\b", says="no virtual function is enabled", by="Linux sysfs"),
    Phrase("numa-unknown", "numa_node", r"numa_node\W{0,4}-1\b", says="the card's NUMA node is unknown", by="Linux sysfs"),
    Phrase("power-d3cold", "power_state", r"power_state\W{0,4}D3cold", says="the card is without power", by="Linux sysfs"),
    Phrase("virtual-iommu", "intel-iommu", r"-device '?\{?\"?(?:driver\"?: ?\"?)?intel-iommu|<iommu model=.intel", says="the guest has a virtual IOMMU", by="QEMU"),
    Phrase("virtual-iommu", "-device virtio-iommu", says="the guest has a virtual IOMMU", by="QEMU"),
    Phrase("guest-marks", "hypervisor detected", r"Hypervisor detected: (?:KVM|VMware|Microsoft|Xen)", says="the log is of a guest", by="Linux arch/x86/kernel/cpu/hypervisor.c"),
    Phrase("guest-marks", "qemu standard pc", r"DMI: QEMU Standard PC|DMI: VMware|DMI: OpenStack|DMI: KubeVirt|DMI: Red Hat KVM", says="the log is of a guest", by="Linux DMI"),
    Phrase("guest-marks", "booting paravirtualized kernel on kvm", says="the log is of a guest", by="Linux arch/x86/kernel/paravirt.c"),
    Phrase("guest-marks", "red hat, inc. ", r"Red Hat, Inc\. (?:Virtio|QEMU|QXL)", says="the listing is of a guest", by="pci.ids"),
    Phrase("guest-marks", "kata-proxy", says="the log is of a guest", by="Kata Containers: kata-proxy passes the guest's console on"),
    Phrase("guest-marks", "reading guest console", says="the log is of a guest", by="Kata Containers"),
    Phrase("guest-marks", "pcipassthru", r"pciPassthru\d*\.", says="the guest's definition", by="VMware"),
    Phrase("guest-marks", "maxphysaddr", r"maxphysaddr", says="the guest's definition", by="libvirt"),
    Phrase("guest-marks", "pci_passthrough:alias", says="the guest's flavor", by="nova"),
    Phrase("hidden-hypervisor", "hid", r"<hidden state=['\"]on|kvm=off|hide_hypervisor_id\S*\s*[=:]\s*['\"]?true", says="the hypervisor is hidden", by="libvirt"),
    Phrase("hidden-hypervisor", "kvm=off", says="the hypervisor is hidden", by="QEMU"),
    Phrase("container", "launcher", r"virt-launcher|Launcher\.Sync|SyncVMI|kubevirt", says="libvirt runs in a container", by="KubeVirt"),
    Phrase("container", "podman", says="libvirt runs in a container", by="podman"),
    Phrase("mdev-uuid", "mdev", r"(?:mdev|vfio_mdev|i915-GVTg|nvidia-\d+|mediated)", says="a mediated device is meant", by="Linux mdev"),
    Phrase("windows-nvidia", "geforce", says="a consumer card", by="NVIDIA"),
    Phrase("cyborg", "accel:device_profile", says="the device comes from Cyborg", by="nova"),
)

PHRASES = (*MISTAKES, *FACTS)
