"""Keys of flavors.

From 2.86 on (21.0.0) the API refuses values and names that its validators do not know, in the namespaces that
they know; with an older microversion, which the client sends by default, it takes everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gpucloud.nova.match.standard import standard_classes, standard_traits
from gpucloud.nova.properties.verdict import Judged, Verdict, all_names, has, since, suggestion
from gpucloud.nova.releases import guest, pci, vgpu
from gpucloud.nova.releases.release import Release

_ALIASES = re.compile(r"[^:]+:\d+(?:\s*,\s*[^:]+:\d+)*")
_RESOURCE = re.compile(r"resources([a-zA-Z0-9_-]{0,64}):(.+)")
_TRAIT = re.compile(r"trait([a-zA-Z0-9_-]{0,64}):(.+)")
_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+")
_ALWAYS = (
    "pci_passthrough:alias",
    "hw:cpu_policy",
    "hw:cpu_thread_policy",
    "hw:mem_page_size",
    "hw:numa_nodes",
    "hw_video:ram_max_mb",
)
"""Read before there were validators, too."""
_PHYSICAL = ("hw:maxphysaddr_mode", "hw:maxphysaddr_bits")
_HYPERV = ("os:monitors", "os:resolution", "os:vram")
_BY_API = "the API refuses it with microversion 2.86 and later"


def judge_flavor(keys: Mapping[str, str], release: Release) -> tuple[Judged, ...]:
    """What becomes of a flavor's keys, in their order."""
    judged = [_judge(name, value, release) for name, value in keys.items()]
    vgpus = [name for name in keys if (found := _RESOURCE.fullmatch(name)) and found[2] == "VGPU"]
    if len(vgpus) > 1 and not vgpu.SEVERAL_VGPUS.at(release):
        why = "before 33.0.0 a guest gets the first vGPU alone, and no message"
        judged = [
            Judged(one.name, one.value, Verdict.IGNORED, why) if one.name in vgpus[1:] else one
            for one in judged
        ]
    return tuple(judged)


def _judge(name: str, value: str, release: Release) -> Judged:
    for matches, judge in _FAMILIES:
        if matches(name):
            return judge(name, value, release)
    if name in all_names(guest.FLAVOR_KEYS) or name in all_names(guest.HIDE_HYPERVISOR_KEYS):
        return _named(name, value, release)
    why = "no key for guests with GPUs that this table has" + suggestion(name, all_names(guest.FLAVOR_KEYS))
    return Judged(name, value, Verdict.UNKNOWN, why)


def _named(name: str, value: str, release: Release) -> Judged:
    if "hide_hypervisor_id" in name and not has(guest.HIDE_HYPERVISOR_KEYS, name, release):
        return Judged(name, value, Verdict.IGNORED, f"read from {since(guest.HIDE_HYPERVISOR_KEYS, name)} on")
    if name == "hw:pci_numa_affinity_policy":
        return _policy(name, value, release)
    if has(guest.FLAVOR_KEYS, name, release) or not guest.FLAVOR_KEYS.at(release):
        is_read = guest.FLAVOR_KEYS.at(release) or name in _ALWAYS or "hide_hypervisor_id" in name
        why = "" if is_read else f"nova {release} does not read it"
        return Judged(name, value, Verdict.KNOWN if is_read else Verdict.IGNORED, why)
    if "hide_hypervisor_id" in name or name in _ALWAYS:
        return Judged(name, value, Verdict.KNOWN)
    why = f"known from {since(guest.FLAVOR_KEYS, name)} on; {_BY_API}, else it does nothing"
    return Judged(name, value, Verdict.REFUSED, why)


def _aliases(name: str, value: str, release: Release) -> Judged:
    if _ALIASES.fullmatch(value):
        return Judged(name, value, Verdict.KNOWN)
    form = "it must be NAME:COUNT[,NAME:COUNT...]"
    if pci.FLAVOR_ALIAS_VALIDATED.at(release):
        return Judged(name, value, Verdict.REFUSED, f"{form}; {_BY_API}, else each request fails")
    return Judged(name, value, Verdict.REFUSED, f"{form}; each request with this flavor fails")


def _resource(name: str, value: str, release: Release) -> Judged:
    found = _RESOURCE.fullmatch(name)
    kind = found[2] if found is not None else ""
    if kind not in standard_classes() and not _CUSTOM.fullmatch(kind):
        meant = (
            kind.upper()
            if kind.upper() in standard_classes()
            else f"CUSTOM_{kind.upper().removeprefix('CUSTOM_')}"
        )
        return Judged(name, value, Verdict.REFUSED, f"{kind} is no resource class; is it {meant}?")
    if not value.isdecimal():
        return Judged(name, value, Verdict.REFUSED, "the amount must be a number")
    if kind == "VGPU" and int(value) > 1 and not vgpu.SEVERAL_VGPUS.at(release):
        why = "NVIDIA gives a guest one vGPU of each GPU or function; name numbered groups, from 33.0.0 on"
        return Judged(name, value, Verdict.IGNORED, why)
    if kind.startswith("CUSTOM_PCI_"):
        why = "the amount is taken in Placement, and no device is attached: ask with pci_passthrough:alias"
        return Judged(name, value, Verdict.IGNORED, why)
    return Judged(name, value, Verdict.KNOWN)


def _trait(name: str, value: str, release: Release) -> Judged:
    found = _TRAIT.fullmatch(name)
    trait = found[2] if found is not None else ""
    if trait not in standard_traits() and not _CUSTOM.fullmatch(trait):
        return Judged(name, value, Verdict.REFUSED, f"{trait} is no trait; own ones begin with CUSTOM_")
    if value not in ("required", "forbidden"):
        return Judged(name, value, Verdict.REFUSED, "the value must be required or forbidden")
    if release.number < 17:
        return Judged(name, value, Verdict.IGNORED, "read from 17.0.0 on")
    return Judged(name, value, Verdict.KNOWN)


def _physical(name: str, value: str, release: Release) -> Judged:
    if release.number < 29:
        return Judged(name, value, Verdict.IGNORED, "read from 29.0.0 on")
    why = f"the driver reads it, but the API has no validator for it: {_BY_API}; the image's property works"
    return Judged(name, value, Verdict.REFUSED, why)


def _hyperv(name: str, value: str, release: Release) -> Judged:
    if release.number >= 29:
        return Judged(name, value, Verdict.REFUSED, f"gone with Hyper-V in 29.0.0; {_BY_API}")
    return Judged(name, value, Verdict.IGNORED, "for RemoteFX on Hyper-V alone; libvirt does not read it")


def _policy(name: str, value: str, release: Release) -> Judged:
    policies = pci.FLAVOR_NUMA_POLICIES.at(release)
    if not policies:
        return Judged(name, value, Verdict.IGNORED, "read from 21.0.0 on")
    if value not in policies:
        return Judged(name, value, Verdict.REFUSED, f"it must be one of {', '.join(policies)}")
    return Judged(name, value, Verdict.KNOWN)


_FAMILIES: tuple[tuple[Callable[[str], object], Callable[[str, str, Release], Judged]], ...] = (
    (lambda name: name == "pci_passthrough:alias", _aliases),
    (_RESOURCE.fullmatch, _resource),
    (_TRAIT.fullmatch, _trait),
    (lambda name: name in _PHYSICAL, _physical),
    (lambda name: name in _HYPERV, _hyperv),
)
