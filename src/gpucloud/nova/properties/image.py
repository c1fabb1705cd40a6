"""Properties of images: unknown ones do nothing, and nobody says so; a known one with a bad value fails."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.properties.verdict import Judged, Verdict, all_names, has, since, suggestion
from gpucloud.nova.releases import guest, pci
from gpucloud.nova.releases.release import Release

_VALUES: Mapping[str, tuple[str, ...]] = {
    "hw_firmware_type": ("bios", "uefi"),
    "hw_pointer_model": ("usbtablet",),
    "hw_input_bus": ("usb", "virtio"),
    "hw_viommu_model": ("intel", "smmuv3", "virtio", "auto"),
    "hw_maxphysaddr_mode": ("passthrough", "emulate"),
    "hw_usb_model": ("none", "nec-xhci", "qemu-xhci"),
}
"""Values of properties whose values have not changed; letters count."""
_NUMBERS = ("hw_video_ram", "hw_numa_nodes", "hw_maxphysaddr_bits", "hw_redirected_usb_ports")


def judge_image(properties: Mapping[str, str], release: Release) -> tuple[Judged, ...]:
    """What becomes of an image's properties, in their order."""
    return tuple(_judge(name, value, properties, release) for name, value in properties.items())


def _judge(name: str, value: str, others: Mapping[str, str], release: Release) -> Judged:
    known = guest.IMAGE_PROPERTIES
    if not has(known, name, release):
        if name in all_names(known):
            why = f"nova {release} passes over it without a word; read from {since(known, name)} on"
            return Judged(name, value, Verdict.IGNORED, why)
        why = "no property for guests with GPUs that this table has" + suggestion(name, all_names(known))
        return Judged(name, value, Verdict.UNKNOWN, why)
    allowed = _allowed(name, release)
    if allowed is not None and value not in allowed:
        why = f"Field value {value} is invalid; it must be one of {', '.join(allowed)}"
        return Judged(name, value, Verdict.REFUSED, why)
    if name in _NUMBERS and not value.strip().lstrip("+-").isdecimal():
        return Judged(name, value, Verdict.REFUSED, "it must be a number")
    return _together(name, value, others, release)


def _allowed(name: str, release: Release) -> tuple[str, ...] | None:
    match name:
        case "hw_video_model":
            return guest.VIDEO_MODELS.at(release)
        case "hw_pci_numa_affinity_policy":
            return pci.FLAVOR_NUMA_POLICIES.at(release)
        case _:
            return _VALUES.get(name)


def _together(name: str, value: str, others: Mapping[str, str], release: Release) -> Judged:
    """What a property needs beside it."""
    machine = others.get("hw_machine_type", "")
    if name == "hw_maxphysaddr_bits" and "hw_maxphysaddr_mode" not in others:
        return Judged(name, value, Verdict.IGNORED, "it counts only beside hw_maxphysaddr_mode")
    if name == "hw_viommu_model" and value in ("intel", "auto") and "q35" not in machine:
        why = "x86 guests need hw_machine_type=q35 for it; nova's default is pc (i440fx) in every release"
        return Judged(name, value, Verdict.REFUSED, why)
    if name == "os_secure_boot" and not guest.LIBVIRT_SECURE_BOOT.at(release):
        return Judged(name, value, Verdict.IGNORED, "libvirt guests can have it from 23.0.0 on")
    if name == "img_hide_hypervisor_id" and not guest.HIDING_HELPS_WINDOWS.at(release):
        return Judged(name, value, Verdict.KNOWN, "before 20.0.0 it does not help Windows with GeForce cards")
    return Judged(name, value, Verdict.KNOWN)
