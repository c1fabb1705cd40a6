"""Properties of images: unknown ones do nothing, and nobody says so; a known one with a bad value fails."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.properties.kind import field_complaint
from gpucloud.nova.properties.verdict import Judged, Verdict, suggestion
from gpucloud.nova.releases import guest
from gpucloud.nova.releases.properties import image_properties
from gpucloud.nova.releases.release import Release


def judge_image(properties: Mapping[str, str], release: Release) -> tuple[Judged, ...]:
    """What becomes of an image's properties, in their order."""
    return tuple(_judge(name, value, properties, release) for name, value in properties.items())


def image_refusal(name: str, value: str, release: Release) -> str | None:
    """Nova's complaint about the value of a property; None where it takes it, or does not read it."""
    known = image_properties().find(name, release)
    return None if known is None else field_complaint(known, value)


def _judge(name: str, value: str, others: Mapping[str, str], release: Release) -> Judged:
    known = image_properties().find(name, release)
    if known is None:
        return _not_read(name, value, release)
    refusal = field_complaint(known, value)
    if refusal is not None:
        allowed = f"; it must be one of {', '.join(known.values)}" if known.values else ""
        return Judged(name, value, Verdict.REFUSED, f"{refusal}{allowed}")
    return _together(name, value, others, release)


def _not_read(name: str, value: str, release: Release) -> Judged:
    ages = image_properties().ages(name)
    if ages and ages[-1].until is not None and ages[-1].until.holds_for(release):
        why = f"nova {release} passes over it without a word; read until {ages[-1].until}"
        return Judged(name, value, Verdict.IGNORED, why)
    if ages:
        why = f"nova {release} passes over it without a word; read from {ages[0].since} on"
        return Judged(name, value, Verdict.IGNORED, why)
    if name == "traits_required":
        return Judged(name, value, Verdict.IGNORED, "nova makes it of trait:NAME=required, and reads those")
    why = "no release of nova reads it" + suggestion(name, image_properties().names_in(release))
    return Judged(name, value, Verdict.UNKNOWN, why)


def _together(name: str, value: str, others: Mapping[str, str], release: Release) -> Judged:
    """What a property needs beside it."""
    machine = others.get("hw_machine_type", "")
    if name.startswith("trait:") and value != "required":
        return Judged(name, value, Verdict.IGNORED, "only the value required counts")
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
