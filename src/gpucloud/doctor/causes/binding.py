"""Causes in isolation and binding on the host."""

from __future__ import annotations

from gpucloud.doctor.causes.cause import Cause, Heading

_REBOOT = "one reboot of the host; its guests stop for that time"
_NONE = "nothing"
_KPARAM = "Linux Documentation/admin-guide/kernel-parameters.txt"
_VFIO_DOC = "Linux Documentation/driver-api/vfio.rst"

ISOLATION = Heading(
    "Isolation",
    (
        Cause(
            "acs-missing",
            "The GPU shares its IOMMU group",
            "The GPU is in one IOMMU group with devices that are no part of it, because the port or "
            "switch above has "
            "no access control (ACS). vfio gives groups away whole, so the others must go too; where "
            "they are other "
            "GPUs, only one guest can have them.",
            (
                "the group of the GPU lists a disk, a network card or another GPU",
                "`group N is not viable`",
                "`Device ... is part of iommu group N with devices that are in use by the host`",
            ),
            (
                "Sell GPUs of one group together",
                (
                    "Move the card under another root port; turn ACS on in the firmware; go back to the "
                    "kernel that split the groups"
                ),
                "Never bind a whole group without looking for the boot disk and the network card in it",
            ),
            f"{_REBOOT}; risk: binding the group takes the host's disk or network",
            (
                "Linux drivers/iommu/iommu.c: pci_device_group()",
                "Linux drivers/pci/pci.c: pci_acs_enabled(), quirks.c",
                _VFIO_DOC,
            ),
        ),
        Cause(
            "acs-override",
            "Groups split by decree",
            "pcie_acs_override (in patched kernels only) makes the kernel assume an isolation between "
            "devices that "
            "the hardware does not give.",
            ("pcie_acs_override= among the kernel arguments",),
            ("Keep it for one tenant only; else remove it and give groups away whole",),
            _REBOOT,
            ("ACS override patch (linux-zen, Proxmox VE kernels); Proxmox VE manual, PCI passthrough",),
        ),
        Cause(
            "companion-function-not-bound",
            "A companion function is still on its host driver",
            "A card is several PCI functions: display, audio, USB, USB-C. vfio refuses the "
            "group while one of them is on snd_hda_intel, xhci_hcd or another host driver.",
            (
                (
                    "`group N is not viable; Please ensure all devices within the iommu_group are bound to "
                    "their vfio bus driver`"
                ),
                "lspci -nnk shows vfio-pci on .0 and another driver on .1, .2 or .3",
            ),
            (
                "gpucloud plan --unit ADDRESS: it takes every function of the card",
                "Or add all ids to vfio-pci.ids, which takes every card with those ids",
            ),
            "the host loses the card's sound and USB ports; no reboot",
            (
                "Linux drivers/vfio/group.c: vfio_dev_viable() and vfio_main.c",
                "QEMU hw/vfio/common.c: group is not viable",
            ),
        ),
        Cause(
            "group-not-viable",
            "Some device of the group is on a host driver",
            "vfio refuses a group while an endpoint in it is on a driver that is not vfio's. Which "
            "endpoint it is makes "
            "the cause: a companion function, or a stranger (acs-missing).",
            ("`group N is not viable`", "`Device or resource busy` when the group is opened"),
            (
                (
                    "List the group and look at the driver of each device in it: gpucloud doctor on the host "
                    "names it"
                ),
            ),
            _NONE,
            ("Linux drivers/vfio/vfio_main.c", _VFIO_DOC),
        ),
        Cause(
            "viommu-group-split",
            "A virtual IOMMU parts the functions of one card",
            "With a virtual IOMMU every guest slot has an address space of its own. Functions that share "
            "a group on the "
            "host must then share a slot in the guest.",
            ("QEMU: `group N used in multiple address spaces`",),
            (
                "Put all functions of the card in one guest slot (multifunction=on), as gpucloud launch does",
                "Or leave the virtual IOMMU out, or use iommufd",
            ),
            "the guest is started again",
            ("QEMU hw/vfio/common.c: vfio_get_group()", "QEMU docs: hw/i386/intel_iommu.c"),
        ),
    ),
)

BINDING = Heading(
    "Binding on the host",
    (
        Cause(
            "host-driver-grabbed-gpu",
            "A driver of the host has the GPU",
            "nvidia, nouveau, nova_core, amdgpu, i915, xe or a framebuffer driver took the card before "
            "vfio-pci, or was "
            "never asked to leave it. A function has one driver at a time.",
            (
                "lspci -nnk: `Kernel driver in use: nouveau`",
                "`NVRM: GPU ... is already bound to ...`",
                "the ids are given to vfio-pci and the card is still on its host driver",
            ),
            (
                "gpucloud plan --unit ADDRESS, gpucloud apply: by address, without a reboot",
                "At boot: softdep DRIVER pre: vfio-pci, vfio-pci in the boot image, or a driver override",
            ),
            "the host loses the card; no reboot for the first way",
            (
                "Linux drivers/base/dd.c",
                "Linux Documentation/ABI/testing/sysfs-bus-pci: driver_override",
                "modprobe.d(5)",
            ),
        ),
        Cause(
            "boot-framebuffer-holds-gpu",
            "The boot framebuffer keeps the card's memory",
            "efifb, vesafb, simpledrm or the plain BOOTFB reservation owns memory inside a BAR of the "
            "boot GPU, so "
            "vfio-pci cannot reserve the BAR.",
            (
                "`vfio-pci ...: BAR 1: can't reserve [mem ...]`",
                "/proc/iomem shows BOOTFB, efifb or simplefb inside the card's BAR",
            ),
            (
                "Make another display the boot display in the firmware",
                "Unbind it: efi-framebuffer.0 or simple-framebuffer.0, after the consoles (vtcon)",
                (
                    "video=efifb:off (old kernels), initcall_blacklist=sysfb_init (5.19 and later; not with "
                    "simpledrm built in)"
                ),
            ),
            f"{_REBOOT}, or none when unbound by hand; no picture from this card",
            (
                (
                    "Linux drivers/firmware/sysfb.c, drivers/video/fbdev/efifb.c, "
                    "drivers/gpu/drm/tiny/simpledrm.c"
                ),
                _KPARAM,
            ),
        ),
        Cause(
            "vfio-ids-wrong",
            "The ids of vfio-pci are wrong",
            "The ids option is written wrongly (spaces, wrong digits such as vendor 11de, a hyphen or "
            "dot in the wrong "
            "place) and has no effect, or one id matches a second, equal card that the host needs.",
            (
                "`vfio_pci: ... invalid parameter` or `unknown parameter`",
                "the id is none of those that lspci -nn shows",
                "both of two equal cards are on vfio-pci",
                "vfio-pci-ids= on the kernel command line; `ignoring bad line starting with '10de:...'`",
            ),
            (
                "Write vendor:device pairs from lspci -nn, comma separated, without spaces",
                "Equal cards: bind by address (gpucloud plan --unit ADDRESS, driver_override), never by id",
            ),
            _REBOOT,
            ("Linux drivers/vfio/pci/vfio_pci.c: vfio_pci_fill_ids()", "Linux kernel/params.c"),
        ),
        Cause(
            "bind-before-unbind",
            "Bound before it was unbound",
            "A function was written to vfio-pci's bind (or its id to new_id) while its host driver still "
            "had it. The "
            "kernel binds only devices that no driver has.",
            (
                "`write error: No such device` or `Device or resource busy` on bind",
                "a script that writes bind before unbind",
            ),
            (
                (
                    "Unbind every function of the group first, set driver_override, then bind all: gpucloud "
                    "plan does it in this order"
                ),
            ),
            "the host loses the card; no reboot",
            ("Linux drivers/base/bus.c: bind_store()", "Linux Documentation/ABI/testing/sysfs-bus-pci"),
        ),
        Cause(
            "config-file-not-read",
            "A configuration file that nothing reads",
            "The setting was written to a path that no program reads: /etc/module for /etc/modules, a "
            "file in modprobe.d "
            "without the ending .conf, a misspelt directory.",
            ("the file is there, and neither /proc/cmdline nor lsmod shows its effect",),
            ("Move the lines to the right file, write boot menu and boot image again, reboot",),
            _REBOOT,
            ("modprobe.d(5), modules-load.d(5), modules(5)", "grub-mkconfig(8): /etc/default/grub"),
        ),
        Cause(
            "initramfs-not-updated",
            "The boot image lacks the configuration",
            "The configuration on disk is right, but the boot image was not written again, or writing it "
            "failed, so "
            "early boot does not know it.",
            (
                "dracut: `Module 'vfio_virqfd' cannot be found` (folded into vfio in Linux 6.2)",
                "`update-initramfs is disabled`",
                "modprobe.d names vfio-pci ids and the host driver still wins at boot",
            ),
            (
                "Debian, Ubuntu: update-initramfs -u -k all; RHEL: dracut -f; Arch: mkinitcpio -P",
                (
                    'Drop vfio_virqfd from lists of modules; put spaces inside the quotes of add_drivers+=" '
                    '... "'
                ),
            ),
            _REBOOT,
            ("dracut.conf(5), update-initramfs(8)", "Linux 6.2: vfio_virqfd is part of vfio"),
        ),
        Cause(
            "wrong-kernel-module",
            "The module is not the one meant, or absent",
            "The kernel has no usable vfio (not built, not installed), or the module in use is not the "
            "one meant: built "
            "for another kernel, the in-tree one in place of the add-on.",
            (
                "`modprobe: FATAL: Module vfio-pci not found`",
                "`failed to open /dev/vfio/vfio` or `/dev/iommu`, `No available IOMMU models`",
                "`disagrees about version of symbol`, `Unknown symbol`, `version magic`",
            ),
            (
                "Boot the distribution's full kernel; install the modules of the running release",
                "Rebuild add-on modules (dkms autoinstall) and the boot image",
            ),
            _REBOOT,
            ("Linux drivers/vfio/Kconfig", "dkms(8)", "Linux kernel/module/main.c"),
        ),
        Cause(
            "gpu-in-use",
            "Something uses the GPU now",
            "A process of the host (display server, persistence daemon, monitoring, container runtime) "
            "or another guest "
            "has the device, and it cannot be taken away.",
            (
                "`NVRM: Attempting to remove device ... with non-zero usage count!`",
                "`PCI device ... is in use by driver QEMU, domain ...`",
                "writing to unbind hangs",
                "`Device is currently in use, task ... blocked until device is released`",
                "`Cannot bind to PF with SR-IOV enabled`: guests have the card's virtual functions",
            ),
            (
                "Stop who holds it: gpucloud doctor names the processes",
                "A mediated device or card serves one guest: end the other one, or choose another card",
            ),
            "the process or guest that holds it ends",
            (
                "NVIDIA open-gpu-kernel-modules kernel-open/nvidia/nv-pci.c",
                "libvirt src/hypervisor/virhostdev.c",
            ),
        ),
        Cause(
            "no-gpu",
            "No GPU that could be given away",
            "No function on the PCI bus is a display or accelerator, or the only display is that of the "
            "server's management controller (ASPEED, Matrox G200), which is no GPU for guests.",
            (
                "lspci shows no VGA controller, 3D controller, display controller or processing accelerator",
                "lspci shows one VGA controller, of ASPEED or Matrox",
            ),
            (
                "Nothing where no card is built in",
                "Where one is: look at its seat, power and riser and at the firmware setup; start from cold",
            ),
            _NONE,
            ("pci.ids: list of known device classes, 03 and 12; 1a03 ASPEED, 102b Matrox G200 series",),
        ),
    ),
)
