"""Keys of flavors: what the API refuses, and what nova then makes of those that it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gpucloud.nova.properties.api import (
    FIRST,
    api_refusal,
    find,
    is_class,
    is_trait,
    resource_class_of,
    trait_of,
)
from gpucloud.nova.properties.early import early_keys, early_refusal
from gpucloud.nova.properties.verdict import Judged, Verdict, all_names, has, since, suggestion
from gpucloud.nova.releases import guest, pci, vgpu
from gpucloud.nova.releases.properties import flavor_keys
from gpucloud.nova.releases.release import Release

_ALIASES = re.compile(r"[^:]+:\d+(?:\s*,\s*[^:]+:\d+)*")
_PHYSICAL = ("hw:maxphysaddr_mode", "hw:maxphysaddr_bits")
_HYPERV = ("os:monitors", "os:resolution", "os:vram")
_MICROVERSION = "(microversion 2.86 and later; with an older one the API takes it)"


def judge_flavor(keys: Mapping[str, str], release: Release) -> tuple[Judged, ...]:
    """What becomes of a flavor's keys, in their order."""
    judged = [_judge(name, value, release) for name, value in keys.items()]
    vgpus = [name for name in keys if resource_class_of(name) == "VGPU"]
    if len(vgpus) > 1 and not vgpu.SEVERAL_VGPUS.at(release):
        why = "before 33.0.0 a guest gets the first vGPU alone, and no message"
        judged = [
            Judged(one.name, one.value, Verdict.IGNORED, why) if one.name in vgpus[1:] else one
            for one in judged
        ]
    return tuple(judged)


def _judge(name: str, value: str, release: Release) -> Judged:
    refusal = api_refusal(name, value, release)
    if refusal is not None:
        why = f"{refusal} {_MICROVERSION}{_advice(name, release)}"
        return Judged(name, value, Verdict.REFUSED, why)
    for matches, judge in _FAMILIES:
        if matches(name):
            return judge(name, value, release)
    return _named(name, value, release)


def _advice(name: str, release: Release) -> str:
    """What to do instead, as the end of a sentence."""
    kind, trait = resource_class_of(name), trait_of(name)
    if name in _PHYSICAL and release.number >= 29:
        return "; the driver reads it, and the image's property works"
    if kind is not None and not is_class(kind):
        is_standard = is_class(kind.upper())
        meant = kind.upper() if is_standard else f"CUSTOM_{kind.upper().removeprefix('CUSTOM_')}"
        return f"; is the class {meant}?"
    if trait is not None and not is_trait(trait):
        return "; own traits begin with CUSTOM_"
    if name == "pci_passthrough:alias":
        return "; it must be NAME:COUNT[,NAME:COUNT...]"
    ages = flavor_keys().ages(name)
    if find(name, release) is None and ages and release < ages[0].since.versions[-1]:
        return f"; known from {ages[0].since} on"
    if find(name, release) is not None:
        return ""
    if ages and ages[-1].until is not None and ages[-1].until.holds_for(release):
        return f"; known until {ages[-1].until}"
    return suggestion(name, _names(release))


def _named(name: str, value: str, release: Release) -> Judged:
    """A key that the API takes, by its name alone."""
    hides = guest.HIDE_HYPERVISOR_KEYS
    if name in all_names(hides) and not has(hides, name, release):
        return Judged(name, value, Verdict.IGNORED, f"read from {since(hides, name)} on")
    if release >= FIRST and find(name, release) is not None:
        return Judged(name, value, Verdict.KNOWN)
    if name in all_names(hides):
        return Judged(name, value, Verdict.KNOWN)
    if release < FIRST and early_keys().ages(name):
        return _early(name, value, release)
    if flavor_keys().ages(name):
        return Judged(name, value, Verdict.IGNORED, f"nova {release} does not read it")
    why = "no key for guests with GPUs that this table has" + suggestion(name, _names(release))
    return Judged(name, value, Verdict.UNKNOWN, why)


def _early(name: str, value: str, release: Release) -> Judged:
    """A key that nova read before its API had validators."""
    known = early_keys().find(name, release)
    if known is None:
        since = early_keys().ages(name)[0].since
        return Judged(name, value, Verdict.IGNORED, f"read from {since} on")
    refusal = early_refusal(known, value)
    if refusal is not None:
        return Judged(name, value, Verdict.REFUSED, f"{refusal} Each guest with this flavor fails")
    return Judged(name, value, Verdict.KNOWN)


def _names(release: Release) -> tuple[str, ...]:
    """Names that a release reads."""
    return (flavor_keys() if release >= FIRST else early_keys()).names_in(release)


def _aliases(name: str, value: str, _release: Release) -> Judged:
    if _ALIASES.fullmatch(value):
        return Judged(name, value, Verdict.KNOWN)
    why = "it must be NAME:COUNT[,NAME:COUNT...]; each request with this flavor fails"
    return Judged(name, value, Verdict.REFUSED, why)


def _resource(name: str, value: str, release: Release) -> Judged:
    kind = resource_class_of(name) or ""
    if not is_class(kind):
        return Judged(name, value, Verdict.REFUSED, f"{kind} is no resource class{_advice(name, release)}")
    if not value.strip().isdecimal():
        return Judged(name, value, Verdict.REFUSED, "the amount must be a number, and not below 0")
    if release.number < 17:
        return _resource_before_queens(name, value, kind, release)
    if kind == "VGPU" and int(value) > 1 and not vgpu.SEVERAL_VGPUS.at(release):
        why = "NVIDIA gives a guest one vGPU of each GPU or function; name numbered groups, from 33.0.0 on"
        return Judged(name, value, Verdict.IGNORED, why)
    if kind.startswith("CUSTOM_PCI_"):
        why = "the amount is taken in Placement, and no device is attached: ask with pci_passthrough:alias"
        return Judged(name, value, Verdict.IGNORED, why)
    return Judged(name, value, Verdict.KNOWN)


def _resource_before_queens(name: str, value: str, kind: str, release: Release) -> Judged:
    if release.number < 16:
        return Judged(name, value, Verdict.IGNORED, "read from 16.0.0 on")
    if not name.startswith("resources:"):
        return Judged(name, value, Verdict.IGNORED, "numbered groups are read from 17.0.0 on")
    if kind == "VGPU":
        why = "no host of libvirt offers VGPU before 17.0.0: no valid host is found"
        return Judged(name, value, Verdict.IGNORED, why)
    return Judged(name, value, Verdict.KNOWN)


def _trait(name: str, value: str, release: Release) -> Judged:
    trait = trait_of(name) or ""
    if not is_trait(trait):
        return Judged(name, value, Verdict.REFUSED, f"{trait} is no trait; own ones begin with CUSTOM_")
    if value not in ("required", "forbidden"):
        return Judged(name, value, Verdict.REFUSED, "the value must be required or forbidden")
    if release.number < 17:
        return Judged(name, value, Verdict.IGNORED, "read from 17.0.0 on")
    if value == "forbidden" and release.number < 18:
        return Judged(name, value, Verdict.IGNORED, "before 18.0.0 required is read alone")
    return Judged(name, value, Verdict.KNOWN)


def _hyperv(name: str, value: str, _release: Release) -> Judged:
    return Judged(name, value, Verdict.IGNORED, "for RemoteFX on Hyper-V alone; libvirt does not read it")


def _physical(name: str, value: str, _release: Release) -> Judged:
    return Judged(name, value, Verdict.IGNORED, "read from 29.0.0 on")


def _policy(name: str, value: str, release: Release) -> Judged:
    if not pci.FLAVOR_NUMA_POLICIES.at(release):
        return Judged(name, value, Verdict.IGNORED, "read from 21.0.0 on")
    return Judged(name, value, Verdict.KNOWN)


_FAMILIES: tuple[tuple[Callable[[str], object], Callable[[str, str, Release], Judged]], ...] = (
    (lambda name: name == "pci_passthrough:alias", _aliases),
    (resource_class_of, _resource),
    (trait_of, _trait),
    (lambda name: name in _PHYSICAL, _physical),
    (lambda name: name in _HYPERV, _hyperv),
    (lambda name: name == "hw:pci_numa_affinity_policy", _policy),
)
