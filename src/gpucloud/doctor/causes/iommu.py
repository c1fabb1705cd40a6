"""Causes in firmware, the IOMMU and KVM."""

from __future__ import annotations

from gpucloud.doctor.causes.cause import Cause, Heading

_REBOOT = "one reboot of the host; its guests stop for that time"
_NONE = "nothing"
_KPARAM = "Linux Documentation/admin-guide/kernel-parameters.txt"
_VFIO_DOC = "Linux Documentation/driver-api/vfio.rst"

IOMMU = Heading(
    "IOMMU and firmware",
    (
        Cause(
            "iommu-disabled-firmware",
            "The IOMMU is off in the firmware",
            "VT-d, AMD-Vi or the Arm SMMU is off in the firmware, or the firmware gives the kernel no "
            "DMAR, IVRS or "
            "IORT table, so no device has an IOMMU group and vfio can give nothing away.",
            (
                "/sys/kernel/iommu_groups is empty although the kernel was asked for the IOMMU",
                "the kernel log has no `ACPI: DMAR` and no `ACPI: IVRS` line",
                "QEMU: `no iommu_group found: No such file or directory`",
                "a write to vfio-pci/bind fails with `Invalid argument`",
                "AMD: `PCI-DMA: using GART IOMMU` (the kernel found no AMD-Vi)",
            ),
            (
                "Turn VT-d, AMD-Vi (IOMMU) or SMMU on in the firmware setup",
                "Boot again and look at the groups",
            ),
            f"{_REBOOT}, and somebody at the console or its remote management",
            (
                "Linux drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c",
                "Linux drivers/vfio/vfio_main.c: a device without group is refused with EINVAL",
                _VFIO_DOC,
            ),
        ),
        Cause(
            "iommu-missing-kernel-arg",
            "The kernel was not asked for the IOMMU",
            "The firmware offers the IOMMU, but the running kernel leaves it off: the argument is "
            "absent, switches it "
            "off, belongs to the other vendor, or stands in a file that the boot loader does not read.",
            (
                "a DMAR table and no `DMAR: IOMMU enabled` in the kernel log",
                "`DMAR-IR: Enabled IRQ remapping` alone, which needs no argument",
                "/proc/cmdline lacks intel_iommu=on while /etc/default/grub or /etc/kernel/cmdline has it",
                "libvirt: `host doesn't support passthrough of host PCI devices`",
            ),
            (
                (
                    "Intel: add intel_iommu=on (and iommu=pt) to the kernel arguments where this boot loader "
                    "reads them"
                ),
                "AMD: nothing turns it on but the firmware; remove amd_iommu=off or iommu=off",
                (
                    "Write the boot menu again (update-grub, grub2-mkconfig, grubby), reboot, look at "
                    "/proc/cmdline"
                ),
            ),
            _REBOOT,
            (
                _KPARAM,
                "Linux drivers/iommu/intel/Kconfig: INTEL_IOMMU_DEFAULT_ON",
                "grub-mkconfig(8), grubby(8)",
            ),
        ),
        Cause(
            "interrupt-remapping-missing",
            "No interrupt remapping",
            "The IOMMU runs without interrupt remapping. A guest with a device could then forge "
            "interrupts, so vfio "
            "refuses devices unless it is told to go on unsafely.",
            (
                '`No interrupt remapping support. Use the module param "allow_unsafe_interrupts"`',
                "`x2apic: IRQ remapping doesn't support X2APIC mode`",
                "`AMD-Vi: [Firmware Bug]: : No southbridge IOAPIC found`, `IOAPIC[N] not in IVRS table`",
                "`This system BIOS has enabled interrupt remapping on a chipset that contains an erratum`",
                "iommufd: `MSI interrupts are not secure, they cannot be isolated by the platform`",
            ),
            (
                "Update the firmware and turn x2APIC and interrupt remapping on",
                "Remove nointremap and intremap=off from the kernel arguments",
                "On a board without it, and for one tenant only: vfio_iommu_type1.allow_unsafe_interrupts=1",
            ),
            _REBOOT,
            ("Linux drivers/vfio/vfio_iommu_type1.c", "Linux drivers/iommu/irq_remapping.c", _KPARAM),
        ),
        Cause(
            "unsafe-interrupts",
            "Unsafe interrupts allowed without need",
            "vfio_iommu_type1.allow_unsafe_interrupts=1 is set on a host whose interrupt remapping works: a "
            "protection of the host is given up for nothing.",
            (
                "the option on the kernel command line or in modprobe.d",
                "`remapped` interrupt lines in the kernel log",
            ),
            ("Remove the option, write the boot image again, reboot",),
            _REBOOT,
            (
                "Linux drivers/vfio/vfio_iommu_type1.c",
                "Proxmox VE manual, PCI passthrough: general requirements",
            ),
        ),
        Cause(
            "iommu-argument-ignored",
            "An IOMMU argument that does nothing",
            "amd_iommu=on is not an option that the kernel knows (the AMD IOMMU is on wherever the "
            "firmware offers "
            "it), and each vendor's argument acts only where the firmware has that vendor's table, whatever "
            "the processor: DMAR for intel_iommu=, IVRS for amd_iommu=.",
            (
                "`AMD-Vi: Unknown option - 'on'` in the kernel log",
                (
                    "/proc/cmdline with intel_iommu= where the firmware has only IVRS, or amd_iommu= where "
                    "it has only DMAR"
                ),
            ),
            ("Leave it or remove it",),
            _NONE,
            (
                "Linux drivers/iommu/amd/init.c: parse_amd_iommu_options(), amd_iommu_detect()",
                "Linux drivers/iommu/intel/iommu.c: intel_iommu_setup(); dmar.c: detect_intel_iommu()",
                _KPARAM,
            ),
        ),
        Cause(
            "rmrr-ineligible",
            "The firmware reserves memory for the device (RMRR)",
            "The firmware declares a reserved memory region for the device (HP shared memory, USB "
            "legacy, management "
            "agents). The kernel then refuses to hand the device out, because a guest could not honour "
            "the region.",
            ("`Device is ineligible for IOMMU domain attach due to platform RMRR requirement`",),
            (
                (
                    "HPE Gen9 and later: switch shared memory features off for the slot (conrep, System "
                    "Configuration)"
                ),
                "Update the firmware, or move the card to another slot",
                "As a last resort a kernel patched to relax RMRR, for one tenant only",
            ),
            _REBOOT,
            (
                "Linux drivers/iommu/intel/iommu.c: device_rmrr_is_relaxable()",
                "Intel VT-d specification, reserved memory region reporting",
            ),
        ),
        Cause(
            "iommu-address-width",
            "An address beyond the IOMMU's width",
            "The guest maps an address (memory, or the BAR of another device) that the IOMMU of the host "
            "has too few "
            "address bits for.",
            (
                "`vfio_dma_map(...) = -22 (Invalid argument)` with a high guest address",
                "`DMAR: iommu width (39) is not sufficient for the mapped address`",
            ),
            (
                "Limit the physical address bits of the guest to the IOMMU's width (host-phys-bits-limit=39)",
                "Messages about BARs alone do no harm where devices do not talk to each other",
            ),
            "the guest is started again",
            ("Linux drivers/iommu/intel/iommu.c", "QEMU hw/vfio/container.c, docs of host-phys-bits-limit"),
        ),
        Cause(
            "bar-allocation",
            "No room for a BAR of the card on the host",
            "Firmware and kernel find no address space for a BAR of the card on the host (above 4G "
            "decoding off, CSM, "
            "a small 32-bit window), or the host enlarged the BAR so that a guest cannot take it.",
            (
                "`BAR 1: no space for [mem size ...]`, `can't assign; no space` in the host's kernel log",
                "`This PCI I/O region assigned to your NVIDIA device is invalid: BAR1 is 0M @ 0x0`",
                "the driver's probe fails with error -12",
            ),
            (
                "Turn above 4G decoding on and CSM off in the firmware",
                "Raise MMIO base and size; turn resizable BAR or SR-IOV off where they take the room",
                "Try pci=realloc, remove cards under the same root",
            ),
            f"{_REBOOT}, and somebody at the firmware setup",
            ("Linux drivers/pci/setup-res.c, setup-bus.c", "PCI Express base specification: resizable BAR"),
        ),
        Cause(
            "kvm-unavailable",
            "No hardware virtualization that works",
            "There is no usable /dev/kvm: the processor's flag is off, the host is itself a guest "
            "without nested "
            "virtualization, the module is absent, or QEMU may not open the device.",
            (
                "`Could not access KVM kernel module: No such file or directory` or `Permission denied`",
                "`kvm: disabled by bios`, `kvm: no hardware support`, `kvm_intel: VMX not supported by CPU`",
                "libvirt: `invalid argument: could not get preferred machine ... domain type=kvm`",
            ),
            (
                "Turn VT-x or SVM on in the firmware",
                "On a guest: nested=1 at the hypervisor below, and the host's processor model",
                "Permission: put the user of QEMU into the group kvm",
            ),
            _REBOOT,
            ("Linux arch/x86/kvm/vmx/vmx.c, svm/svm.c, virt/kvm/kvm_main.c", "QEMU accel/kvm/kvm-all.c"),
        ),
    ),
)
