"""What guests and drivers say: drivers, licences, vGPU, SR-IOV, fabric."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_NVIDIA = "NVIDIA kernel-open/nvidia"
_VGPU = "NVIDIA vGPU user guide"
_DRIVER, _KIND = "guest-driver-not-loaded", "driver-kind-or-version"
_LICENCE, _MANAGER, _BOARD = "vgpu-licence-missing", "vgpu-manager-not-loaded", "vgpu-unsupported-board"
_ASSUMED, _ABSENT, _FULL = "mdev-assumed", "mdev-not-present", "vgpu-type-or-capacity"
_VFS, _FABRIC = "sriov-vfs-not-enabled", "fabric-manager-missing"

PLATFORM = (
    *(Phrase("code-43", needle, r"\b(?:error |code[ :=]*|code\W{0,3})43\b|\b43 (?:error|code)\b", "error-43", 0.8, "Windows stops the card with code 43",
           "Windows device manager", unless=r"error code:? ?43\d|http|\b43\W{0,3}(?:workaround|fix|bypass|patch)|\b(?:no|without|avoids?|prevents?|against)\b.{0,24}code\W43|\bif (?:you|there|it|windows)\b.{0,30}43|\b(?:no|without|avoids?|fix(?:es|ed)?|against) (?:the )?(?:error |code )+43|43\b.{0,60}\b(?:is|was|got) (?:fixed|solved|gone)") for needle in ("error 43", "code")),
    Phrase("code-43", "stopped this device because it has reported problems", cause="error-43", confidence=0.85,
           by="Windows device manager", says="Windows stops the card (code 43)"),
    Phrase("intx-busy", "intx", r"(?:INTx|INTX-0).{0,90}(?:[Dd]evice or resource busy|failed|Failed|[Ee]xclusive)|[Ff]ailed to (?:setup|set up|enable) INTx",
           "msi-not-enabled", 0.7, "The card's line interrupt is shared or cannot be set up: it needs message interrupts",
           "QEMU hw/vfio/pci.c"),
    Phrase("irq-nobody", "nobody cared", r"irq \d+: nobody cared", "msi-not-enabled", 0.7,
           "A line interrupt is not served: the card needs message interrupts", "Linux kernel/irq/spurious.c", Level.WARNING, needs="irq-of-card",
           unless=r"handlers?:(?!.{0,200}(?:vfio|nvidia|nouveau|snd_hda))"),
    Phrase("hda-timeout", "switching to polling mode", r"snd_hda_intel.{0,60}(?:switching to polling mode|No response from codec|azx_get_response "
           r"timeout)", "msi-not-enabled", 0.7, "The card's sound function gets no interrupts", "Linux sound/pci/hda/hda_controller.c", Level.WARNING,
           unless=r"snd_hda_intel 0000:00:"),
    Phrase("msi-enable", "msisupported", cause="msi-not-enabled", confidence=0.75, by="Windows registry", level=Level.WARNING,
           says="The card runs on line interrupts in the guest", pattern=r"MSISupported\W{0,12}(?:0x0+\b|0\b|dword:0+\b)"),
    Phrase("nvreg-msi", "msi", r"(?:Failed to (?:enable|request) MSI|unable to (?:enable|use) MSI|MSI (?:is )?not (?:enabled|supported)|can't (?:find|use) MSI|"
           r"NVRM: Can't find an IRQ|request_irq\(\) failed)", "msi-not-enabled", 0.75, "The card gets no message interrupts", _NVIDIA),
    Phrase("guest-memory", "kernel panic", r"Kernel panic - not syncing: (?:System is deadlocked on memory|Out of memory|.{0,40}no killable processes)", "guest-too-small", 0.8, "The guest has too little memory to boot its image", "Linux mm/oom_kill.c"),
    # Without its boot image a guest finds no root file system; on a host the image itself is absent or wrong.
    Phrase("guest-memory", "unable to mount root fs", cause="guest-too-small", confidence=0.6, by="Linux init/do_mounts.c", says="The guest finds no root file system: most often it has too little memory to unpack its boot image",
           level=Level.WARNING, needs="guest-initramfs"),
    Phrase("guest-initramfs", "initramfs unpacking failed", cause="guest-too-small", confidence=0.85, by="Linux init/initramfs.c",
           says="The guest has too little memory to unpack its boot image"),
    Phrase("guest-oom", "out of memory", r"Out of memory: Killed process", "guest-too-small", 0.6, "The guest runs out of memory", "Linux mm/oom_kill.c",
           side="guest", unless=r"\((?:qemu|kvm)"),
    Phrase("guest-disk", "space", r"(?:don't have enough free space|not enough (?:free )?(?:disk )?space|[Nn]eed more space|needs? \d+ ?[MG]i?B (?:more )?(?:on|space)|insufficient space|"
           r"at least \d+ ?[MG]i?B more space needed)", "guest-too-small", 0.85, "The root disk has no room", "apt, dnf, nvidia-installer", unless=r"space (?:for|of|to place) (?:\w+ ){0,4}?(?:BARs?|bridges?|windows?)\b"),
    Phrase("guest-disk-flavor", "too small for requested image", cause="guest-too-small", confidence=0.97, by="nova/exception.py",
           says="The flavor is too small for the image"),
    Phrase("disk-full", "no space left on device", says="no space is left", by="errno ENOSPC"),
    Phrase("code-12", "enough free resources", r"cannot find enough free resources|\(Code 12\)", "guest-mmio-window", 0.75, "Windows finds no room for the card (code 12)", "Windows device manager"),
    Phrase("code-12", "code 12", r"\b(?:error )?code:? 12\b(?!\d|\.\d)", "guest-mmio-window", 0.6, "Windows finds no room for the card (code 12)", "Windows device manager", Level.WARNING),
    Phrase("code-12", "(code 12)", cause="guest-mmio-window", confidence=0.75, by="Windows device manager", says="Windows finds no room for the card (code 12)"),
    Phrase("phys-bits", "phys-bits too low", cause="guest-mmio-window", confidence=0.85, by="QEMU hw/i386/pc.c",
           says="The guest's physical address width is too small"),
    Phrase("seabios-window", "seabios", r"(?:SeaBIOS|legacy BIOS|BIOS mode).{0,100}(?:black screen|hang|freez|not (?:boot|work|support)|no (?:output|display|signal))|"
           r"(?:requires?|needs?) (?:UEFI|OVMF)|UEFI (?:is )?(?:required|needed)|GOP.{0,30}(?:required|only)", "uefi-needed-by-guest", 0.75,
           "The card needs a guest with UEFI", "OVMF"),
    Phrase("rom-no-legacy", "option rom", r"(?:no legacy option rom|does not (?:have|contain) a legacy|EFI.?only (?:rom|vbios))", "uefi-needed-by-guest", 0.75,
           "The card's ROM is for UEFI only", "PCI firmware specification"),
)

DRIVERS = (
    # The driver says why before; where that is cut off, a BAR without an address is the reason most often.
    Phrase("probe-refused", "failed with error -1", r"(?:nvidia: probe of \S+|probe with driver nvidia) failed with error -1(?!\d)", "guest-mmio-window", 0.42,
           "NVIDIA's driver refuses the card, most often for a BAR without an address", f"{_NVIDIA}/nv-pci.c", Level.WARNING, "guest"),
    Phrase("smi-no-driver", "couldn't communicate with the nvidia driver", cause=_DRIVER, confidence=0.6, by="nvidia-smi",
           says="The NVIDIA driver is not loaded"),
    Phrase("smi-absent", "nvidia-smi", r"nvidia-smi: (?:command )?not found|nvidia-smi['\"]?: executable file not found", _DRIVER, 0.55, "The NVIDIA driver is not installed", "shell"),
    Phrase("no-headers", "kernel source tree", r"Unable to find the kernel source tree|kernel source tree.{0,40}(?:not|missing)", _DRIVER, 0.9, "The headers of the running kernel are absent: the driver cannot be built", "nvidia-installer"),
    Phrase("no-headers", "kernel headers", r"kernel headers for (?:target )?(?:kernel )?\S+ (?:cannot|could not|can't|not) (?:be )?found|kernel headers (?:are )?(?:not (?:found|installed)|missing)",
           _DRIVER, 0.9, "The headers of the running kernel are absent: the driver cannot be built", "dkms(8)"),
    Phrase("no-headers", "linux-headers", r"Unable to locate package linux-headers|linux-headers-\S.{0,80}(?:not (?:found|installed|available)|no installation candidate)|missing.{0,40}\blinux-headers-|[Pp]lease install the linux-headers-", _DRIVER, 0.88, "The headers of the running kernel are absent: the driver cannot be built", "apt, dkms(8)"),
    Phrase("no-headers", "kernel-devel", r"(?:No match for|No|Unable to find a match:?|Couldn't find any|Unable to locate) (?:argument:? |package:? )?\S*kernel-devel|kernel-devel\S* .{0,40}(?:not (?:found|installed|available)|missing|is needed)|No matching packages.{0,40}kernel-devel",
           _DRIVER, 0.9, "The headers of the running kernel are absent: the driver cannot be built", "yum, dnf"),
    Phrase("no-headers", "kernel-headers", r"(?:No match for|No|Unable to find a match:?|Unable to locate) (?:argument:? |package:? )?\S*kernel-headers|kernel-headers\S* .{0,40}(?:not (?:found|installed|available)|missing|is needed)", _DRIVER, 0.88, "The headers of the running kernel are absent: the driver cannot be built", "yum, dnf"),
    Phrase("no-headers", "headers for", r"headers for (?:the )?(?:running|current) kernel.{0,40}(?:not|missing|absent)", _DRIVER, 0.9, "The headers of the running kernel are absent: the driver cannot be built", "dkms(8)"),
    Phrase("no-headers", "/lib/modules/", r"/lib/modules/\S+/(?:build|source)\S*.{0,30}(?:No such file|does not exist|not found|missing)", _DRIVER, 0.88, "The headers of the running kernel are absent: the driver cannot be built", "make(1), dkms(8)"),
    Phrase("no-compiler", "compiler", r"(?:Unable to find (?:the )?development tool|No (?:suitable )?(?:C )?compiler|gcc: (?:command )?not found|cc: not found|"
           r"Failed to find `?cc`?|unable to find.{0,20}compiler)", _DRIVER, 0.8, "There is no compiler: the driver cannot be built", "nvidia-installer"),
    Phrase("nouveau-in-use", "nouveau", r"Nouveau kernel driver is currently in use|nouveau.{0,60}(?:must be disabled|is (?:currently )?(?:loaded|in use|active))|"
           r"[Kk]ernel driver in use: nouveau", says="nouveau has the card", by="nvidia-installer, lspci", unless=r"^\s*(?:softdep|blacklist|options|install) |\bif nouveau"),
    Phrase("not-probed", "no nvidia devices probed", says="The NVIDIA driver found no card that is free", by=_NVIDIA),
    Phrase("ownership-obtained", "obtained ownership", r"obtained ownership of the NVIDIA device", says="another driver took the card first", by=f"{_NVIDIA}/nv-pci.c"),
    Phrase("module-nvidia", "module nvidia", r"(?:FATAL: )?Module nvidia(?:[-_]\w+)? not found", _DRIVER, 0.75, "The NVIDIA module is not built for the running kernel",
           "modprobe(8)", unless=r"vgpu"),
    Phrase("not-probed", "no nvidia graphics adapter found", says="The NVIDIA driver found no card that is free", by=_NVIDIA),
    Phrase("not-probed", "no nvidia gpu found", says="The NVIDIA driver found no card that is free", by=_NVIDIA),
    Phrase("smi-no-devices", "no devices were found", cause=_DRIVER, confidence=0.45, by="nvidia-smi", says="The driver finds no card",
           pattern=r"No devices were found"),
    Phrase("not-supported", "is not supported by the", r"(?:installed in this system is|is) not supported by (?:the )?(?:NVRM: )?(?:open )?NVIDIA \S+ driver release|"
           r"not supported by the.{0,40}driver release", _KIND, 0.93, "The installed driver does not know this card (or vGPU)", f"{_NVIDIA}/nv.c"),
    Phrase("not-supported", "nvidia gpu", r"installed in this system is (?:NVRM: )?not supported", _KIND, 0.9,
           "The installed driver does not know this card (or vGPU)", f"{_NVIDIA}/nv.c"),
    Phrase("not-supported", "is not supported by open", cause=_KIND, confidence=0.92, by=_NVIDIA, says="The open kernel modules do not support this card"),
    Phrase("needs-open", "open", r"requires use of the (?:NVRM: )?NVIDIA open kernel|(?:requires?|needs?|must (?:use|install)|please (?:use|install)) (?:the )?(?:NVIDIA )?open(?:-source| source)? (?:GPU )?kernel modules",
           _KIND, 0.95, "The card works only with the open kernel modules", f"{_NVIDIA}/nv.c"),
    Phrase("open-unsupported", "open nvidia.ko", r"Open nvidia\.ko is only ready for use on", _KIND, 0.9, "The open kernel modules do not support this card", _NVIDIA),
    Phrase("api-mismatch", "api mismatch", r"API mismatch", _KIND, 0.95, "Library and kernel module of the driver have different versions", _NVIDIA),
    Phrase("library-mismatch", "version mismatch", r"Driver/library version mismatch", _KIND, 0.95, "Library and kernel module of the driver have different versions", "NVML"),
    Phrase("fabric-mismatch", "interface version", r"driver interface version \S+ do(?:es)?n.?t match with driver version", _KIND, 0.95,
           "The fabric manager and the driver have different versions", "nv-fabricmanager"),
    Phrase("vgpu-mismatch", "version", r"(?:[Gg]uest (?:VGX|vGPU|driver).{0,40}version.{0,60}(?:not supported|mismatch|incompatible|lower|higher|newer|older|too)|VGPU version mismatch|"
           r"[Ii]ncompatible (?:Guest/Host|host/guest) drivers?|vgpu.{0,60}version.{0,30}(?:mismatch|incompatible))", _KIND, 0.93, "Guest driver and vGPU manager do not fit",
           "nvidia-vgpu-mgr"),
    Phrase("vgpu-mismatch", "incompatible", r"[Gg]uest driver.{0,40}incompatible|incompatible.{0,40}(?:vGPU manager|guest driver|host driver)", _KIND, 0.88, "Guest driver and vGPU manager do not fit", "nvidia-vgpu-mgr"),
    Phrase("gsp-firmware", "gsp", r"(?:RmInitAdapter failed!? \(0x(?:62|22|24|25|26|31):|GSP.{0,40}(?:firmware.{0,40}(?:failed|not found|version|mismatch)|version mismatch))", _KIND, 0.5,
           "The driver does not start the card", _NVIDIA),
    Phrase("rm-init", "rminitadapter failed", cause=_KIND, confidence=0.4, by=_NVIDIA, says="The driver does not start the card"),
)

VGPU = (
    Phrase("unlicensed", "unlicensed", r"(?<!\ban )(?<!\bany )(?<!\bor )(?<!\bor [\"'“`])(?<!licensed/)Unlicensed", _LICENCE, 0.93, "The guest has no vGPU licence", "nvidia-smi", Level.WARNING,
           unless=r"Licensing not supported|=> for unlicensed", passed="licensed"),
    Phrase("licence-failed", "licen", r"(?:[Ff]ailed to (?:acquire|borrow|obtain|get|renew|load).{0,60}licen[sc]e|licen[sc]e.{0,60}(?:expired|could not be (?:acquired|obtained)|acquisition failed|"
           r"denied|not (?:acquired|available|found|obtained))|No (?:valid |GRID |vGPU |valid GRID |valid vGPU )licen[sc]e|[Vv]alid GRID license not found|[Ii]nvalid (?:client )?(?:configuration )?token|"
           r"licen[sc]e server.{0,60}(?:unreachable|not (?:reachable|responding)|unavailable|fail|invalid))", _LICENCE, 0.9, "The guest gets no vGPU licence", "nvidia-gridd",
           Level.WARNING, unless=r"Apache|GPL|license_terms|EULA|Licensing not supported", passed="licensed"),
    Phrase("licence-config", "nvidia-gridd", r"nvidia-gridd.{0,60}(?:Configuration parameter.{0,60}not set|Invalid feature type|Failed to register client|Unable to fetch the client configuration token|Failed to (?:decode signature from token|read configurations from client)|Failed to update local trusted store|[Ii]nvalid server|Unable to open directory /etc/nvidia/(?:license|ClientConfigToken))", _LICENCE, 0.85, "The guest's licence client is not configured, or refused", "nvidia-gridd", Level.WARNING),
    Phrase("gridd-server", "nvidia-gridd", r"nvidia-gridd.{0,80}(?:[Ff]ailed server communication|[Nn]etwork error|[Cc]ould ?n.t connect|[Uu]nable to (?:connect|reach)|Error: .{0,60}7070|timed out|not "
           r"(?:found|loaded|running))", _LICENCE, 0.85, "The guest does not reach its licence server", "nvidia-gridd", Level.WARNING),
    Phrase("licence-on-host", "licensing not supported", cause=_MANAGER, confidence=0.9, by="nvidia-gridd",
           says="The guest's licence daemon runs where it has nothing to do: the guest driver is installed on a host"),
    Phrase("manager-service", "nvidia-vgpu", r"nvidia-vgpu(?:-mgr|-vmm|-vfio)(?:\.service)?.{0,90}?(?:could not be found|not found|Failed with result|Failed to start|Active: failed|dead\)|inactive|does not exist|not loaded|not running)",
           _MANAGER, 0.9, "The vGPU manager does not run", _VGPU, unless=r"Active: active"),
    # nvidia-vgpud ends by itself when it has told the driver the types: inactive is its good end.
    Phrase("manager-service", "nvidia-vgpud", r"nvidia-vgpud(?:\.service)?.{0,90}?(?:could not be found|not found|Failed with result|Failed to start|Active: failed|does not exist|not loaded)",
           _MANAGER, 0.9, "The vGPU manager does not run", _VGPU),
    Phrase("manager-service", "failed to start nvidia vgpu", cause=_MANAGER, confidence=0.9, by="systemd, units of the vGPU manager", says="The vGPU manager does not run"),
    Phrase("manager-module", "nvidia_vgpu_vfio", r"nvidia[_-]vgpu[_-]vfio.{0,40}(?:not found|fail|missing|No such)", _MANAGER, 0.93, "The vGPU manager's module is absent", _VGPU),
    Phrase("manager-probe", "probe for vf", r"Ignoring probe for VF|Aborting probe for VF.{0,60}(?P<iommu>IOMMU)?", _MANAGER, 0.9,
           "The installed driver is not the vGPU manager: it ignores VFs", f"{_NVIDIA}/nv-pci.c", unless=r"IOMMU is not present"),
    # 6 is the answer where no card is one that vGPU knows; the service then ends with "not configured".
    Phrase("board-unknown", "vgpu configuration info to rm", r"failed to send vGPU configuration info to RM: 6\b", _BOARD, 0.93, "The vGPU manager knows no card of this host", "nvidia-vgpud"),
    Phrase("manager-client", "failed to initialize rm client", cause=_MANAGER, confidence=0.8, by="nvidia-vgpu-mgr", says="The vGPU manager does not reach its driver"),
    Phrase("manager-client", "failed to allocate client", cause=_MANAGER, confidence=0.8, by="nvidia-vgpud", says="The vGPU manager does not reach its driver"),
    Phrase("vgpu-no-memory", "vmiop_log", r"vmiop_log: .{0,40}(?:Failed to alloc\w* guest FB|insufficient (?:guest )?(?:FB|frame ?buffer))", _FULL, 0.85, "The card has no memory left for this vGPU", "nvidia-vgpu-mgr"),
    Phrase("vgpu-ecc", "vmiop_log", r"vmiop_log: .{0,60}not supported with ECC|error: vmiop_log: .{0,60}ECC (?:is )?enabled", _BOARD, 0.6, "This board makes no vGPUs while its memory has ECC on", "nvidia-vgpu-mgr; NVIDIA vGPU release notes"),
    Phrase("vgpu-no-uuid", "vm uuid from qemu", r"Failed to get VM UUID from QEMU command-?line", _MANAGER, 0.6, "The vGPU manager finds no UUID on the command line of QEMU, and refuses the guest", "nvidia-vgpu-mgr"),
    Phrase("vgpu-not-supported", "vmiop_log", r"vmiop_log: .{0,20}NVOS status 0x56\b", _BOARD, 0.6, "The driver does not support what the vGPU manager asks of this board", "nvidia-vgpu-mgr; NVIDIA nvstatuscodes.h"),
    Phrase("vgpu-init", "init_device_instance failed", r"init_device_instance failed for inst \d+ with error \d+ \(error setting vGPU configuration", _BOARD, 0.6, "The vGPU manager cannot set the vGPU up on this board", "nvidia-vgpu-mgr"),
    Phrase("vgpu-init", "init_device_instance failed", cause=_FULL, confidence=0.45, by="nvidia-vgpu-mgr", says="The vGPU manager refuses to start the vGPU: no room for its type, or a board without support", level=Level.WARNING),
    Phrase("vgpu-config-space", "failed to read device config space", r"vfio [0-9a-f]{8}-[0-9a-f-]{27}: failed to read device config space", _FULL, 0.5, "The vGPU manager refuses the vGPU: no room for its type, or a board without support", "QEMU hw/vfio/pci.c: vfio_realize()"),
    Phrase("vgpu-start-timeout", "[nvidia-vgpu-vfio]", r"\[nvidia-vgpu-vfio\] \S+: start failed.{0,20}Timeout", _MANAGER, 0.75, "The vGPU manager's daemon does not answer", "nvidia-vgpu-vfio"),
    Phrase("vgpu-start", "[nvidia-vgpu-vfio]", r"\[nvidia-vgpu-vfio\] \S+: start failed", _FULL, 0.55, "The vGPU manager refuses to start the vGPU: no room for its type, or a board without support", "nvidia-vgpu-vfio"),
    Phrase("vgpu-mode", "vgpu mode", r"[Nn]o supported devices in vGPU mode|does not support.{0,20}vGPU mode", _BOARD, 0.75,
           "No card here runs in vGPU mode", "nvidia-smi vgpu"),
    Phrase("vgpu-board", "vgpu", r"(?:GPU|board|device|card)\b.{0,40}(?:is )?not supported (?:by|for|with) (?:the )?(?:NVIDIA )?vGPU|vGPU (?:is )?not supported (?:on|by|for)|(?:does not|doesn't) support "
           r"(?:NVIDIA )?vGPU|unsupported (?:GPU|board|card) for vGPU|vgpu.{0,20}unsupported (?:gpu|device)", _BOARD, 0.93, "The board has no vGPU support", "nvidia-vgpud"),
    Phrase("vgpu-vgx", "vgx capable", r"supported only on VGX capable boards", _BOARD, 0.95, "The board has no vGPU support", "nvidia-vgpu-mgr"),
    Phrase("vgpu-validation", "vgpu validation of the gpu failed", cause=_BOARD, confidence=0.93, by="nvidia-vgpu-mgr", says="The board has no vGPU support"),
    Phrase("vgpu-rm-client", "failed to initialize rm client", cause=_MANAGER, confidence=0.88, by="nvidia-vgpu-mgr", says="The vGPU manager does not reach its driver"),
    Phrase("mdev-directory", "/sys/bus/mdev/devices:", r"/sys/bus/mdev/devices: no such file", _MANAGER, 0.75, "The host has no mdev bus: the vGPU manager's module is not loaded", "Linux mdev"),
    Phrase("vgpu-display-mode", "display mode", r"(?:GPU|current) (?:is )?(?:in )?(?:physical )?display mode|displaymodeselector", _BOARD, 0.6,
           "The card is in display mode, in which it makes no vGPUs", "NVIDIA displaymodeselector"),
    Phrase("gim-asic", "asic does not support sriov", cause=_BOARD, confidence=0.8, by="AMD gim", says="The card or slot offers no SR-IOV to the driver"),
    Phrase("mdev-bus", "mdev_bus", r"/sys/class/mdev_bus.{0,70}(?:does not exist|No such file|not found|empty)|cannot (?:access|open|read).{0,20}/sys/class/mdev_bus", says="the host offers no mediated devices", by="Linux mdev"),
    Phrase("mdevctl-empty", "mdevctl types", r"[#$] ?mdevctl types +(?:[^\s@]{1,40}@[^\s@#$]{1,80}|\S{0,80}[\])]|~)[^\n]{0,40}?[#$](?: |$)", says="mdevctl lists no type", by="mdevctl(8)"),
    Phrase("vgpu-module", "nvidia_vgpu_vfio", r"nvidia_vgpu_vfio +\d+ +\d", says="the vGPU manager's module is loaded", by="lsmod(8)"),
    Phrase("mdev-types-absent", "mdev_supported_types", r"mdev_supported_types.{0,60}(?:does not exist|No (?:such )?file|not found|missing|cannot)|(?:no|without|missing) mdev_supported_types", says="the host offers no mediated devices", by="Linux mdev"),
    Phrase("mdev-parents", "no parent devices found", cause=_ASSUMED, confidence=0.9, by="vgpu-device-manager", says="A mediated device is looked for on a card that offers none"),
    Phrase("mdev-unsupported", "mdev", r"(?:does not|doesn't|not) support (?:mdev|mediated devices?)|no mdev (?:types?|capab\w+|support)|mdev (?:is )?not supported", _ASSUMED, 0.7,
           "A mediated device is looked for on a card that offers none", "Linux mdev"),
    Phrase("mdev-gone", "mediated device", r"mediated device '?[\w-]*'? (?:was )?not found|(?:no|missing|unknown) mediated device|mediated device .{0,40}(?:does not exist|not (?:active|present|defined)|is inactive)", _ABSENT, 0.9,
           "The mediated device does not exist", "libvirt src/util/virmdev.c"),
    Phrase("mdevctl-missing", "mdevctl", r"(?:[Cc]annot find|[Ff]ailed to find|unable to find|executable file not found|not found).{0,30}['\"]?mdevctl|mdevctl['\"]?.{0,30}(?:not found|No such file|in path)", _ABSENT, 0.95,
           "mdevctl is absent where libvirt runs", "libvirt src/node_device"),
    Phrase("mdev-no-host-device", "no such host device", says="The device named to QEMU does not exist", by="QEMU hw/vfio/pci.c",
           pattern=r"(?P<path>/sys/\S+)?.{0,20}no such host device"),
    Phrase("mdev-iommu-group", "iommu_group: no such file", says="The device has no IOMMU group", by="libvirt src/util/virmdev.c"),
    Phrase("mdev-path", "/sys/bus/mdev/devices", r"/sys/bus/mdev/devices/.{0,90}(?:No such file|does not exist|not found)", _ABSENT, 0.9, "The mediated device does not exist", "Linux mdev"),
    Phrase("mdev-uuid-gone", "mdev", r"(?:vgpu|mdev)\S* .{0,20}(?:UUID )?[0-9a-f]{8}-[0-9a-f-]{27}.{0,30}(?:not found|does not exist|No such)", _ABSENT, 0.85, "The mediated device does not exist", "management programs"),
    Phrase("mdev-sample", "mdev", r"vfio_mdev [0-9a-f-]{36}: MDEV: group_id", says="a mediated device was made", by="Linux drivers/vfio/mdev"),
    Phrase("vgpu-full", "vgpu", r"(?:Failed to (?:add|create) vgpu(?: create)?(?: request)?:? ?0x|no (?:free|available) vGPU|No vGPUs? (?:is |are )?(?:available|left)|vGPU resource is not available|[Nn]o available (?:instances|mdev)|"
           r"no more vGPUs?|vGPU.{0,30}(?:exhausted|not available|capacity)|insufficient (?:resources|capacity).{0,40}vgpu)", _FULL, 0.88, "The card has no room for a vGPU of this type", "nvidia-vgpu-vfio, nova",
           unless=r"\b(?:if|when|until|unless|once) (?:there (?:is|are) )?no\b"),
    Phrase("mdev-full", "no available instances", cause=_FULL, confidence=0.9, by="Proxmox VE qemu-server PVE/QemuServer/PCI/Mdev.pm", says="No instance of the type is left",
           pattern=r"(?:has )?no available instances"),
    *(Phrase(name, needle, rf"available[ _]instances['\"]?[\s:=>]{{0,20}}{number}", says=says, by="Linux sysfs, mdevctl(8), libvirt")
      for needle in ("available instances", "available_instances")
      for name, number, says in (("instances-none", r"0\b", "a type has no free instance"), ("instances-some", r"[1-9]", "a type has free instances"))),
    Phrase("mdev-full", "no available_instances", cause=_FULL, confidence=0.9, by="Linux mdev", says="No instance of the type is left"),
    Phrase("mdev-create", "/create", r"(?:mdev_supported_types|/create).{0,120}(?:No space left|Input/output error|Resource temporarily|Invalid argument)", _FULL, 0.85,
           "The driver refuses another vGPU", "Linux mdev"),
    Phrase("mdev-create", "mediated device", r"Unable to (?:create|start) mediated device", _FULL, 0.6, "The driver refuses another vGPU", "libvirt src/node_device"),
    Phrase("mdev-create-space", "write error: no space left", says="a write to sysfs finds no space", by="bash(1)"),
    Phrase("mig-full", "gpu instance", r"(?:Unable|Failed) to create (?:a )?GPU instance.{0,120}(?:Insufficient|No)\s+[Rr]esources", _FULL, 0.85, "The card has no room for another MIG instance", "nvidia-smi mig"),
    Phrase("vgpu-mixed", "vgpu", r"(?:mixed.?size|different (?:vGPU )?(?:type|profile|size)|heterogeneous|same (?:vGPU )?(?:type|profile|frame.?buffer)).{0,60}(?:not (?:supported|allowed)|must|only|already|running|vgpu)", _FULL, 0.7,
           "Another vGPU size runs on the card", _VGPU),
    Phrase("vfs-no-driver", "cannot configure sr-iov", r"No driver bound to device; cannot configure SR-IOV", _VFS, 0.93, "No driver has the card, so it makes no virtual functions", "Linux drivers/pci/iov.c: sriov_numvfs_store()"),
    Phrase("vfs-sysfs", "sr-iov configuration via sysfs", r"[Dd]river does not support SR-IOV configuration via sysfs", _VFS, 0.9, "The driver of the card makes no virtual functions", "Linux drivers/pci/iov.c"),
    Phrase("vfs-mmio", "for sr-iov", r"not enough MMIO resources for SR-IOV", _VFS, 0.85, "The firmware left no room for virtual functions", "Linux drivers/pci/iov.c"),
    Phrase("vfs-bus", "out of range of", r"can't enable \d+ VFs \(bus \S+ out of range", _VFS, 0.9, "There is no bus number for the virtual functions", "Linux drivers/pci/iov.c"),
    Phrase("vfs-none-offered", "sriov_totalvfs", r"sriov_totalvfs\W{1,4}0\b", _VFS, 0.72, "The card offers no virtual functions: SR-IOV is off in the firmware, or for this card", "Linux drivers/pci/iov.c"),
    Phrase("vfs-short", "vfs requested; only", r"VFs requested; only \d+ enabled", _VFS, 0.75, "Fewer virtual functions were made than asked for", "Linux drivers/pci/iov.c", Level.WARNING),
    Phrase("vfs-again", "vfs already enabled", r"\d VFs already enabled\. Disable before enabling", _VFS, 0.8, "The number of virtual functions cannot be changed while some exist", "Linux drivers/pci/iov.c: sriov_numvfs_store()"),
    Phrase("vfs-given", "cannot modify sr-iov while vfs are assigned", cause=_VFS, confidence=0.8, by="Linux drivers/pci/iov.c", says="The number of virtual functions cannot be changed while guests have some"),
    Phrase("vfs-asked", "sriov_numvfs", r"(?:(?P<function>[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])/sriov_numvfs\W{1,6}[1-9]\d*(?=\s|$)|echo ['\"]?[1-9]\d*.{0,60}(?P<other>[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])/sriov_numvfs)", says="virtual functions are asked for", by="Linux sysfs, sysfs.conf(5)"),
    Phrase("vf-version", "unable to confirm version", r"IOV: Unable to confirm version", says="The drivers of the card and of its virtual function speak other versions", by="Intel i915 with SR-IOV: gt/iov/intel_iov_query.c"),
    Phrase("drm-ready", "[drm] initialized", r"\[drm\] Initialized (?:i915|xe|amdgpu)\b", says="the card's driver is up", by="Linux drivers/gpu/drm/drm_drv.c"),
    Phrase("vfs-mode", "vfs", r"(?:Enabled|Disabled) \d+ VFs", says="the driver makes virtual functions", by="Linux drivers/gpu/drm/i915, xe"),
    Phrase("vfs-mode", "sr-iov pf mode", says="the driver makes virtual functions", by="Linux drivers/gpu/drm/i915, xe"),
    Phrase("vfs-mode", "max_vfs", r"\b(?:i915|xe)\.max_vfs=[1-9]|^\s*options (?:i915|xe)\b.{0,120}\bmax_vfs=[1-9]", says="the driver is to make virtual functions", by="Linux drivers/gpu/drm/i915, xe"),
    Phrase("vfs-limit", "exceeds the vf limit", cause=_VFS, confidence=0.9, by="AMD gim libgv", says="More virtual functions are asked for than the card makes in its present mode"),
    Phrase("manager-tool", "sriov-manage", r"sriov-manage['\"]?: (?:No such file|(?:command )?not found)", _MANAGER, 0.88, "The tool of the vGPU manager is absent: its package is not installed on this host", _VGPU),
    Phrase("vfs-manage", "sriov-manage", r"sriov-manage.{0,90}(?:[Ee]rror|fail|warning|cannot)", _VFS, 0.85, "sriov-manage could not make the virtual functions", _VGPU),
    Phrase("vfs-unit", "sr-iov", r"(?:Failed to start|failed).{0,40}(?:[Ee]nable )?SR-IOV|(?:enable|enabling|create) (?:SR-IOV|VFs?).{0,40}(?:failed|error)", _VFS, 0.8, "The virtual functions could not be made", "systemd units"),
    Phrase("vfs-write", "sriov_numvfs", r"sriov_numvfs.{0,70}(?:write error|failed|Input/output|Device or resource busy|Invalid argument|Operation not|Numerical result|No such file|Permission denied|Cannot allocate)|(?:write error|error|cannot write|failed to write|unable to write).{0,90}sriov_numvfs", _VFS, 0.88,
           "The virtual functions could not be made", "Linux drivers/pci/iov.c"),
    *(Phrase("vfs-said", needle, r"\bVFs? (?:do(?:es)? not|don't|doesn't|never) (?:appear|show|get created)|\bno VFs? (?:are |were |is |was )?(?:created|appear|listed|shown|visible)|(?:doesn't|does not|didn't|did not) create (?:the |any )?VFs?\b", _VFS, 0.7, "The virtual functions were not made", "people")
      for needle in ("vfs", "vf ")),
    Phrase("vfs-numa", "failed to enable", r"[Ff]ailed to (?:enable|create) (?:\d+ )?(?:VFs?|virtual functions|SR-?IOV)", _VFS, 0.88, "The virtual functions could not be made", "drivers"),
    Phrase("vfs-mig", "mig", r"\bMIG\b.{0,80}(?:In use by another client|SR-?IOV.{0,30}(?:enabled|first|must)|\bVFs?\b.{0,30}(?:enabled|exist|active))|\b(?:SR-?IOV|VFs?)\b.{0,60}\bMIG\b.{0,30}(?:disable|conflict|before|first|fail)", _VFS, 0.75,
           "MIG and SR-IOV were set up in an order that the driver refuses", _VGPU),
    Phrase("fabric-802", "system not yet initialized", cause=_FABRIC, confidence=0.95, by="CUDA error 802", says="The NVSwitch fabric is not ready (CUDA error 802)"),
    Phrase("fabric-802", "system_not_ready", r"CUDA_ERROR_SYSTEM_NOT_READY|cudaErrorSystemNotReady", _FABRIC, 0.95, "The NVSwitch fabric is not ready (CUDA error 802)", "CUDA"),
    Phrase("fabric-802", " 802", r"(?:CUDA|cuda|error)\b.{0,40}\b802\b", _FABRIC, 0.9, "The NVSwitch fabric is not ready (CUDA error 802)", "CUDA"),
    Phrase("fabric-not-needed", "nv_warn_nothing_to_do", says="the machine has no NVSwitch: it needs no fabric manager", by="nv-fabricmanager"),
    Phrase("fabric-service", "fabricmanager", r"(?:nvidia-fabricmanager|nv-fabricmanager|fabricmanager).{0,110}(?:fail|could not be found|not found|not running|inactive|dead|error|exited)", _FABRIC, 0.85, "The fabric manager does not run", "nv-fabricmanager", unless=r"interface version"),
    Phrase("fabric-state", "fabric", r"Fabric\b.{0,60}State\s*: ?In Progress|(?:Fabric )?State\s*:\s*In Progress|fabric manager (?:is )?(?:not (?:running|installed|started)|missing)|request to query NVSwitch.{0,60}failed|(?:fabric )?partition.{0,30}(?:not (?:active|activated)|inactive)", _FABRIC, 0.85,
           "The NVSwitch fabric is not ready", "nv-fabricmanager"),
    Phrase("fabric-status", "fabric", r"\bFabric\s+State\s*:\s*Completed\s+Status\s*:\s*(?!Success|N/A|OK\b)\w", _FABRIC, 0.8,
           "The NVSwitch fabric was set up with an error", "NVML nvmlGpuFabricInfo_t: status, once state is completed"),
    Phrase("fabric-bridge", "bridge devicebdf", r"Ignoring PCI \(Host\) Bridge deviceBDF \S+ Class 0?x?0?680", _FABRIC, 0.9, "NVSwitches are taken for bridges and left out", "Kata Containers vfio driver", Level.WARNING),
    Phrase("fabric-switch-group", "no passthrough-capable devices", r"IOMMU group \d+ has no passthrough-capable devices", _FABRIC, 0.7, "A device of the group is taken for a bridge and left out: NVSwitches have such a class", "Kata Containers runtime-rs", Level.WARNING),
    Phrase("fabric-not-ready", "nvlink fabric", r"NVLink fabric is (?:not ready|not initialized|no\b)", _FABRIC, 0.88, "The NVSwitch fabric is not ready", "nvidia-persistenced"),
    Phrase("fabric-nvlink", "nvswitch", r"NVSwitch.{0,60}(?:not (?:passed|found|detected|assigned|available)|missing|fail)|(?:without|missing|no) NVSwitch", _FABRIC, 0.75, "NVSwitches are absent or do not start", "NVIDIA", Level.WARNING),
)

PHRASES = (*PLATFORM, *DRIVERS, *VGPU)
