"""What NVIDIA's kernel module, its tools, CUDA and container runtimes say when a card does not work."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_MODULE = "NVIDIA open-gpu-kernel-modules kernel-open/nvidia/nv.c"
_PCI = "NVIDIA open-gpu-kernel-modules kernel-open/nvidia/nv-pci.c"
_RM = "NVIDIA open-gpu-kernel-modules src/nvidia"
_INIT = f"{_RM}/arch/nvalloc/unix/src/osinit.c: RmInitAdapter(); nvstatuscodes.h"
_INSTALLER = "nvidia-installer"
_XID = "NVIDIA GPU debug guidelines: Xid errors"
_DRIVER, _KIND, _GONE = "guest-driver-not-loaded", "driver-kind-or-version", "gpu-fell-off-bus"
_FABRIC, _FULL, _SECURE = "fabric-manager-missing", "vgpu-type-or-capacity", "secure-boot"
_NEW_CARD = r"RmInitAdapter failed!? ?\(0x[0-9a-f]+:0x"

INIT = (
    # RmInitAdapter failed! (stage:status:line): the second number is an NV_STATUS.
    Phrase("rm-init-lost", "rminitadapter failed", rf"{_NEW_CARD}(?:f|5|6e):", _GONE, 0.85, "The driver does not start the card: it is lost from the bus", _INIT),
    Phrase("rm-init-unsupported", "rminitadapter failed", rf"{_NEW_CARD}(?:56|6a):", _KIND, 0.8, "The driver does not start the card: this kind or version of it does not support it", _INIT),
    Phrase("rm-init-irq", "rminitadapter failed", rf"{_NEW_CARD}45:", "msi-not-enabled", 0.75, "The driver does not start the card: its interrupt does not arrive", _INIT),
    Phrase("rm-init-vbios", "rminitadapter failed", r"RmInitAdapter failed!? ?\(0x(?:30|31|32):|RmInitAdapter failed!? ?\(0x[0-9a-f]+:0x61:", "vbios-rom", 0.6, "The driver does not start the card: its video BIOS does not run", _INIT),
    Phrase("rm-init-fabric", "rminitadapter failed", rf"{_NEW_CARD}(?:7a|81|82):", _FABRIC, 0.85, "The driver does not start the card: the NVSwitch fabric is not ready", _INIT),
    Phrase("rm-init-firmware", "rminitadapter failed", r"RmInitAdapter failed!? ?\(0x6[012]:", _KIND, 0.5, "The driver does not start the card: its firmware does not come up", _INIT),
    Phrase("gsp-firmware-absent", "gsp", r"(?:Failed to load firmware|Cannot find|need firmware).{0,40}GSP|gsp\w*\.bin.{0,40}(?:failed|error -2|not found)|need firmware to initialize GSP", _KIND, 0.85,
           "The firmware of the driver is not installed, or of another version", f"{_RM}/src/kernel/gpu/gsp/kernel_gsp.c"),
    Phrase("gsp-rom", "valid rom signature", r"kgspExtractVbios\w*: did not find valid ROM signature", "vbios-rom", 0.78, "The driver reads no video BIOS from the card", f"{_RM}/src/kernel/gpu/gsp/arch/turing/kernel_gsp_vbios_tu102.c"),
    Phrase("gsp-timeout", "waiting for rpc response from gsp", cause=_KIND, confidence=0.45, by=f"{_RM}/src/kernel/gpu/gsp/kernel_gsp.c; Xid 119", says="The card's own processor (GSP) does not answer its driver", level=Level.WARNING),
    Phrase("gsp-timeout", "waiting for rpc response from gpu", cause=_KIND, confidence=0.45, by=f"{_RM}/src/kernel/gpu/gsp/kernel_gsp.c; Xid 119", says="The card's own processor (GSP) does not answer its driver", level=Level.WARNING),
    Phrase("wpr-already-up", "wpr2 already up", cause="reset-bug", confidence=0.85, by=f"{_RM}/src/kernel/gpu/gsp/kernel_gsp.c", says="The card was not reset: its protected memory of an earlier start is still there"),
    Phrase("wpr-already-up", "wpr2 is still up", cause="reset-bug", confidence=0.8, by=f"{_RM}/src/kernel/gpu/gsp/kernel_gsp.c", says="The card was not reset: its protected memory of an earlier start is still there"),
    Phrase("gpu-lost", "gpu is lost, skipping", cause=_GONE, confidence=0.93, by=_MODULE, says="The card no longer answers on the bus"),
    Phrase("config-ones-nvrm", "pci i/o region assigned to your nvidia device is invalid", says="A BAR of the device was given no address", by=_PCI),
    Phrase("legacy-card", "ignoring the legacy gpu", cause=_KIND, confidence=0.93, by=_PCI, says="The card is older than what this driver branch supports"),
    Phrase("legacy-card", "legacy drivers", r"supported through the (?:NVRM: )*NVIDIA \S+ (?:NVRM: )*Legacy drivers", _KIND, 0.93, "The card is older than what this driver branch supports", _PCI),
    Phrase("no-interrupt", "no interrupts of any type are available", cause="msi-not-enabled", confidence=0.85, by=_MODULE, says="The card gets no interrupt of any kind"),
    Phrase("shared-interrupt", "but another driver", r"Tried to get IRQ \d+, but another driver", "msi-not-enabled", 0.85, "The card's line interrupt belongs to another driver: it needs message interrupts", _MODULE),
    Phrase("locked-for-unbind", "gpu is locked for unbind", cause="gpu-in-use", confidence=0.6, by=_MODULE, says="The card is being taken from its driver while programs want it", level=Level.WARNING),
    Phrase("vgpu-beside-whole-card", "vgpu and passthrough not supported simultaneously", cause="vgpu-request-unsupported", confidence=0.9, by=f"{_RM}/src/kernel/gpu_mgr", says="One guest has a vGPU and a whole card: the driver refuses that"),
    Phrase("vgpu-heterogeneous", "for heterogeneous vgpu", cause=_FULL, confidence=0.9, by=f"{_RM}/src/kernel/virtualization/kernel_vgpu_mgr.c", says="The card has no memory left for a vGPU of this size beside the others"),
    Phrase("vgpu-placement", "placement id", r"(?:Cannot find|Failed to find creatable).{0,60}placement id", _FULL, 0.85, "The card has no place left for a vGPU of this size beside the others", f"{_RM}/src/kernel/virtualization/kernel_vgpu_mgr.c"),
    Phrase("vgpu-vfio-register", "to vgpu vfio module", cause="vgpu-manager-not-loaded", confidence=0.85, by=_PCI, says="The vGPU manager's driver does not offer the card"),
    Phrase("registers-owned", "ownership of the device's registers", says="Another driver owns the card's registers", by=_MODULE),
    Phrase("probe-failed", "probe routine failed for", cause=_KIND, confidence=0.35, by=_MODULE, says="The NVIDIA driver does not accept the card", level=Level.WARNING),
)

XIDS = (
    Phrase("xid-fabric", "xid", r"Xid.{0,40}: (?:137|145|149|150|155|156)\b", _FABRIC, 0.5, "NVLink or the fabric reports an error", _XID, Level.WARNING),
    Phrase("sxid", "sxid", r"nvidia-nvswitch\d+:.{0,40}SXid", _FABRIC, 0.6, "An NVSwitch reports an error", "NVIDIA Fabric Manager user guide: SXid errors", Level.WARNING),
    Phrase("xid-gsp", "xid", r"Xid.{0,40}: (?:119|120)\b", _KIND, 0.45, "The card's own processor (GSP) does not answer its driver", _XID, Level.WARNING),
)

USERS = (
    Phrase("cuda-older-driver", "is insufficient for cuda runtime", r"driver version is insufficient for CUDA runtime", _KIND, 0.9, "The driver is older than the CUDA runtime needs", "CUDA error 35"),
    Phrase("cuda-combination", "unsupported display driver", r"unsupported display driver ?/ ?cuda driver combination|system has unsupported display driver", _KIND, 0.92, "CUDA's library and the driver have different versions", "CUDA error 803"),
    Phrase("cuda-forward", "forward compatibility was attempted", cause=_KIND, confidence=0.85, by="CUDA error 804", says="A CUDA library newer than the driver was installed for a card that does not allow it"),
    Phrase("cuda-requirement", "unsatisfied condition: cuda", r"unsatisfied condition: cuda\s*>=", _KIND, 0.9, "The driver is older than the container needs", "nvidia-container-cli"),
    Phrase("container-mismatch", "nvml error", r"nvml error: driver/library version mismatch", _KIND, 0.95, "Library and kernel module of the driver have different versions", "nvidia-container-cli"),
    Phrase("container-no-driver", "nvml error", r"nvml error: driver not loaded", _DRIVER, 0.75, "The NVIDIA driver is not loaded", "nvidia-container-cli"),
    Phrase("container-no-driver", "libnvidia-ml.so", r"libnvidia-ml\.so\S*:? (?:cannot open shared object|no such file)|(?:could not load|failed to (?:load|initialize)).{0,30}(?:NVML|libnvidia-ml)", _DRIVER, 0.65, "The NVIDIA driver's library is not installed", "NVML"),
    Phrase("cuda-busy", "devices are busy or unavailable", r"CUDA-capable devices? (?:are|is) busy or unavailable|cudaErrorDevicesUnavailable", says="CUDA refuses the card: busy or unavailable", by="CUDA error 46"),
    Phrase("cuda-busy", "busy or unavailable", r"CUDA-capable device\(s\) is/are busy or unavailable", says="CUDA refuses the card: busy or unavailable", by="CUDA error 46"),
    Phrase("cuda-refused", "cuda_error_", r"CUDA_ERROR_(?:OPERATING_SYSTEM|NOT_PERMITTED|NOT_SUPPORTED|DEVICE_NOT_LICENSED)", says="CUDA refuses the card", by="CUDA driver API"),
    Phrase("cuda-refused", "operation not supported", r"(?:CUDA|cuda|cuInit).{0,60}operation not supported|operation not permitted.{0,30}(?:cuInit|CUDA)", says="CUDA refuses the card", by="CUDA driver API"),
    Phrase("cuda-refused", "os call failed", r"OS call failed or operation not supported on this OS", says="CUDA refuses the card", by="CUDA error 304"),
    Phrase("cuda-not-licensed", "device_not_licensed", cause="vgpu-licence-missing", confidence=0.95, by="CUDA error 102", says="CUDA refuses the vGPU: it has no licence", pattern=r"CUDA_ERROR_DEVICE_NOT_LICENSED|cudaErrorDeviceNotLicensed"),
    Phrase("cuda-not-licensed", "grid license", cause="vgpu-licence-missing", confidence=0.93, by="CUDA error 102", says="CUDA refuses the vGPU: it has no licence", pattern=r"device does(?:n't| not) have (?:a )?valid Grid license"),
    Phrase("cuda-no-device", "no cuda-capable device", r"no CUDA-capable device is detected|no CUDA-capable devices?", says="CUDA finds no card", by="CUDA error 100"),
    *(Phrase("vgpu-name", start, r"\b(?:GRID|NVIDIA) (?:RTX )?\w+(?:-\d)?-\d{1,3}[ABCQ]\b", says="the card is a vGPU", by="NVIDIA vGPU: names of types")
      for start in ("grid ", "nvidia a", "nvidia l", "nvidia h", "nvidia b", "nvidia rtx")),
    *(Phrase("consumer-card", needle, r"\bGeForce\b|\b[GR]TX? \d{3,4}\b(?! ?Ada)", says="the card is a GeForce, which vGPU does not serve", by="NVIDIA vGPU documentation: supported GPUs") for needle in ("geforce", "gtx ", "rtx ")),
    Phrase("virtualization-vgpu", "virtualization mode", r"Virtualization Mode\s*:\s*VGPU", says="the card is a vGPU", by="nvidia-smi -q"),
    Phrase("mode-passthrough", "virtualization mode", r"Virtualization Mode\s*:\s*Pass-?Through", says="the card is given to a guest whole", by="nvidia-smi -q"),
    Phrase("mode-host-none", "host vgpu mode", r"Host VGPU Mode\s*:\s*N/A", says="the driver of the host makes no vGPUs", by="nvidia-smi -q"),
    Phrase("driver-version", "driver version", r"Driver Version\s{0,40}:?\s{0,40}(?P<version>\d{3})\.\d", says="the version of the driver", by="nvidia-smi"),
    Phrase("driver-version", "kernel module", r"NVIDIA UNIX (?:Open )?(?:\w+ )?Kernel Module(?: for \w+)?\s+(?P<version>\d{3})\.\d", says="the version of the driver", by="NVIDIA kernel-open/nvidia, /proc/driver/nvidia/version"),
    Phrase("manager-version", "vgpu manager information", r"vGPU Manager Information.{0,200}?Driver Version: (?P<version>\d{3})\.", says="the version of the vGPU manager", by="nvidia-vgpu-mgr"),
    Phrase("guest-version", "guest nvidia driver information", r"Guest NVIDIA Driver Information.{0,200}?Driver Version: (?P<version>\d{3})\.", says="the version of the driver in the guest", by="nvidia-vgpu-mgr"),
    Phrase("licensed", "license acquired successfully", says="the guest has its vGPU licence", by="nvidia-gridd"),
    Phrase("licensed", "license state", r"license state: Licensed", says="the guest has its vGPU licence", by="nvidia-vgpu-mgr"),
    Phrase("licensed", "license status", r"License Status\s*:\s*Licensed", says="the guest has its vGPU licence", by="nvidia-smi -q"),
    Phrase("persistenced-no-device", "failed to query nvidia devices", cause=_DRIVER, confidence=0.6, by="nvidia-persistenced", says="The NVIDIA driver has no card"),
    Phrase("licence-mode-product", "vgpu software licensed product", says="the driver is that of a vGPU guest", by="nvidia-smi -q"),
    Phrase("mig-busy", "mig", r"Unable to (?:enable|disable) MIG.{0,60}(?:[Ii]n use|Insufficient|reset)|Unable to (?:destroy|create) (?:GPU|compute) instance.{0,80}In use by another client|pending (?:enable|disable) mode.{0,60}reset", "gpu-in-use", 0.7, "MIG cannot be changed while a program or guest uses the card", "nvidia-smi mig", Level.WARNING),
    Phrase("mig-unsupported", "mig", r"MIG Mode(?: is)? not supported|(?:does not|doesn't) support MIG\b", "vgpu-unsupported-board", 0.6, "The card has no MIG", "nvidia-smi mig"),
)

INSTALLERS = (
    Phrase("dkms-failed", "bad return status for module build", r"Bad return status for module build.{0,200}nvidia", _DRIVER, 0.85, "The NVIDIA driver could not be built for the running kernel", "dkms(8)"),
    Phrase("dkms-failed", ": added", r"\bnvidia(?:-\w+)*/[\d.]+: added\b", _DRIVER, 0.6, "The NVIDIA driver is not installed for the running kernel", "dkms(8)"),
    Phrase("installer-failed", "performing the step", r"error occurred while performing the step: \"?Building kernel modules", _DRIVER, 0.8, "The NVIDIA driver could not be built", _INSTALLER),
    Phrase("installer-failed", "unable to load the kernel module", r"Unable to load the (?:kernel module )?'?nvidia(?:-\w+)?\.ko|Unable to load the kernel module 'nvidia", _DRIVER, 0.65, "The NVIDIA driver was built and cannot be loaded", _INSTALLER),
    Phrase("installer-failed", "unable to load the 'nvidia", cause=_DRIVER, confidence=0.65, by=_INSTALLER, says="The NVIDIA driver was built and cannot be loaded"),
    Phrase("build-failed", "error", r"nvidia[\w-]*/[\w/.-]+\.[ch]:\d+(?::\d+)?: (?:fatal )?error:|/nvidia\S*\.o\] Error \d", says="the compiler refuses the driver's sources", by="make(1), gcc(1)"),
    Phrase("installer-manager", "'nvidia-vgpu-vfio", r"Unable to load the (?:kernel module )?'nvidia-vgpu-vfio", "vgpu-manager-not-loaded", 0.85, "The vGPU manager was built and cannot be loaded", _INSTALLER),
    Phrase("host-package", "nvidia-vgpu-vfio", r"nvidia-vgpu-vfio(?:\.ko|/)", says="the driver is that of a vGPU host", by="NVIDIA vGPU: names of modules"),
    Phrase("host-package", "vgpu-kvm", says="the driver is that of a vGPU host", by="NVIDIA vGPU: names of packages"),
    Phrase("installer-signature", "not signed by a key", r"not signed by a key that is trusted by the kernel", _SECURE, 0.95, "The kernel refuses a module whose signature it does not trust", _INSTALLER),
    Phrase("installer-no-gpu", "do not appear to have an nvidia gpu", cause=_KIND, confidence=0.8, by=_INSTALLER, says="The installed driver does not know this card (or vGPU)"),
    Phrase("installer-windows", "compatible graphics hardware", r"could not find compatible graphics hardware", _KIND, 0.85, "The Windows driver does not know this card (or vGPU)", "NVIDIA installer for Windows"),
    Phrase("installer-compiler", "compiler version check failed", cause=_DRIVER, confidence=0.75, by=_INSTALLER, says="The driver cannot be built: the compiler is not that of the kernel"),
    Phrase("modprobe-nvidia", "could not insert 'nvidia", r"could not insert 'nvidia\w*': No such device", _DRIVER, 0.6, "NVIDIA's driver finds no card that it accepts", "modprobe(8)"),
)

PHRASES = (*INIT, *XIDS, *USERS, *INSTALLERS)
