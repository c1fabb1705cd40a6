"""Causes in limits, the state of the card, the guest's platform and the drivers."""

from __future__ import annotations

from gpucloud.doctor.causes.cause import Cause, Heading

_REBOOT = "one reboot of the host; its guests stop for that time"
_RESTART = "the guest is started again"

LIMITS = Heading(
    "Limits and permissions",
    (
        Cause(
            "memlock-limit",
            "The limit of locked memory is too low",
            "vfio pins the whole memory of a guest (with a virtual IOMMU once for each device; with "
            "iommufd the BARs "
            "too), and the limit of locked memory of the QEMU process is below that.",
            (
                "`VFIO_MAP_DMA failed: Cannot allocate memory`, `vfio_dma_map(...) = -12`",
                "`RLIMIT_MEMLOCK (65536) exceeded`",
                "`cannot limit locked memory of process ... Operation not permitted`",
            ),
            (
                "libvirt: <memtune><hard_limit> above guest memory, or let libvirt compute it",
                "By hand or in a container: ulimit -l unlimited, LimitMEMLOCK=infinity, CAP_SYS_RESOURCE",
                "Virtual IOMMU: N devices need N times the memory; leave it out or use one device",
            ),
            _RESTART,
            (
                "Linux drivers/vfio/vfio_iommu_type1.c: vfio_lock_acct()",
                "libvirt src/qemu/qemu_domain.c: memory lock limit",
            ),
        ),
        Cause(
            "host-memory-short",
            "Too little memory for the guest on the host",
            "Too few huge pages, pages taken from another NUMA node, or a memory limit around QEMU that "
            "leaves no room "
            "for its overhead with GPUs.",
            (
                "`unable to map backing store for guest RAM: Cannot allocate memory`",
                "`Memory cgroup out of memory: Killed process ... (qemu-kvm)`",
                "`Insufficient free host memory pages available`",
            ),
            (
                "Reserve more huge pages, at boot and for each NUMA node",
                "Give the guest less memory, or its limit more room for QEMU itself",
            ),
            "a reboot where pages are fragmented, else none",
            (
                "Linux Documentation/admin-guide/mm/hugetlbpage.rst",
                "QEMU util/oslib-posix.c, softmmu/physmem.c",
            ),
        ),
        Cause(
            "mac-denied",
            "SELinux or AppArmor refuses",
            "A mandatory access control refuses an action on a device, a mediated device or a file of "
            "the guest.",
            (
                "`avc:  denied  { ... }` in the audit log",
                '`apparmor="DENIED" operation="open" profile="libvirt-..."`',
            ),
            (
                "SELinux: update the policy, restorecon, or a local rule from audit2allow",
                (
                    "AppArmor: put the file where the profile allows it, or add a line to "
                    "/etc/apparmor.d/local/abstractions/libvirt-qemu"
                ),
            ),
            _RESTART,
            ("audit2allow(1), SELinux Notebook: AVC audit events", "libvirt docs: drvqemu, AppArmor"),
        ),
        Cause(
            "hostdev-check-misleading",
            "The check of the host misleads",
            "libvirt says that the host does not support passthrough, while the IOMMU works: the check "
            "runs where it "
            "cannot see /dev/vfio, the module or the groups (in a container), or the platform has a "
            "regression.",
            (
                (
                    "`host doesn't support passthrough of host PCI devices` beside `DMAR: IOMMU enabled` or "
                    "groups that are there"
                ),
            ),
            (
                "Load vfio-pci and see that /dev/vfio/vfio is there, also inside the container",
                "Leave the firmware alone: the IOMMU is on",
            ),
            "nothing",
            (
                (
                    "libvirt src/util/virpci.c and src/hypervisor/virhostdev.c: "
                    "virHostdevHostSupportsPassthroughVFIO()"
                ),
            ),
        ),
        Cause(
            "secure-boot",
            "Secure Boot or lockdown refuses",
            "The kernel is locked down: it loads signed modules only, and refuses raw access to PCI memory.",
            (
                (
                    "`Loading of unsigned module is rejected`, `Key was rejected by service`, `Required key "
                    "not available`"
                ),
                "`Lockdown: ...: ... is restricted; see man kernel_lockdown.7`",
                "`could not insert 'nvidia': Operation not permitted`",
            ),
            (
                "Sign the module with a key enrolled by mokutil --import",
                "Or turn Secure Boot off in the firmware, or lockdown to none",
            ),
            f"{_REBOOT}, with somebody at the console to enrol the key",
            ("kernel_lockdown(7)", "Linux Documentation/admin-guide/module-signing.rst"),
        ),
    ),
)

CARD = Heading(
    "State of the card",
    (
        Cause(
            "reset-bug",
            "The card cannot be reset between guests",
            "The card has no reset method, or one that does not bring it back: it works for the first "
            "guest after the "
            "host's boot, and not for the next.",
            (
                (
                    "`not ready 65535ms after FLR; giving up`, `Failed to return from FLR`, `timed out "
                    "waiting for pending transaction`"
                ),
                (
                    "QEMU: `Cannot reset device ..., no available reset mechanism` or `depends on group N "
                    "which is not owned`"
                ),
                "guest: `atombios stuck in loop`, `PSP ... failed`, code 43 on the second start",
            ),
            (
                "AMD Polaris, Vega, Navi 1x: the module vendor-reset and reset_method=device_specific",
                "Give all functions of the card to the guest, so that the bus can be reset",
                "Else one guest per boot of the host; end guests cleanly",
            ),
            "a reboot of the host when the card is stuck",
            (
                "Linux drivers/pci/pci.c: pci_reset_function(), quirks.c",
                "QEMU hw/vfio/pci.c: vfio_pci_hot_reset()",
                "gnif/vendor-reset",
            ),
        ),
        Cause(
            "power-state-d3",
            "The card does not wake up from D3",
            "The idle card was sent to D3hot or D3cold and does not answer when a guest wants it.",
            (
                "`Unable to change power state from D3cold to D0, device inaccessible`",
                "`Refused to change power state, currently in D3`",
                "`can't change power state from D3cold to D0 (config space inaccessible)`",
            ),
            (
                "options vfio-pci disable_idle_d3=1",
                "echo 0 > .../d3cold_allowed; echo on > .../power/control",
                "pcie_port_pm=off",
            ),
            "some watts; a power cycle where the card is gone",
            ("Linux drivers/pci/pci.c: pci_power_up()", "Linux drivers/vfio/pci/vfio_pci.c: disable_idle_d3"),
        ),
        Cause(
            "vbios-rom",
            "The guest lacks a clean video BIOS",
            "The boot GPU shows a shadow copy of its video BIOS that does not start it again, or QEMU "
            "cannot read the "
            "ROM file that it was given.",
            (
                "`Invalid PCI ROM header signature: expecting 0xaa55, got 0xffff`",
                "`vfio-pci: Cannot read device rom`, `failed to find romfile`",
                "the guest runs and the screen stays black",
            ),
            (
                "Give QEMU a ROM dumped with a vendor tool and cut to its header: <rom file='...'/>",
                "Or make another card the boot display; or rom bar='off' for compute cards",
                "The file must be readable for QEMU's user and its AppArmor profile",
            ),
            _RESTART,
            ("Linux drivers/pci/rom.c, drivers/gpu/vga", "QEMU hw/vfio/pci.c: vfio_pci_load_rom()"),
        ),
        Cause(
            "gpu-fell-off-bus",
            "The card no longer answers on the bus",
            "Reads of the card give all ones: it lost power or its link, or it is broken (Xid 79).",
            (
                "`NVRM: Xid (PCI:...): 79, GPU has fallen off the bus`",
                "lspci: `(rev ff)`, `!!! Unknown header type 7f`",
                "PCIe AER errors at the port above",
                "`RmInitAdapter failed! (0x..:0xf:..)`, `MMIO access returns 0xFFFFFFFF`",
            ),
            (
                "Power the server off and on; seat the card, its power cables and riser",
                (
                    "Keep it out of D3cold; look at temperature and power supply; swap the slot to find the "
                    "part that fails"
                ),
            ),
            "a power cycle of the host; perhaps a new card",
            ("NVIDIA Xid errors: 79", "PCI Express base specification: AER"),
        ),
    ),
)

PLATFORM = Heading(
    "Guest platform",
    (
        Cause(
            "uefi-needed-by-guest",
            "The guest needs UEFI",
            "The guest boots with a legacy BIOS (SeaBIOS), where this card or its ROM needs UEFI (OVMF).",
            (
                "black screen or code 10/12/43 with SeaBIOS, none with OVMF",
                "a card without legacy ROM; BARs above 4 GiB",
            ),
            (
                (
                    "Define the guest with UEFI: <os firmware='efi'>; OpenStack: hw_firmware_type=uefi and "
                    "hw_machine_type=q35"
                ),
            ),
            "the image must boot with UEFI too",
            ("QEMU docs: system/i386/pc, OVMF whitepaper", "nova docs: uefi"),
        ),
        Cause(
            "guest-mmio-window",
            "The guest's 64-bit MMIO window is too small",
            "The BARs of big GPUs do not fit below the physical address width of the guest, or into the "
            "window that its "
            "firmware makes.",
            (
                "guest: `BAR 1: no space for [mem size 0x4000000000 64bit pref]`",
                "guest: `NVRM: BAR1 is 0M @ 0x0`",
                "some of several GPUs are missing; more memory, fewer GPUs",
                "Kata Containers: the same in the log of kata-proxy, from the guest's console",
            ),
            (
                "host-passthrough processor with the host's address bits: <maxphysaddr mode='passthrough'/>",
                "libvirt before 8.7: -global host-x86_64-cpu.host-phys-bits=on in <qemu:commandline>",
                "nova 2024.1 and later: hw:maxphysaddr_mode, hw:maxphysaddr_bits on the flavor",
                (
                    "OVMF before 2022: -fw_cfg name=opt/ovmf/X-PciMmio64Mb,string=262144; VMware: "
                    "64bitMMIOSizeGB"
                ),
            ),
            _RESTART,
            (
                "edk2 OvmfPkg/Library/PlatformInitLib/MemDetect.c",
                "libvirt formatdomain: maxphysaddr",
                "nova docs: address space limitations",
            ),
        ),
        Cause(
            "guest-port-missing",
            "The guest's machine has no port for the device",
            "A PCI Express device goes to a root port of the guest. The machine type has none (i440fx), all "
            "are taken, or the device is to be added to a running guest at the root bus, which takes no "
            "hotplug.",
            (
                "`Bus 'pcie.0' does not support hotplugging`",
                "`No more available PCI slots`",
                "Proxmox VE: `q35 machine model is not enabled`",
            ),
            (
                "Machine type q35; OpenStack: hw_machine_type=q35 on the image",
                "More root ports: <controller type='pci' model='pcie-root-port'/>; nova: num_pcie_ports",
                'Kata Containers: cold_plug_vfio or hot_plug_vfio = "root-port", and pcie_root_port',
            ),
            _RESTART,
            (
                "QEMU docs/pcie.txt: hot-plug",
                "libvirt docs/pci-hotplug.rst",
                "nova configuration reference: libvirt.num_pcie_ports",
            ),
        ),
        Cause(
            "error-43",
            "The guest driver refuses the card (code 43)",
            "The Windows driver stops the device: old consumer drivers when they see a hypervisor, "
            "others when the card "
            "was not reset, the ROM is not clean or the platform lacks something.",
            (
                "Windows device manager: code 43",
                "consumer GeForce with a driver before 465 and a visible hypervisor",
            ),
            (
                (
                    "libvirt: <kvm><hidden state='on'/></kvm>, <hyperv><vendor_id .../></hyperv>, <ioapic "
                    "driver='kvm'/>"
                ),
                (
                    "OpenStack: img_hide_hypervisor_id=true on the image or hw:hide_hypervisor_id=true on "
                    "the flavor"
                ),
                "Laptop cards: a battery table; else look at reset and ROM",
            ),
            _RESTART,
            (
                "NVIDIA release notes 465.89: GeForce in guests",
                "libvirt formatdomain: features",
                "nova docs: hide_hypervisor_id",
            ),
        ),
        Cause(
            "msi-not-enabled",
            "The card runs on line interrupts in the guest",
            "The guest uses line-based interrupts for the card: sound crackles, the driver stalls or "
            "refuses.",
            ("lspci -v in the guest: `MSI: Enable-`", "crackling HDMI sound", "`irq N: nobody cared`"),
            (
                "Windows: MSISupported=1 in the registry of the device",
                "Linux: options snd_hda_intel enable_msi=1, NVreg_EnableMSI=1",
            ),
            _RESTART,
            ("Microsoft: message-signaled interrupts, MSISupported", "QEMU hw/vfio/pci.c: INTx and MSI"),
        ),
        Cause(
            "guest-too-small",
            "The guest is too small for its image or driver",
            "The flavor has too little memory for the image, or the root disk no room for the driver.",
            (
                "the guest's console ends in a panic or the OOM killer early in boot",
                "`No space left on device` while the driver installs",
            ),
            (
                "Set min_ram and min_disk on the image and use a larger flavor",
                "Grow the root disk before the driver is installed",
            ),
            "the guest is made again",
            ("nova docs: flavors, image properties min_ram and min_disk",),
        ),
    ),
)

DRIVERS = Heading(
    "Drivers",
    (
        Cause(
            "guest-driver-not-loaded",
            "The driver is not loaded in the guest",
            "The driver was never built (no headers for the running kernel), or nouveau has the card.",
            (
                "`NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver`",
                "`Unable to find the kernel source tree for the currently running kernel`",
                "lspci -k in the guest: `Kernel driver in use: nouveau`, or no driver in use at all",
                "`Bad return status for module build`, or the compiler refuses the driver's sources",
            ),
            (
                (
                    "Install headers of the running kernel (linux-headers-$(uname -r), kernel-devel-$(uname "
                    "-r)) and build again"
                ),
                "Blacklist nouveau, write the boot image again, reboot the guest",
            ),
            "a reboot of the guest",
            ("NVIDIA driver README: installing the driver, nouveau", "dkms(8)"),
        ),
        Cause(
            "driver-kind-or-version",
            "The wrong kind or version of driver",
            "Data-centre, vGPU guest and vGPU host drivers are three things; new cards need the open "
            "kernel modules; "
            "library, fabric manager and module must be of one version.",
            (
                "`installed in this system is not supported by the NVIDIA ... driver release`",
                "`requires use of the NVIDIA open kernel modules`",
                "`API mismatch: the client has the version ... but this kernel module has the version ...`",
                "`RmInitAdapter failed! (0x..:0x56:..)`: 0x56 is not supported",
                "CUDA errors 35, 803 and 804; a vGPU guest driver newer than the host's manager",
            ),
            (
                "vGPU guest: the guest driver of the manager's release branch",
                "Blackwell and later: the open flavour of the driver",
                "Same version for library, module, fabric manager; reboot after an update",
            ),
            "a reboot of the guest",
            ("NVIDIA vGPU documentation: supported releases", "NVIDIA open-gpu-kernel-modules README"),
        ),
    ),
)
