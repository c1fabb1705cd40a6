"""Devices that vfio does not hand out, mediated devices, fabric, and drivers, as reports show them."""

from __future__ import annotations

import re

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.phrase import Remark
from gpucloud.doctor.intent import cards
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown

_AMD = 0x1002
_PROCESSOR_GRAPHICS = re.compile(r"0000:00:02\.0\b|\bi915-GVTg")
"""Intel's graphics, which is always at this address."""
_UNREADY = ("nvreg-msi", "not-probed", "smi-no-driver", "smi-no-devices", "rm-init", "ownership-obtained")

_DRIVERS = re.compile(r"nvidia|cuda|amdgpu|rocm|\bdkms\b|/lib/modules/")
"""What a line names that tells of a driver being brought in."""


@rule
def card_reads_all_ones(case: Case) -> Answers:
    """Everything read of the card is ones: off the bus, asleep without power, or stuck after a reset."""
    paper = case.paper
    if paper is None or not paper.has("reads-ones"):
        return
    lines = tuple(r.evidence for r in paper.said("reads-ones") if not _sleeps_only(paper, r))
    if not lines:
        return
    title = "Everything read of the card is ones: it does not answer"
    level = Level.INFO if _is_second_of_laptop(paper) else Level.BLOCKER
    yield known("gpu-fell-off-bus", title, lines, 0.7, level=level)
    yield known("power-state-d3", title, lines, 0.62, level=level)
    # Many AMD cards have no reset that works, and hang like this on their second start.
    yield known("reset-bug", title, lines, 0.74 if _are_amd(case) else 0.6, level=level)


@rule
def device_not_handed_out(case: Case) -> Answers:
    """Vfio gave an error for the device itself: not bound, or open elsewhere."""
    paper = case.paper
    if paper is None:
        return
    for remark in paper.said("device-from-group"):
        error = remark.caught.get("error", "").lower()
        if "input/output" in error or (_is_mediated(remark) and not _is_busy(error)):
            title = "The vGPU manager refuses the device: no room for its type, or it is in use"
            yield known("vgpu-type-or-capacity", title, (remark.evidence,), 0.55)
            yield known("gpu-in-use", title, (remark.evidence,), 0.5)
        elif _is_busy(error):
            yield known(
                "gpu-in-use",
                "Another guest has the device: one device serves one guest",
                (remark.evidence,),
                0.8,
            )
        elif "no such device" in error or "no such file" in error:
            yield known("host-driver-grabbed-gpu", "The device is not on vfio-pci", (remark.evidence,), 0.75)
        else:
            yield known("group-not-viable", "vfio does not hand the device out", (remark.evidence,), 0.5)


@rule
def mediated_device_missing(case: Case) -> Answers:
    """A path of a mediated device leads nowhere: it was not created, or not again after a reboot."""
    paper = case.paper
    if paper is None:
        return
    lost = [r for r in paper.said("mdev-no-host-device") if _is_mediated(r)]
    if paper.has("mdev-iommu-group") and (lost or paper.has("mdev-uuid", "mdev-sample")):
        lost += paper.said("mdev-iommu-group")
    if lost:
        lines = (*(r.evidence for r in lost), *paper.lines("mdev-sample"))
        yield known("mdev-not-present", "The mediated device that the guest names is not there", lines, 0.88)


@rule
def vendor_interface_in_place_of_mdev(case: Case) -> Answers:
    """Virtual functions take their vGPU type over the vendor's own interface: there are no mdev types."""
    paper = case.paper
    if paper is None or not paper.has("vendor-vfio") or paper.has("mdev-types"):
        return
    yield known(
        "mdev-assumed",
        "Virtual functions take their vGPU type through current_vgpu_type: this driver makes no mediated "
        "devices",
        paper.lines("vendor-vfio"),
        0.7,
        # Where nobody looks for a mediated device this is how the card is meant to work.
        level=Level.WARNING if paper.has("mdev-uuid") else Level.INFO,
    )


@rule
def no_mdev_offered(case: Case) -> Answers:
    """No card offers mediated devices: its driver uses the vendor's interface, or is no vGPU manager.

    From Linux 6.8 on NVIDIA's SR-IOV cards make vGPUs over vendor-specific VFIO, without mdev.
    Source: NVIDIA vGPU user guide, "vendor-specific VFIO framework".
    """
    paper = case.paper
    if paper is None or not paper.has("mdev-bus", "mdev-types-absent"):
        return
    lines = paper.lines("mdev-bus", "mdev-types-absent", "vendor-vfio")
    if any(_PROCESSOR_GRAPHICS.search(line.text) for line in lines):
        # Linux drivers/gpu/drm/i915/intel_gvt.c: mediated devices are the only vGPUs of GVT-g.
        title = "The processor's graphics offers no mediated devices: kvmgt does not run on it"
        yield known("vgpu-manager-not-loaded", title, lines, 0.8)
        return
    is_vendors = paper.has("vendor-vfio") or _is_since_vendor_vfio(case.host.kernel.release)
    title = "A mediated device is looked for on a card that offers none"
    if is_vendors or not paper.has("sriov-off"):  # without virtual functions there are types of neither kind
        yield known("mdev-assumed", title, lines, 0.92 if is_vendors else 0.8)
    if not is_vendors and not paper.has("vgpu-module"):
        title = "No card offers mediated devices: the driver may not be the vGPU manager"
        yield known("vgpu-manager-not-loaded", title, lines, 0.7)


@rule
def no_type_listed(case: Case) -> Answers:
    """Mdevctl lists no type: the manager's module is absent, or is loaded for a card that it does not serve.

    Source: NVIDIA vgpu-kvm: types appear once nvidia-vgpud has told the driver what the card supports.
    """
    paper = case.paper
    if paper is None or not paper.has("mdevctl-empty") or paper.has("vendor-vfio"):
        return
    lines = paper.lines("mdevctl-empty", "vgpu-module", "consumer-card")
    is_loaded = paper.has("vgpu-module", "consumer-card")
    title = "mdevctl lists no type: the vGPU manager does not know the card as one that it serves"
    yield known("vgpu-unsupported-board", title, lines, 0.6 if is_loaded else 0.45)
    title = "mdevctl lists no type: no vGPU manager serves the card"
    yield known("vgpu-manager-not-loaded", title, lines, 0.5 if is_loaded else 0.6)


@rule
def no_rom_for_integrated(case: Case) -> Answers:
    """Windows stops the processor's graphics, whose video BIOS is not where the kernel looks for it.

    It has no ROM of its own: the firmware leaves the video BIOS in memory only where it starts as a BIOS.
    Source: Linux drivers/pci/rom.c: pci_map_rom(); QEMU docs/igd-assign.txt.
    """
    paper = case.paper
    if paper is not None and paper.has("rom-signature-igd") and paper.has("code-43"):
        lines = paper.lines("rom-signature-igd", "code-43")
        yield known("vbios-rom", "The processor's graphics stops for want of a video BIOS", lines, 0.86)


@rule
def no_space_for_what(case: Case) -> Answers:
    """ENOSPC: instances of a vGPU type, room on a disk, or room for a boot image."""
    paper = case.paper
    if paper is None:
        return
    for remark in paper.said("disk-full", "mdev-create-space")[:1]:
        text = remark.evidence.text.lower()
        if paper.has("mdev-types", "mdev-uuid") or "/create" in text:
            lines = (remark.evidence, *paper.lines("mdev-types")[:2])
            yield known("vgpu-type-or-capacity", "The card has no room for another vGPU", lines, 0.88)
        elif "/boot" in text or "initr" in text:
            return
        elif is_guest_key(remark.evidence.key) or _DRIVERS.search(text):
            yield known("guest-too-small", "The root disk of the guest has no room", (remark.evidence,), 0.85)
        else:
            title = "A disk has no room: if it is a guest's, the driver may not have fitted"
            yield known("guest-too-small", title, (remark.evidence,), 0.3, level=Level.INFO)


@rule
def nouveau_in_the_way(case: Case) -> Answers:
    """Nouveau has the card where NVIDIA's driver shall: in a guest, or while that is being installed."""
    paper = case.paper
    if paper is None:
        return
    guests = [f for f in paper.guests_listing.seen.values() if f.driver == "nouveau"]
    lines = [
        r.evidence for r in paper.said("nouveau-in-use") if guests or "in use: nouveau" not in r.evidence.text
    ]
    if paper.has("nouveau-loaded") and paper.has(*_UNREADY):
        lines += paper.lines("nouveau-loaded", *_UNREADY)
    if guests or lines:
        evidence = [*lines, *paper.guests_listing.shown.values()]
        yield known(
            "guest-driver-not-loaded",
            "nouveau has the card, so NVIDIA's driver does not load",
            evidence,
            0.88,
        )


@rule
def fabric_without_switches(case: Case) -> Answers:
    """Four or more GPUs that see each other over PCIe bridges only: an NVSwitch board lost its fabric."""
    paper = case.paper
    if paper is not None and paper.shapes.lacks_nvlink:
        yield known(
            "fabric-manager-missing",
            "The GPUs reach each other over PCIe host bridges only: no NVLink",
            (evidence for evidence, _ in paper.shapes.topology),
            0.75,
            level=Level.WARNING,
        )


@rule
def bound_before_unbound(case: Case) -> Answers:
    """A script binds a device to vfio before it takes it from its driver."""
    paper = case.paper
    if paper is None:
        return
    binds, unbinds = paper.said("bind-write"), paper.said("unbind-write")
    pairs = [
        (first, second)
        for first in binds[:1]
        for second in unbinds[:1]
        if first.evidence.key == second.evidence.key
        and (first.evidence.line or 0) < (second.evidence.line or 0)
    ]
    for first, second in pairs:
        yield known(
            "bind-before-unbind",
            "The device is bound to vfio before its driver gives it up",
            (first.evidence, second.evidence),
            0.88,
        )


@rule
def no_instances_left(case: Case) -> Answers:
    """Sysfs or mdevctl shows no free instance: of every type, since one type in use takes others away.

    A card of one size at a time offers none of the other sizes while a vGPU runs; with all of its vGPUs given
    to guests it offers nothing more, which is a fault only where somebody wanted another.
    Source: Linux Documentation/ABI/testing/sysfs-bus-vfio-mdev; NVIDIA vGPU user guide.
    """
    paper = case.paper
    if paper is None or not paper.has("instances-none"):
        return
    is_normal = paper.has("instances-some", "guest-running")
    is_missed = paper.has("complaint", "refusal") or any(one.phrase.cause for one in paper.all_remarks())
    yield known(
        "vgpu-type-or-capacity",
        "Types of the card have no instance left" if is_normal else "No instance of the type is left",
        paper.lines("instances-none"),
        0.45 if is_normal else 0.9,
        level=Level.BLOCKER if is_missed and not is_normal else Level.INFO,
    )


def _is_since_vendor_vfio(release: str | Unknown) -> bool:
    found = re.match(r"(\d+)\.(\d+)", release) if isinstance(release, str) else None
    return found is not None and (int(found[1]), int(found[2])) >= (6, 8)


def _sleeps_only(paper: Paper, remark: Remark) -> bool:
    """Whether the card answered in another listing: an idle card without power (D3cold) reads as ff too."""
    if "(rev ff)" not in remark.evidence.text.lower():
        return False
    text = remark.evidence.text
    return any(one.was_awake and at.short[:-1] in text for at, one in paper.listing.seen.items())


def _is_second_of_laptop(paper: Paper) -> bool:
    """Whether the silent card is a laptop's second one on its host driver: without work it has no power.

    Source: Linux drivers/gpu/drm/nouveau/nouveau_acpi.c and vga_switcheroo: runtime power management.
    """
    shown = paper.listing.seen.items()
    has_own = any(at.bus == 0 and one.driver in ("i915", "xe", "amdgpu") for at, one in shown)
    return has_own and any(one.driver in ("nouveau", "nvidia") and not one.was_awake for _, one in shown)


def _are_amd(case: Case) -> bool:
    shown = [unit.primary.id for unit in cards(case)]
    return bool(shown) and all(isinstance(one, PciId) and one.vendor == _AMD for one in shown)


def _is_busy(error: str) -> bool:
    return "busy" in error or "timed out" in error


def _is_mediated(remark: Remark) -> bool:
    text = remark.evidence.text
    return (
        "sysfsdev" in text
        or "mdev" in text
        or "-0000-" in text
        or ("/sys/bus/pci/devices/" in text and text.count("-") > 6)
    )
