"""What keys of a flavor and properties of an image need of each other.

A side that was not given is not known: nothing is said that it could mend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from gpucloud.nova.properties.verdict import Judged, Verdict
from gpucloud.nova.reading import is_yes

_Q35 = "x86 guests need hw_machine_type=q35 for it; nova's default is pc (i440fx) in every release"
_SECURE = ("os_secure_boot", "os:secure_boot")
_BIOS = "it counts only with hw_firmware_type=uefi: the guest starts without Secure Boot"
_LOCKED = (
    "nova refuses locked memory without a page size (LockMemoryForbidden): "
    "add hw:mem_page_size, or hw_mem_page_size"
)


def judge_together(
    judged: Iterable[Judged], flavor: Mapping[str, str], image: Mapping[str, str]
) -> tuple[Judged, ...]:
    """Judged keys or properties, with those that the others make refused, or ignored."""
    said = {name: (Verdict.REFUSED, why) for name, why in _refused(flavor, image)}
    if image.get("hw_firmware_type") == "bios":
        said |= dict.fromkeys(_SECURE, (Verdict.IGNORED, _BIOS))
    return tuple(
        replace(one, verdict=said[one.name][0], why=said[one.name][1])
        if one.name in said and one.verdict is Verdict.KNOWN
        else one
        for one in judged
    )


def _refused(flavor: Mapping[str, str], image: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    machine = image.get("hw_machine_type", "")
    is_locked = is_yes(flavor.get("hw:locked_memory")) or is_yes(image.get("hw_locked_memory"))
    if is_locked and not (flavor.get("hw:mem_page_size") or image.get("hw_mem_page_size")):
        yield from ((name, _LOCKED) for name in ("hw:locked_memory", "hw_locked_memory"))
    if flavor.get("hw:viommu_model") in ("intel", "auto") and image and "q35" not in machine:
        yield "hw:viommu_model", _Q35
    is_secure = "required" in (image.get("os_secure_boot"), flavor.get("os:secure_boot"))
    if is_secure and "q35" not in image.get("hw_machine_type", "q35"):
        why = "on x86, Secure Boot needs hw_machine_type=q35 (SecureBootNotSupported)"
        yield from ((name, why) for name in _SECURE)
    yield from _video(flavor, image)
    if machine != machine.lower() and machine.lower() in ("q35", "pc", "virt"):
        yield "hw_machine_type", f"libvirt knows {machine.lower()}, in small letters"


def _video(flavor: Mapping[str, str], image: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    wanted, most = image.get("hw_video_ram", ""), flavor.get("hw_video:ram_max_mb", "0")
    if flavor and wanted.isdecimal() and most.isdecimal() and int(wanted) > int(most):
        yield (
            "hw_video_ram",
            f"more than the flavor's hw_video:ram_max_mb, {int(most)} (RequestedVRamTooHigh): raise that",
        )
