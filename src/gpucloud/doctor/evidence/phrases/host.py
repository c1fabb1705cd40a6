"""What vfio, QEMU, libvirt and the tools of a host say when a device is to be given away."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_QEMU = "QEMU hw/vfio/"
_LIBVIRT = "libvirt src/hypervisor/virhostdev.c"
_NVIDIA = "NVIDIA kernel-open/nvidia/nv-pci.c"
_HELD, _IN_USE, _COMPANION = "host-driver-grabbed-gpu", "gpu-in-use", "companion-function-not-bound"
_MODULE, _ROM, _RESET, _MEMLOCK = "wrong-kernel-module", "vbios-rom", "reset-bug", "memlock-limit"
_MEMORY, _MAC, _SECURE, _IMAGE = "host-memory-short", "mac-denied", "secure-boot", "initramfs-not-updated"
_IDS = "vfio-ids-wrong"

GROUP = (
    Phrase("group-not-viable", "not viable", r"group (?P<group>\d+) is not viable|group is not viable|not viable",
           says="vfio refuses the group: a device in it is on a host driver", by=f"{_QEMU}common.c"),
    Phrase("group-not-viable", "within the iommu_group are bound", says="vfio refuses the group: a device in it is on a "
           "host driver", by=f"{_QEMU}common.c"),
    # iommufd takes the group when it binds a device: refused while another device of it has a host driver.
    Phrase("group-not-viable", "error bind device fd", r"error bind device fd=\d+ to iommufd=\d+: Operation not permitted", says="vfio refuses the group: a device in it is on a "
           "host driver", by=f"{_QEMU}iommufd.c; Linux drivers/iommu/iommu.c: iommu_device_claim_dma_owner()"),
    # A group that a driver of the host uses is refused when it joins the container; one with memory that the
    # firmware reserved cannot be parted from it, which the kernel answers with EINVAL.
    Phrase("group-not-viable", "failed to set group container", r"failed to set group container: Operation not permitted", says="vfio refuses the group: a device in it is on a "
           "host driver", by=f"{_QEMU}container.c; Linux drivers/iommu/iommu.c: iommu_group_claim_dma_owner()"),
    Phrase("group-direct", "failed to set group container", r"failed to set group container: Invalid argument", "rmrr-ineligible", 0.7,
           "The kernel refuses the group: the firmware asks for memory of its own for a device in it", f"{_QEMU}container.c; Linux drivers/iommu/iommu.c: __iommu_device_set_domain()"),
    Phrase("group-direct", "error bind device fd", r"error bind device fd=\d+ to iommufd=\d+: Invalid argument", "rmrr-ineligible", 0.65,
           "The kernel refuses the group: the firmware asks for memory of its own for a device in it", f"{_QEMU}iommufd.c; Linux drivers/iommu/iommu.c: __iommu_device_set_domain()"),
    Phrase("bridge-given", "non-endpoint pci devices", cause="acs-missing", confidence=0.55, by=_LIBVIRT, says="A bridge was given to the guest: only endpoints can be, and a bridge in a group is left as it is"),
    Phrase("device-from-group", "error getting device", r"(?:vfio (?P<device>\S+): )?error getting device (?:\S+ )?from "
           r"group (?P<group>\d+): (?P<error>[^\n]+?)(?: Verify|$)",
           says="vfio does not hand the device out", by=f"{_QEMU}common.c"),
    Phrase("used-twice", "used in multiple address spaces", r"group (?P<group>\d+) used in multiple address spaces",
           "viommu-group-split", 0.97, "A virtual IOMMU parts devices that share a group on the host", f"{_QEMU}common.c"),
    Phrase("lacks-acs", "lacking acs", r"behind a switch lacking ACS", "acs-missing", 0.97,
           "The card is behind a switch without access control (ACS)", "libvirt src/util/virpci.c"),
    Phrase("not-assignable", "is not assignable", r"PCI device \S+ is not assignable", "acs-missing", 0.7,
           "libvirt finds the device not isolated enough", _LIBVIRT),
    Phrase("group-shared", "iommu group", r"[Oo]ther devices (?:have been found |were found |are |exist )?in (?:the same|the|its|this|that) IOMMU group|(?:share[sd]?|shares the same|same) IOMMU group(?: \d+)? (?:with|as)|IOMMU group "
           r"\d+ (?:contains|has|also contains) (?:other|multiple|more|devices? (?:in use|that|not))|devices? (?:from|in|of) (?:the same |an? )?IOMMU group"
           r".{0,60}(?:in use|not bound|must)|part of iommu group \d+ .{0,60}in use by the host", "acs-missing", 0.7,
           "The device shares its IOMMU group with others", "several management programs"),
    Phrase("host-unsupported", "support passthrough of host pci", r"host doesn't support passthrough of host PCI devices",
           says="libvirt finds no passthrough on the host", by="libvirt src/qemu/qemu_hostdev.c"),
    Phrase("host-unsupported", "pci passthrough", r"host doesn't support (?:VFIO |legacy |KVM )?PCI passthrough",
           says="libvirt finds no passthrough on the host", by="libvirt src/qemu/qemu_hostdev.c (before 5.10)"),
    Phrase("host-unsupported", "does not support", r"(?:host|node) does(?:n't| not) support (?:PCI )?(?:device )?passthrough",
           says="the host is said not to support passthrough", by=_LIBVIRT),
    Phrase("backend-unsupported", "pci backend driver", r"pci backend driver '(?P<driver>\w+)' is not supported",
           says="libvirt does not know this way of assigning", by=_LIBVIRT),
    Phrase("vfio-unsupported", "device assignment is", r"VFIO (?:PCI )?device assignment is (?:currently )?not (?:currently )?supported",
           says="libvirt finds no IOMMU group or no vfio on the host", by="libvirt src/hypervisor/virhostdev.c: virHostdevHostSupportsPassthroughVFIO()"),
)

BINDING = (
    Phrase("bind-refused", "bind", r"(?:writ\w+ (?:to )?(?:bind file|\S*)|tee|echo)\b.{0,60}drivers/(?:vfio-pci|vfio_pci)/(?:bind|"
           r"new_id)\S*.{0,10}(?:invalid argument|Invalid argument|No such device)|[Ff]ailed to bind PCI device \S+ to vfio-pci:"
           r" Invalid argument|vfio-pci/bind.{0,40}nvalid argument",
           says="vfio-pci refuses the device", by="Linux drivers/vfio/vfio_main.c"),
    Phrase("bind-refused", "error -22", r"vfio-pci.{0,60}probe.{0,30}failed with error -22|^\W*(?:\[[\s\d.]+\] )?probe of [0-9a-f:.]+ failed with error -22|probe with driver "
           r"vfio-pci failed with error -22", says="vfio-pci refuses the device", by="Linux drivers/base/dd.c",
           unless=r"amdgpu|nvidia|nouveau|i915|radeon|\bxe\b"),
    Phrase("already-bound", "is already bound to", r"GPU \S+ is already bound to (?P<driver>[\w-]+)", _HELD, 0.95,
           "Another driver took the card first", _NVIDIA, unless=r"already bound to (?:vfio|pci-stub|pciback)"),
    Phrase("bound-for-guests", "is already bound to", r"GPU \S+ is already bound to (?:vfio|pci-stub|pciback)", says="the card is held for guests", by=_NVIDIA),
    Phrase("vf-token", "vf token", r"(?:VF token required to access device|Incorrect VF token provided)", _IDS, 0.7, "The virtual function's physical card is on vfio-pci too: ids that both have bind both", "Linux drivers/vfio/pci/vfio_pci_core.c: vfio_pci_core_match_token_uuid()"),
    Phrase("no-vfio-node", "/dev/vfio/", r"(?:open(?:ing)?|l?stat|access) ['\"]?/dev/vfio/(?P<group>\d+)['\"]?: No such file", _HELD,
           0.75, "The group has no node of vfio: no device in it is on vfio-pci", f"{_QEMU}common.c"),
    Phrase("bind-busy", "bind", r"[Ff]ailed to bind .{0,60}(?:vfio-pci|to stub).{0,40}(?:busy|No such device)|vfio-pci.{0,40}"
           r"probe.{0,20}failed with error -16|/vfio-pci/bind.{0,30}(?:busy|No such device)", _HELD, 0.75,
           "The card cannot be bound: another driver has it", "Linux drivers/base/bus.c"),
    Phrase("occupied", "is occupying your device", cause=_HELD, confidence=0.93, by="QEMU hw/i386/kvm/pci-assign.c", says="The card is on a host driver"),
    Phrase("bind-proxmox", "to vfio", r"Cannot bind \S+ to vfio", _HELD, 0.75, "The card cannot be bound: another driver has it", "Proxmox VE qemu-server"),
    Phrase("bind-busy", "error -16", r"vfio-pci.{0,60}probe.{0,30}error -16|^\W*(?:\[[\s\d.]+\] )?probe of [0-9a-f:.]+ failed with error -16|probe with driver vfio-pci failed with error -16", _HELD, 0.75, "The card cannot be bound: another driver has it", "Linux drivers/base/dd.c"),
    Phrase("not-vfio", "vfio", r"(?:not|isn't) bound to (?:the )?(?:driver )?['\"]?vfio-?(?:pci|_pci)|is bound to (?:the )?(?:host )?"
           r"driver ['\"]?(?:nvidia|nouveau|amdgpu|radeon|i915|xe|snd_hda_intel)|not (?:using|assigned to|managed by) (?:the )?vfio",
           _HELD, 0.8, "The card is on a host driver", "management programs", unless=r"\b(?:audio|sound|HDMI|USB|UCSI)\b[^.]{0,60}\b(?:not|isn't)\b"),
    Phrase("driverctl", "driverctl: failed to bind device", r"driverctl: failed to bind device \S+ to driver vfio-pci", _HELD, 0.5, "The card cannot be bound to vfio-pci", "driverctl"),
    Phrase("unmanaged", "must be manually detached", cause=_HELD, confidence=0.93, by=_LIBVIRT, says="The device is on a host driver and the guest's definition leaves it there (managed='no')"),
    Phrase("framebuffer-switch", "switching to", r"fb\d+: switching to (?P<driver>\w+) from (?:EFI VGA|VESA VGA|simple)",
           says="a host driver takes the boot display", by="Linux drivers/video/aperture.c"),
    Phrase("vfio-added", "vfio_pci: add", r"vfio_pci: add \[(?P<id>[0-9a-f]{4}:[0-9a-f]{4})", says="vfio-pci was given ids",
           by="Linux drivers/vfio/pci/vfio_pci.c"),
    Phrase("ids-invalid", "invalid id string", r"invalid id string \"?(?P<id>[^\"\n]*)", _IDS, 0.97,
           "The ids of vfio-pci are written wrongly", "Linux drivers/vfio/pci/vfio_pci.c"),
    Phrase("ids-parameter", "vfio", r"vfio[-_]pci: (?:unknown parameter '?(?P<name>[^' ]+)|`[^']*' invalid for parameter|.{0,40}"
           r"[Ii]nvalid parameter)", _IDS, 0.95, "The ids of vfio-pci are written wrongly", "Linux kernel/params.c",
           # Parameters that a kernel can be built without; those are left out, and the ids are read.
           unless=r"unknown parameter '?(?:disable_vga|nointxmask|enable_sriov|disable_idle_d3|disable_(?:deny|black)list)\b"),
    Phrase("ids-line", "ignoring bad line", r"/etc/modprobe\.d/\S+ line \d+: ignoring bad line starting with '[0-9a-f]{4}:[0-9a-f]{4}", _IDS, 0.95, "The ids of vfio-pci are written on lines of their own: modprobe ignores them", "kmod libkmod-config.c"),
    Phrase("ids-xen", "pci_devs_to_hide", r"pciback: Error parsing pci_devs_to_hide at", _IDS, 0.95, "The cards for guests are written wrongly: Xen hides none", "Linux drivers/xen/xen-pciback/pci_stub.c"),
    Phrase("unknown-argument", "unknown kernel command line", r"Unknown kernel command line parameters.{0,300}(?P<name>vfio\S*"
           r"ids=\S*|[0-9a-f]{4}:[0-9a-f]{4})", _IDS, 0.9, "The ids of vfio-pci are written wrongly", "Linux init/main.c"),
    Phrase("in-use-count", "non-zero usage count", cause=_IN_USE, confidence=0.97, by=_NVIDIA,
           says="A process of the host has the card open: it cannot be taken away"),
    Phrase("in-use-domain", "in use by", r"(?:PCI|mediated) device ['\"]?[\w:./-]+['\"]? (?:is )?(?:already )?in use by (?:driver \w+,? ?)?"
           r"(?:domain|VM|other|another)?", _IN_USE, 0.95, "Another guest has the device", _LIBVIRT),
    Phrase("in-use-vm", "in use by vm", r"(?:already )?in use by VM(?:ID)? ?'?\d+", _IN_USE, 0.97, "Another guest has the device",
           "Proxmox VE qemu-server"),
    Phrase("in-use-attached", "already attached", r"device (?:\S+ )?is already attached", _IN_USE, 0.9,
           "The device is already attached to a guest", f"{_QEMU}pci.c"),
    Phrase("in-use-node", "/dev/vfio/", r"/dev/vfio/(?:devices/)?(?:vfio)?\d+['\"]?.{0,40}(?:busy|EBUSY)", _IN_USE, 0.9,
           "Another process has the group open", "Linux drivers/vfio/group.c"),
    Phrase("in-use-node", "error bind device fd", r"error bind device fd=\d+ to iommufd=\d+: Device or resource busy", _IN_USE, 0.85, "Another process has the device open", f"{_QEMU}iommufd.c"),
    Phrase("in-use-blocked", "blocked until", r"Device is currently in use, task .{0,60}blocked until device is released|No device request channel registered, blocked until released by user", _IN_USE, 0.9,
           "A guest has the device: it cannot be taken from vfio-pci", "Linux drivers/vfio/vfio_main.c, pci/vfio_pci_core.c"),
    Phrase("in-use-blocked", "relaying device request to user", cause=_IN_USE, confidence=0.75, by="Linux drivers/vfio/pci/vfio_pci_core.c", says="A guest has the device, and is asked to give it up", level=Level.INFO),
    Phrase("in-use-by-slices", "cannot bind to pf with sr-iov enabled", cause=_IN_USE, confidence=0.85, by="Linux drivers/vfio/pci/vfio_pci_core.c", says="The card's virtual functions are enabled: it cannot be given away whole"),
    Phrase("in-use-active", "active device", r"Not (?:detaching|reattaching|resetting) active device", _IN_USE, 0.85, "A guest has the device", "libvirt src/util/virpci.c"),
    Phrase("in-use-client", "in use by another client", cause=_IN_USE, confidence=0.85, by="nvidia-smi, NVML",
           says="Another program uses the card"),
    Phrase("in-use-module", "is in use", r"\b(?:FATAL|ERROR): Module (?:nvidia\w*|nouveau|amdgpu|i915|xe|radeon) is "
           r"in use", _IN_USE, 0.9, "Something on the host uses the driver of the card", "modprobe(8)"),
    Phrase("in-use-taken", "(-19)", r"amdgpu: (?:leaking bo va|failed to clear page tables on GEM object close) \(-19\)", _IN_USE, 0.8, "Programs of the host had the card open when it was taken from its driver", "Linux amdgpu_gem.c, amdgpu_gem_object_close()"),
    Phrase("in-use-lock", "unbindlock", r"[Cc]annot obtain unbindLock|unbindLock.{0,40}fail", _IN_USE, 0.9,
           "A program of the host has the card open", "NVIDIA unbindLock"),
    Phrase("in-use-persistence", "persistenced", r"nvidia-persistenced.{0,80}(?:hold|using|open|prevent|block)", _IN_USE, 0.7,
           "The persistence daemon holds the card", "nvidia-persistenced(1)"),
    Phrase("in-use-processes", "in use", r"(?:GPU|device|card)\b.{0,60}\b(?:still |currently )?(?:in use|used) by (?:process|PID|the "
           r"following|pid)", _IN_USE, 0.8, "A process of the host has the card open", "tools"),
    Phrase("in-use-fuser", "/dev/", r"/dev/(?:nvidia\S*|dri/\S+):\s+\S+\s+\d+\s+[Ffm.]{2,6}\s+\S+", _IN_USE, 0.8, "A process of the host has the card open", "fuser(1)"),
    Phrase("in-use-lsof", "chr", r"^\S+\s+\d+\s.*\bCHR\b.*/dev/(?:nvidia\d|nvidiactl|dri/)", _IN_USE, 0.7, "A process of the host has the card open", "lsof(8)"),
    Phrase("in-use-hung", "blocked for more than", r"task (?:bash|tee|sh|libvirtd|virtqemud|echo|driverctl|rpc-\w+|prio-rpc\S*):\d+ blocked for"
           r" more than", _IN_USE, 0.6, "Taking the card from its driver hangs", "Linux kernel/hung_task.c"),
    Phrase("in-use-unbind", "unbind", r"unbind\S{0,20}.{0,30}\b(?:device or resource )?busy\b|[Ff]ailed (?:to unbind|unbinding).{0,90}(?:busy|timed out|in use)", _IN_USE, 0.75, "The card cannot be taken from its driver: something uses it", "Linux drivers/base/dd.c"),
    *(Phrase("in-use-said", needle, r"(?:can't|cannot|can not|could not|couldn't|unable to|fail\w* to) (?:unload|remove|rmmod|unbind) (?:the )?(?:nvidia|nouveau|amdgpu|radeon|i915|GPU)\b", _IN_USE, 0.55, "The driver of the card cannot be unloaded: something uses it", "people")
      for needle in ("unload", "rmmod", "unbind")),
    *(Phrase("in-use-said", needle, r"(?:hang\w*|hung|stuck|freez\w*|frozen) (?:while|when|on|during|at) (?:the )?(?:detach|unbind)", _IN_USE, 0.55, "Taking the card from its driver hangs", "people")
      for needle in ("detach", "unbind")),
    Phrase("in-use-detach", "nodedev-detach", r"nodedev-detach.{0,80}(?:\bhangs?\b|\bstuck\b|never (?:returns|finishes))", _IN_USE, 0.6, "Taking the card from its driver hangs", "virsh(1)"),
    Phrase("bar-busy-vgpu", "unable to unbind", r"[Uu]nable to unbind|unbind.{0,40}(?:hang|hung|timed out|timeout|stuck)", _IN_USE, 0.6,
           "Taking the card from its driver hangs", "management programs"),
)

MODULES = (
    Phrase("module-missing", "not found", r"(?:FATAL: )?[Mm]odule '?vfio(?:[-_](?!virqfd)\w+)?'? (?:was )?not found|[Ff]ailed to find module "
           r"'?vfio(?:[-_](?!virqfd)\w+)?'?", _MODULE, 0.9, "The running kernel has no vfio", "modprobe(8)",
           unless=r"dracut|initramfs"),
    Phrase("vfio-node", "/dev/vfio/vfio", r"/dev/vfio/vfio['\"]?.{0,30}(?:No such (?:file|device)|does not exist|not found|missing)", _MODULE,
           0.85, "/dev/vfio/vfio is missing: the running kernel has no vfio loaded", f"{_QEMU}container.c"),
    # The directory is there as long as the driver is registered; it is named with a hyphen, unlike the module.
    Phrase("vfio-driver-absent", "/drivers/vfio-pci", r"/sys/bus/pci/drivers/vfio-pci/?(?:(?<=/)(?:new_id|remove_id|bind|unbind))?['\"]?: No such file", _MODULE, 0.85, "vfio-pci is not loaded: sysfs has no directory of the driver", "Linux drivers/base/bus.c: bus_add_driver()"),
    Phrase("iommufd-node", "/dev/iommu", r"(?:open|access|stat)\w* ['\"]?/dev/iommu['\"]?: No such (?:file|device)", _MODULE, 0.85, "The running kernel has no iommufd", "QEMU backends/iommufd.c"),
    Phrase("no-iommu-model", "no available iommu models", cause=_MODULE, confidence=0.85, by=f"{_QEMU}container.c",
           says="vfio has no IOMMU backend: vfio_iommu_type1 is not loaded"),
    Phrase("module-load", "failed to load", r"[Ff]ailed to load (?:the )?(?:PCI )?(?:stub |driver )?module '?(?:vfio|kvm_vfio|pci_stub)", _MODULE,
           0.85, "vfio cannot be loaded", "libvirt src/util/virpci.c"),
    Phrase("module-prohibited", "administratively prohibited", r"(?:load|module).{0,60}administratively prohibited", _MODULE, 0.8,
           "The module is forbidden by a blacklist", "libvirt src/util/virkmod.c"),
    Phrase("module-symbols", "symbol", r"(?:disagrees about version of symbol|Unknown symbol \w+ \(err -?\d+\))", _MODULE, 0.85,
           "A module was built for another kernel", "Linux kernel/module"),
    Phrase("module-magic", "version magic", r"version magic '.*' should be '", _MODULE, 0.9,
           "A module was built for another kernel", "Linux kernel/module"),
    # Since Linux 6.4 a device's driver without operations for iommufd gets -EINVAL, and a warning is traced.
    Phrase("vfio-register-warned", "__vfio_register_dev", r"__vfio_register_dev\+0x", "driver-kind-or-version", 0.7, "A driver of the host registers its devices as for older kernels, and vfio refuses them", "Linux drivers/vfio/vfio_main.c: __vfio_register_dev()"),
    Phrase("module-format", "could not insert", r"could not insert '?\w+'?: (?:Exec format error|Unknown symbol in module)", _MODULE, 0.85,
           "A module was built for another kernel", "modprobe(8)"),
    Phrase("module-running", "/lib/modules/", r"(?:vfio|kvm|iommu)[^\n]{0,80}/lib/modules/\S.{0,110}No such file|/lib/modules/\S.{0,60}(?:vfio|kvm).{0,60}No such file|Module (?:vfio|kvm|iommu|pci.stub)\w* not found in directory /lib/modules/|depmod: ERROR: could not open directory /lib/modules/\S+: No such file|/lib/modules/[^/\s]+/modules\.\w+['\"]?: No such file", _MODULE, 0.75,
           "The modules of the running kernel are not installed", "modprobe(8)", unless=r"/build|nvidia|source|vfio_virqfd"),
    Phrase("module-stock", "undocumented flag", r"Incompatible option enable_guc=\d+ - undocumented flag", _MODULE, 0.85,
           "The i915 in use is the stock one, not the build with SR-IOV", "Linux drivers/gpu/drm/i915/gt/uc"),
    Phrase("module-dkms", "original_module exists", says="an add-on module is installed beside the stock one", by="dkms(8)"),
    Phrase("module-dkms-bad", "bad return status for module build", says="the add-on module was not built", by="dkms(8)"),
    Phrase("module-unknown-parameter", "unknown parameter", r"(?:i915|xe|nvidia|amdgpu|kvm\w{0,6}): unknown parameter '(?P<name>\w+)' ignored",
           _MODULE, 0.75, "The module in use does not know an option that it was given", "Linux kernel/params.c", Level.WARNING),
    Phrase("secure-unsigned", "unsigned module", r"[Ll]oading of (?:unsigned module|module with unsupported crypto) is (?:rejected|restricted)|unsigned module loading is "
           r"restricted", _SECURE, 0.97, "The kernel refuses an unsigned module", "Linux kernel/module/signing.c"),
    Phrase("secure-key", "key", r"(?:Key was rejected by service|Required key not available|Loading of module with unavailable key is "
           r"rejected)", _SECURE, 0.97, "The kernel refuses a module whose signature it does not trust", "Linux kernel/module/signing.c"),
    Phrase("secure-key", "pkcs#7 signature", r"PKCS#7 signature not signed with a trusted key", _SECURE, 0.9, "The kernel refuses a module whose signature it does not trust", "Linux crypto/asymmetric_keys/pkcs7_trust.c", unless=r"Loading compiled-in"),
    Phrase("secure-installer", "kernel module load error", r"Kernel module load error: (?:Operation not permitted|Key was rejected|Required key not available)", _SECURE, 0.88, "The kernel refuses the driver's modules", "nvidia-installer kernel.c"),
    Phrase("secure-installer", "secure boot is enabled on this system", cause=_SECURE, confidence=0.9, by="nvidia-installer", says="The kernel refuses a module whose signature it does not trust"),
    Phrase("secure-lockdown", "lockdown", r"Lockdown: \S+: .{0,60}(?:unsigned module|direct PCI access|module parameters?|PCI BAR|\bMSR).{0,60}is restricted", _SECURE, 0.95,
           "The locked-down kernel refuses", "kernel_lockdown(7)"),
    # What the rest of a system asks for and can do without: hibernation, /dev/mem for fwupd and dmidecode.
    Phrase("secure-lockdown", "lockdown", r"Lockdown: \S+: .{0,120}is restricted", _SECURE, 0.6, "The locked-down kernel refuses something", "kernel_lockdown(7)", Level.INFO),
    Phrase("secure-insert", "operation not permitted", r"could not insert (?:module )?'?\"?[\w./-]+'?\"?: Operation not permitted", _SECURE, 0.9,
           "The kernel refuses to load the module", "modprobe(8)"),
    Phrase("secure-verify", "module verification failed", r"verification failed: signature and/or required key missing", _SECURE, 0.4,
           "An unsigned module was loaded: it taints the kernel", "Linux kernel/module", Level.INFO),
    Phrase("secure-enabled", "secure boot enabled", r"[Ss]ecure boot enabled|SecureBoot enabled", says="Secure Boot is on", by="Linux, mokutil(1)"),
    Phrase("virqfd", "vfio_virqfd", r"(?:[Ff]ailed to (?:find|load) module|module not found:|[Cc]annot find module|FATAL: Module).{0,12}vfio_virqfd|vfio_virqfd'?.{0,60}(?:not found|cannot"
           r" be found|could not be (?:found|loaded))", _IMAGE, 0.9, "vfio_virqfd is no module any more (Linux 6.2): the boot image is built without it",
           "Linux 6.2 drivers/vfio/Makefile", Level.WARNING, unless=r"systemd-modules-load|modprobe\b.*\bbuilt ?in"),
    # On a running system nothing is lost: its code is in the module vfio.
    Phrase("virqfd-listed", "vfio_virqfd", r"systemd-modules-load.{0,60}vfio_virqfd|(?:MODULES=|add_drivers\+?=|force_drivers\+?=).{0,120}vfio_virqfd|^\s*vfio_virqfd\s*$", _IMAGE, 0.3, "vfio_virqfd is no module any more since Linux 6.2: a boot image cannot be built with it",
           "Linux 6.2 drivers/vfio/Makefile", Level.INFO),
    Phrase("dracut-space", "surrounding white spaces", cause=_IMAGE, confidence=0.9, by="dracut.sh", level=Level.WARNING,
           says="A list of drivers for the boot image lacks the spaces inside its quotes"),
    Phrase("dracut-failed", "dracut", r"dracut.{0,20}(?:FAILED|ERROR|installation of|Cannot install)|dracut.{0,40}[Mm]odule '?(?:vfio|nvidia|kvm|pci)\S*'? (?:cannot be (?:found|installed)|will not be "
           r"installed)", _IMAGE, 0.85, "The boot image could not be built", "dracut(8)"),
    Phrase("initramfs-disabled", "update-initramfs", r"update-initramfs is disabled|update-initramfs: failed|E: .{0,60}mkinitramfs failure|update-initramfs[^;]{0,25}"
           r"(?:error|not been updated)", _IMAGE, 0.85, "The boot image could not be built", "update-initramfs(8)"),
    Phrase("mkinitcpio-failed", "==> error", r"==> ERROR: .{0,90}(?:module|image|hook)", _IMAGE, 0.85, "The boot image could not be built",
           "mkinitcpio(8)"),
    Phrase("boot-full", "/boot", r"/boot\b(?![\w-]).{0,80}No space left on device|No space left on device.{0,80}/boot\b(?![\w-])|initrd\.img.{0,80}No space left", _IMAGE, 0.85,
           "The boot image could not be written: /boot is full", "update-initramfs(8)"),
)

CARD = (
    Phrase("reset-unavailable", "reset", r"Cannot reset device \S+,? no available reset mechanism|[Uu]nable to reset PCI device .{0,80}(?:no FLR|reset)|"
           r"no FLR, PM reset or bus reset available", _RESET, 0.9, "The card has no reset that works", f"{_QEMU}pci.c, libvirt src/util/virpci.c",
           unless=r"Cannot reset device (?:(?:0000:)?00:(?!02\.0)[0-9a-f]{2}\.[0-7]|\S+\.[1-7]\b)", passed="guest-started"),
    # QEMU says so at each start, and a guest runs with it; the next one may not.
    Phrase("reset-unavailable-part", "no available reset mechanism", r"Cannot reset device \S+\.[1-7],? no available reset mechanism", _RESET, 0.8, "A function given to the guest has no reset that works", f"{_QEMU}pci.c",
           Level.WARNING, unless=r"Cannot reset device (?:0000:)?00:", passed="guest-started", needs="complaint"),
    Phrase("reset-depends", "which is not owned", r"[Cc]annot reset device \S+,? depends on group \d+ which is not owned", _RESET, 0.8,
           "The card can only be reset together with devices that the guest does not have", f"{_QEMU}pci.c",
           # A function of the chipset is on bus 0 and no card: QEMU says so at each start, and the guest runs.
           unless=r"device (?:0000:)?00:(?!02\.0)[0-9a-f]{2}\.[0-7]|[Cc]annot reset device \S+\.[1-7],", passed="guest-started"),
    Phrase("reset-depends-part", "which is not owned", r"[Cc]annot reset device \S+\.[1-7],? depends on group \d+ which is not owned", _RESET, 0.5,
           "A function can only be reset together with devices that the guest does not have", f"{_QEMU}pci.c", Level.INFO),
    Phrase("reset-method", "reset method", r"(?:Unsupported|Invalid) reset method '\w+'", _RESET, 0.8, "The kernel has no reset of the kind that was asked for",
           "Linux drivers/pci/pci.c, reset_method_store()"),
    Phrase("reset-bus-active", "not doing bus reset", r"Active .{0,40} devices on bus with .{0,40}not doing bus reset", _RESET, 0.8,
           "The card can only be reset together with devices that are in use", "libvirt src/util/virpci.c"),
    Phrase("reset-failed-qemu", "reset", r"(?:vfio|VFIO)[^\n]{0,60}(?:hot reset failed|failed to reset|reset (?:of the )?device failed)|Failed to reset (?:vfio )?"
           r"(?:PCI )?device|vfio_pci_hot_reset.{0,40}fail|VFIO_DEVICE_RESET.{0,30}fail|[Hh]ot reset (?:of the GPU )?failed|error resetting device", _RESET, 0.8,
           "The card could not be reset", f"{_QEMU}pci.c"),
    Phrase("reset-proxmox", "reset pci device", r"(?:can't|failed to) reset PCI device '?[0-9a-f:.]+", _RESET, 0.5, "The card could not be reset", "Proxmox VE qemu-server", Level.WARNING),
    Phrase("amd-ring", "test failed", r"(?:amdgpu|radeon|drm).{0,60}(?:ring \w+ test failed|IB test failed)", _RESET, 0.6, "The card does not start again: it was not reset", "Linux amdgpu"),
    Phrase("reset-mention", "reset bug", cause=_RESET, confidence=0.75, by="AMD cards", says="The card is not reset between guests",
           unless=r"\b(?:no|not|without|free of|fix(?:es|ed)?|solved)\b.{0,25}reset bug|reset bug.{0,25}\b(?:is|was|got) (?:fixed|solved|gone)"),
    Phrase("reset-inaccessible", "error -19", r"vfio.{0,60}(?:failed|error).{0,10}-19", _RESET, 0.4, "The card does not answer", "vfio", Level.WARNING),
    Phrase("atombios", "atombios stuck", cause=_RESET, confidence=0.85, by="Linux amdgpu/atom.c",
           says="The card was not reset: its BIOS does not run a second time"),
    Phrase("vendor-reset-failed", "reset result", r"AMD_\w+: reset result = -\d+", _RESET, 0.88, "The card was not reset", "gnif/vendor-reset"),
    Phrase("vendor-reset-failed", "amd_", r"AMD_(?:POLARIS|VEGA|NAVI)\w*: (?:[^\n]{0,60}\bfailed\b|timed out|could not|PSP mode1 reset failed)", _RESET, 0.85, "The card was not reset", "gnif/vendor-reset src/amd"),
    Phrase("vendor-reset-failed", "vfio-pci", r"vfio-pci \S+ (?:SMU error 0x|Failed to send message 0x\w+: return)", _RESET, 0.85, "The card was not reset: its controller does not answer", "gnif/vendor-reset src/amd"),
    Phrase("vendor-reset-done", "reset result = 0", says="the reset module reset the card", by="gnif/vendor-reset"),
    Phrase("vendor-reset", "performing reset", r"AMD_\w+: (?:performing (?:pre-|post-)?reset|bus reset)", _RESET, 0.55, "A reset module works on the card: it does not reset by itself", "gnif/vendor-reset", Level.WARNING, passed="vendor-reset-done"),
    Phrase("amd-psp", "psp", r"(?:PSP (?:load \w+ failed|create ring failed|tmr init failed|is not alive|firmware loading failed)|psp.{0,30}(?:hw_init|resume).{0,40}"
           r"failed|hw_init of IP block <psp> failed)", _RESET, 0.75, "The card was not reset: its security processor does not start again", "Linux amdgpu/amdgpu_psp.c"),
    Phrase("amd-post", "gpu post", r"(?:amdgpu|radeon).{0,40}(?:gpu post error|asic reset (?:on init )?failed|GPU reset (?:failed|begin.{0,40}failed))|"
           r"amdgpu.{0,60}(?:Fatal error during GPU init)", _RESET, 0.6, "The card does not start: it was not reset", "Linux amdgpu"),
    Phrase("amd-post", "fatal error during gpu init", cause=_RESET, confidence=0.6, by="Linux amdgpu", says="The card does not start: it was not reset"),
    Phrase("amd-hung", "gpu reset", r"(?:amdgpu|radeon).{0,60}GPU reset\(\d+\) failed", _RESET, 0.7, "The card hangs and its reset fails", "Linux amdgpu/amdgpu_device.c"),
    Phrase("amd-hung", "timeout", r"amdgpu.{0,60}ring \w+ timeout", _RESET, 0.5, "The card hangs", "Linux amdgpu/amdgpu_job.c", Level.WARNING),
    Phrase("amd-smu", "smu", r"SMU: (?:I'm not done with your previous command|No response)|SMU is (?:in hanged state|hung|not alive)|failed to (?:init powerplay|load SMU)|SMU firmware load(?:ing)? failed|Failed to (?:enable requested dpm|setup smc hw)", _RESET, 0.62,
           "The card does not start again: its power controller hangs", "Linux drivers/gpu/drm/amd/pm"),
    Phrase("driver-firmware", "direct firmware load for", r"Direct firmware load for (?:amdgpu|i915|xe|nvidia|nouveau)/\S+ failed with error -2", "driver-kind-or-version", 0.75, "The firmware of the card's driver is not installed", "Linux drivers/base/firmware_loader; linux-firmware",
           Level.WARNING, unless=r"nouveau", needs="driver-gave-up"),
    Phrase("amd-asic", "asic reset", r"(?:asic|ASIC) reset (?:on init )?failed|BACO reset failed|failed to do (?:mode1|BACO) reset|ASIC reset failed with error", _RESET,
           0.85, "The card was not reset", "Linux amdgpu"),
    Phrase("rom-signature", "rom", r"Invalid PCI ROM (?:header|data) signature|Cannot read device rom|option ROM contents are probably invalid", _ROM, 0.85,
           "The card shows no usable video BIOS", f"Linux drivers/pci/rom.c, {_QEMU}pci.c",
           # The processor's own graphics has no ROM BAR: its video BIOS is in system memory.
           unless=r"\b00:02\.0", passed="driver-runs"),
    Phrase("rom-signature-igd", "00:02.0: invalid pci rom", says="The processor's graphics shows no video BIOS", by="Linux drivers/pci/rom.c"),
    Phrase("rom-chain", "in pci rom", r"No more images in PCI ROM", _ROM, 0.35, "The card's ROM ends before its last image",
           "Linux drivers/pci/rom.c, pci_get_rom_size()", Level.INFO, unless=r"\b00:02\.0"),
    Phrase("rom-chain", "in the pci rom", r"No more image in the PCI ROM", _ROM, 0.35, "The card's ROM ends before its last image",
           "Linux drivers/pci/rom.c, pci_get_rom_size()", Level.INFO, unless=r"\b00:02\.0"),
    Phrase("rom-not-found", "unable to locate usable image", cause=_ROM, confidence=0.85, by="Linux drivers/gpu/drm/nouveau/nvkm/subdev/bios", says="The driver finds no video BIOS on the card"),
    Phrase("rom-not-found", "locate a bios rom", cause=_ROM, confidence=0.9, by="Linux amdgpu_bios.c, radeon_bios.c", says="The driver finds no video BIOS on the card"),
    Phrase("rom-not-found", "failed to copy vbios", r"failed to copy vbios to system memory", _ROM, 0.9, "The driver finds no video BIOS on the card", _NVIDIA),
    Phrase("rom-file", "romfile", r"failed to find romfile|could not (?:open|load|read).{0,40}(?:romfile|option rom|\.rom)|romfile.{0,160}(?:Permission denied|No such "
           r"file|[Cc]ould not)", _ROM, 0.93, "QEMU cannot read the ROM file", "QEMU hw/pci/pci.c", unless=r"no iommu_group|not viable"),
    Phrase("rom-file", ".rom", r"\.rom['\"]?.{0,40}(?:Permission denied|No such file)|[Cc]annot access \S+ file '?\S+\.rom", _ROM, 0.85, "QEMU cannot read the ROM file",
           "QEMU hw/pci/pci.c", unless=r"no iommu_group|not viable|apparmor|avc:"),
)

LIMITS = (
    Phrase("memlock-kernel", "rlimit_memlock", r"RLIMIT_MEMLOCK \(\d+\) exceeded|RLIMIT_MEMLOCK.{0,60}(?:exceed|fail|too (?:low|small)|not permitted|denied|insufficient)|(?:set|rais|increas|adjust)\w*.{0,40}RLIMIT_MEMLOCK", _MEMLOCK, 0.95,
           "The guest's memory cannot be locked: RLIMIT_MEMLOCK is too low", "Linux drivers/vfio/vfio_iommu_type1.c"),
    Phrase("memlock-map", "cannot allocate memory", r"(?:VFIO_MAP_DMA|IOMMU_IOAS_MAP\w*|vfio_dma_map|vfio_container_dma_map|iommufd_backend_map_\w*dma|DMA map(?:ping)?)"
           r".{0,160}Cannot allocate memory", _MEMLOCK, 0.93, "The guest's memory cannot be locked for DMA", f"{_QEMU}container.c"),
    *(Phrase("memlock-map", needle, r"(?:dma_map|MAP_DMA|pin_pages).{0,130}(?:= |ret |: |: ?errno[:= ]*)-12\b", _MEMLOCK, 0.93,
           "The guest's memory cannot be locked for DMA", f"{_QEMU}container.c") for needle in ("dma_map", "map_dma", "pin_pages")),
    Phrase("map-fault", "= -14", r"Region (?:pc\.ram|mach-virt\.ram|dimm\w*|mem\w*|ram-node\w*|\S*ram-node\w*)\W.{0,140}= -14\b", _MEMORY, 0.6,
           "The guest's memory cannot be had: what it is backed with (huge pages, a file) is short", "Linux drivers/vfio/vfio_iommu_type1.c: vaddr_get_pfns()"),
    *(Phrase("memlock-entries", needle, r"(?:dma_map|MAP_DMA).{0,130}(?:= |: ?)-28\b|dma_entry_limit.{0,40}(?:reached|exceeded|exhausted)", _MEMLOCK, 0.7, "The number of DMA mappings is at its limit (vfio_iommu_type1 dma_entry_limit)", "Linux drivers/vfio/vfio_iommu_type1.c") for needle in ("dma_map", "map_dma", "dma_entry_limit")),
    Phrase("memlock-hotplug", "dma mapping failed", r"DMA mapping failed, unable to continue", _MEMLOCK, 0.6, "The guest's memory cannot be mapped for DMA: most often the limit of locked memory is too low", f"{_QEMU}listener.c: vfio_listener_region_add()"),
    Phrase("memlock-mlock", "locking memory failed", cause=_MEMLOCK, confidence=0.8, by="QEMU system/vl.c, os-posix.c: os_mlock()", says="Memory cannot be locked"),
    Phrase("memlock-prlimit", "memory locking limit", r"(?:cannot|unable to|failed to) (?:set|raise|get|change).{0,40}memory locking limit", _MEMLOCK, 0.93, "The limit of locked memory cannot be raised", "libvirt src/qemu/qemu_domain.c"),
    Phrase("memlock-other", "dma", r"(?:(?:Vfio|Iommu)\w*DmaMap|DMA remapping|dma_map).{0,80}(?:ENOMEM|error 12|Error\(12\)|code: 12|Cannot allocate memory|out of memory)", _MEMLOCK, 0.88, "The guest's memory cannot be locked for DMA", "Cloud Hypervisor, DPDK"),
    Phrase("memlock-prlimit", "locked memory", r"cannot (?:limit|set|get) locked memory|locked memory.{0,40}(?:limit|exceed|too low)|(?:failed|unable|cannot) to "
           r"(?:set|raise|adjust|limit).{0,40}locked memory", _MEMLOCK, 0.95, "The limit of locked memory cannot be raised", "libvirt src/util/virprocess.c"),
    Phrase("memlock-prlimit", "prlimit", r"\bprlimit\b.{0,120}(?:[Oo]peration not permitted|[Pp]ermission denied|EPERM)", _MEMLOCK, 0.88, "The limit of locked memory cannot be raised", "KubeVirt pkg/virt-handler/isolation/detector.go"),
    Phrase("memlock-words", "memlock", r"memlock.{0,60}(?:fail|exceed|too (?:low|small)|not permitted|denied|insufficient|error)|(?:fail\w*|error|unable).{0,60}memlock",
           _MEMLOCK, 0.85, "The limit of locked memory is too low", "management programs"),
    Phrase("memlock-mlock", "mlock", r"mlock(?:all)?.{0,40}(?:fail|Cannot allocate)", _MEMLOCK, 0.8, "Memory cannot be locked", "QEMU"),
    Phrase("ram-backing", "guest ram", r"unable to map backing store for guest RAM|can't (?:open|create) backing store \S+ for guest RAM|[Ii]nsufficient free host memory pages|allocate guest RAM", _MEMORY, 0.95,
           "The host has too little (huge page) memory for the guest", "QEMU softmmu/physmem.c, util/oslib-posix.c", unless="Permission denied"),
    Phrase("ram-permission", "guest ram", r"backing store \S* ?for guest RAM.{0,10}Permission denied", _MAC, 0.7, "QEMU may not use the directory of the huge pages", "QEMU softmmu/physmem.c"),
    Phrase("ram-backing", "mmap ram pages", r"can't mmap RAM pages", _MEMORY, 0.93, "The host has too little (huge page) memory for the guest", "QEMU exec.c: file_ram_alloc() (before 2.9)"),
    Phrase("ram-backing", "allocate guest memory", r"[Cc](?:annot|ould not|an't) allocate guest memory", _MEMORY, 0.9, "The host has too little memory for the guest", "QEMU softmmu/physmem.c"),
    Phrase("ram-hugetlb", "hugetlb", r"HugeTLB: (?:allocating|allocated) \d+ of page size.{0,40}failed|[Oo]nly allocated \d+ hugepages", _MEMORY, 0.8, "The kernel could not make all the huge pages that it was asked for", "Linux mm/hugetlb.c: hugetlb_hstate_alloc_pages_report()", Level.WARNING),
    Phrase("ram-hugetlb", "hugepages allocation", r"hugepages? allocation.{0,30}(?:only|failed)", _MEMORY, 0.75, "The kernel could not make all the huge pages that it was asked for", "management programs", Level.WARNING),
    Phrase("ram-page-size", "is not supported by the host", r"[Pp]age ?size \d+ is not supported by the host", _MEMORY, 0.9, "The host has no huge pages of the size that the guest asks for", "nova/exception.py MemoryPageSizeNotSupported"),
    Phrase("ram-page-size", "requested memory pagesize", r"does not support requested memory pagesize|not enough free memory pages of the requested size", _MEMORY, 0.85, "The host has no (or too few) huge pages of the size that the guest asks for", "nova/virt/hardware.py"),
    Phrase("ram-claim", "free memory", r"Free memory \d+(?:\.\d+)? MB < requested \d+", _MEMORY, 0.88, "The host has too little memory for the guest", "nova/compute/claims.py"),
    Phrase("ram-evicted", "low on resource: memory", cause=_MEMORY, confidence=0.7, by="Kubernetes kubelet eviction manager", says="The guest's pod was thrown out: its node ran out of memory"),
    Phrase("ram-backing", "set up guest memory", r"[Cc]annot set up guest memory", _MEMORY, 0.95, "The host has too little memory for the guest",
           "QEMU softmmu/physmem.c"),
    Phrase("ram-prealloc", "prealloc", r"(?:os_mem_prealloc|preallocat\w+ memory|mem-prealloc|qemu_prealloc_mem).{0,80}(?:fail|[Ii]nsufficient|[Cc]annot)", _MEMORY, 0.9,
           "The host has too little (huge page) memory for the guest", "QEMU util/oslib-posix.c"),
    Phrase("ram-hugepages", "huge", r"(?:hugepage|huge page|hugetlb).{0,66}(?:not enough|insufficient|failed|unavailable|cannot|could not|fail)|(?:insufficient|not enough|"
           r"no(?:t enough)? free|failed to allocate|(?:cannot|unable to|not able to) allocate).{0,60}(?:hugepage|huge page|hugetlb)|hugepage allocation failed|Insufficient hugepages", _MEMORY, 0.9,
           "The host has too few huge pages", "Linux hugetlbpage"),
    Phrase("ram-hugetlbfs", "hugetlbfs", r"Unable to find any usable hugetlbfs mount|hugetlbfs filesystem is not mounted", _MEMORY, 0.85, "The host has no huge pages of the size that the guest asks for", "libvirt src/qemu/qemu_command.c"),
    Phrase("ram-oom", "qemu", r"(?:Killed process \d+ \((?:qemu|kvm)|oom-kill:.{0,300}task=(?:qemu|kvm)|(?:qemu|kvm)\S* invoked oom-killer)", _MEMORY, 0.93,
           "The kernel killed QEMU: it was over its memory limit", "Linux mm/oom_kill.c"),
    Phrase("ram-oom", "killed process", r"Killed? process \d+ \((?:qemu|kvm|CPU \d+/KVM|virt-launcher)", _MEMORY, 0.93,
           "The kernel killed QEMU: it was over its memory limit", "Linux mm/oom_kill.c"),
    Phrase("ram-oom", "kill process", r"Kill process \d+ \((?:qemu|kvm|CPU \d+/KVM|virt-launcher)", _MEMORY, 0.93, "The kernel killed QEMU: it was over its memory limit", "Linux mm/oom_kill.c (before 5.1)"),
    Phrase("ram-oom", "killed by the oom killer", r"(?<![\w-])(?:machine-qemu\S*|qemu\S*|\d+)\.scope: .{0,60}killed by the OOM killer", _MEMORY, 0.9, "The kernel killed QEMU: it was over its memory limit", "systemd"),
    Phrase("ram-cgroup", "memory: usage", r"\bmemory: usage (?P<kb>\d+)kB, limit (?P=kb)kB, failcnt [1-9]", _MEMORY, 0.85, "The memory limit around QEMU leaves no room for it", "Linux mm/memcontrol.c (cgroup v1)"),
    *(Phrase("ram-oom-said", needle, r"\b(?:qemu|kvm|virt-launcher|virtiofsd|guest|VMs?)\b.{0,60}\bOOM.?[Kk]ill|\bOOM.?[Kk]ill.{0,60}\b(?:qemu|kvm|virt-launcher|virtiofsd|guest|VMs?)\b", _MEMORY, 0.75, "QEMU was killed for want of memory", "people")
      for needle in ("oom kill", "oom-kill", "oomkill")),
    Phrase("ram-pod", "oomkilled", cause=_MEMORY, confidence=0.75, by="Kubernetes", says="The guest's pod was killed: its memory limit leaves no room for QEMU"),
    Phrase("selinux", "avc:", r"avc: +denied +\{(?P<what>[^}]*)\}(?:(?!permissive=\d).)*(?:mdev|vfio|kvm|nvidia|gpu|/dri|\bdri_device|hugetlbfs|sysfs_t|container_t|spc_t|svirt|virt_launcher)", _MAC, 0.95, "SELinux refuses", "SELinux AVC", unless="permissive=1|virt_qemu_ga_t"),
    Phrase("selinux-other", "avc:", r"avc: +denied +\{[^}]*\}.{0,200}(?:comm=\"(?:qemu|virt|libvirt|kvm|rpc-)|scontext=\S{0,60}(?:virt|qemu))", _MAC, 0.85, "SELinux refuses", "SELinux AVC", unless="permissive=1|virt_qemu_ga_t", needs="refusal"),
    Phrase("selinux-permissive", "permissive=1", r"avc: +denied +\{[^}]*\}(?:(?!permissive=\d).)*(?:mdev|vfio|kvm|nvidia|gpu|/dri|container_t|spc_t|virt)", _MAC, 0.5, "SELinux would refuse, if it enforced its policy", "SELinux AVC", Level.INFO, unless="virt_qemu_ga_t"),
    Phrase("selinux", "selinux is preventing", r"SELinux is preventing .{0,300}(?:virt|qemu|kvm|vfio|mdev|nvidia|/dri|gpu)", _MAC, 0.9, "SELinux refuses", "setroubleshoot"),
    Phrase("selinux", "selinux policy denies access", cause=_MAC, confidence=0.85, by="libselinux, D-Bus, systemd", says="SELinux refuses"),
    Phrase("apparmor", "denied", r"apparmor=\"?DENIED.{0,80}operation=\"exec\".{0,160}name=\"[^\"]*(?:qemu|kvm)|apparmor=\"?DENIED.{0,200}name=\"(?:/dev/|[^\"]*(?:vfio|mdev|\.rom\b|vbios|vgabios|hugepages|nvidia|/dri/|/kvm\b|iommu))", _MAC, 0.95, "AppArmor refuses", "Linux security/apparmor/audit.c",
           # Looking for what the guest may use, it asks for more than it needs.
           unless=r"profile=\"[^\"]{0,60}virt-aa-helper\".{0,80}name=\"/(?:dev|proc|sys)/"),
    # Many denials of a guest's profile are noise: QEMU asks for files of /proc and /sys that it can do without.
    Phrase("apparmor-other", "denied", r"apparmor=\"?DENIED.{0,300}?\b(?:profile|comm)=\"?[^\" ]*(?:virt|qemu|kvm|lxd|incus)", _MAC, 0.6, "AppArmor refuses something to a guest", "Linux security/apparmor/audit.c", Level.WARNING, needs="refusal", unless=r"perf_stream_paranoid|/etc/gss/mech\.d|/uevent\"|/proc/\d+/(?:task/\d+/)?(?:cmdline|comm)|mountinfo|name=\"/sys/devices/(?:system|virtual)/|lttng-ust|capname=|operation=\"ptrace\""),
    Phrase("apparmor-profile", "apparmor profile", r"(?:cannot|[Ff]ailed to) (?:load|update|create|replace) AppArmor profile", _MAC, 0.85, "AppArmor's profile of the guest cannot be loaded", "libvirt src/security/security_apparmor.c"),
    Phrase("sysfs-permission", "driver_override", r"driver_override['\"]?: (?:Permission denied|Read-only file system|Operation not permitted)", _MAC, 0.6, "The driver of a device may not be changed from here: sysfs is closed to this container or user", "Linux sysfs"),
    Phrase("sysfs-permission", "/sys/bus/pci/", r"/sys/bus/pci/\S*/(?:(?:un)?bind|new_id|remove_id|reset\w*|drivers_probe|config|remove|rescan|sriov_numvfs)['\"]?: (?:Permission denied|Read-only file system|Operation not permitted)", _MAC, 0.55, "A device may not be touched from here: sysfs is closed to this container or user", "Linux sysfs"),
    Phrase("vfio-label", "/dev/vfio/", r"(?:unable to set (?:user and group|security context)|Unable to set XATTR).{0,160}/dev/vfio/", _MAC, 0.75, "libvirt may not give QEMU the device of vfio", "libvirt src/security/security_dac.c, security_selinux.c"),
    Phrase("apparmor-helper", "skipped restricted file", cause=_MAC, confidence=0.85, by="libvirt src/security/virt-aa-helper.c: vah_add_path()", says="libvirt's AppArmor profile leaves out a file of the guest: its place is a forbidden one"),
    Phrase("vfio-permission", "/dev/vfio/", r"/dev/(?:vfio/(?:devices/)?(?:vfio\d*|\d+)|iommu)['\"]?: (?:Operation not permitted|Permission denied)", _MAC, 0.55,
           "QEMU may not open the device of vfio", f"{_QEMU}container.c"),
    Phrase("config-permission", "config space file", r"open config space file '\S+': (?:Permission denied|Operation not permitted|Read-only)", _MAC, 0.8, "libvirt may not open the device's configuration: sysfs is closed to it", "libvirt src/util/virpci.c: virPCIDeviceConfigOpenInternal()"),
    Phrase("binary-permission", "cannot execute binary", r"cannot execute binary \S*(?:qemu|kvm)\S*: Permission denied", _MAC, 0.8, "libvirt may not start QEMU", "libvirt src/util/vircommand.c"),
    Phrase("vfio-permission", "/dev/iommu", r"/dev/iommu['\"]?: (?:Operation not permitted|Permission denied)", _MAC, 0.55, "QEMU may not open the device of iommufd", "QEMU backends/iommufd.c"),
    Phrase("set-iommu", "failed to set iommu", r"failed to set iommu for container: (?P<error>Operation not permitted)", "interrupt-remapping-missing", 0.65,
           "vfio refuses the device: without interrupt remapping, or because the firmware reserves memory for it", f"{_QEMU}container.c"),
)

PHRASES = (*GROUP, *BINDING, *MODULES, *CARD, *LIMITS)
