"""Why a card gives no slices: its virtual functions fail to appear, or it has no mediated devices."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_VFS, _BOARD, _ASSUMED = "sriov-vfs-not-enabled", "vgpu-unsupported-board", "mdev-assumed"
_IOV = "Linux drivers/pci/iov.c"
_NO_GVT = "The processor's graphics has no GVT-g (Broadwell to Comet Lake have)"
_GVT = "Linux drivers/gpu/drm/i915/intel_gvt.c: is_supported_device()"
_SAID = Level.INFO

FUNCTIONS = (
    # The ids of a virtual function come from its card, so that it has them though it does not answer.
    Phrase("vf-silent", "type 7f class 0xffffff", cause=_VFS, confidence=0.85, by=f"{_IOV}: pci_iov_add_virtfn()", says="A virtual function does not answer where the card says it is: the port above may not forward ARI"),
    Phrase("iov-refused", "sriov", r"\bpci_enable_sriov\b.{0,60}?(?:-(?:5|12|16|19|22)\b|fffffff[0-9a-f]|E(?:NOMEM|IO|BUSY|NODEV|INVAL)\b)|[Ff]ail(?:ed)? to (?:properly )?enable SR-?IOV, (?:status|error|err|ret)", _VFS, 0.75, "The kernel refuses to make the virtual functions: -12 is no room for their BARs or no bus numbers, -5 no answer", f"{_IOV}: sriov_enable()"),
    # With virtual functions NVML gives no handle for some of the devices that such tools find on the bus.
    Phrase("mig-after-vfs", "mig capable", r"MIG capable.{0,80}?[Ii]nvalid [Aa]rgument", _VFS, 0.6, "A tool for MIG meets functions that NVML does not know: MIG is set up before the virtual functions", "mig-parted, NVML", Level.WARNING),
)

MEDIATED = (
    Phrase("kvmgt-no-device", "kvmgt", r"\bkvmgt\b.{0,40}?\bno such device\b", _BOARD, 0.6, "kvmgt finds no graphics with GVT-g: this processor has none, or i915.enable_gvt is off", _GVT, Level.WARNING),
    *(Phrase("gvt-too-new", needle, r"^(?=.*?\b(?:GVT-?[dg]?|kvmgt)\b)(?=.*?\b(?:(?:Ice|Tiger|Rocket|Alder|Raptor|Meteor|Arrow|Lunar) ?Lake|Iris Xe|(?:i[3579]-)?1[1-4]\d{2}(?:\d[A-Z]{0,2}|G\d)|i[3579]-1[1-4]\d{3}|1[1-4]th[ -]gen)\b)", _BOARD, 0.45, _NO_GVT, _GVT, _SAID, unless=r"\b(?:use|using|with|have|had) SR-?IOV\b")
      for needle in ("gvt", "kvmgt")),
    # What the driver says of itself: this kernel's vGPUs are virtual functions.
    Phrase("host-mode-vfs", "/sys/bus/mdev", r"/sys/bus/mdev\b.{0,40}?(?:does(?:n't| not) exist|No such file|not found|missing|absent).{0,120}?\bHost VGPU Mode\W{1,6}SR-?IOV\b", _ASSUMED, 0.7, "Mediated devices are looked for where the driver's vGPUs are virtual functions", "nvidia-smi -q; NVIDIA vGPU user guide", Level.WARNING),
)

PHRASES = (*FUNCTIONS, *MEDIATED)
