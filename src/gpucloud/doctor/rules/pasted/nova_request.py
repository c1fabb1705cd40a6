"""What a guest asked for, against what nova is told and what the cards are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.evidence.settings import ALIAS_NAMES, objects
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.pasted.nova_check import release_told
from gpucloud.doctor.rules.pasted.nova_settings import read_ident
from gpucloud.doctor.rules.pasted.pools import types_in_pools
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown
from gpucloud.nova.check.rules import traps
from gpucloud.nova.machine.sriov import has_sriov

_USSURI = 21
"""The first that keeps vGPUs over a resize."""
_REFUSED = ("no-valid-host", "filter-pci", "host-skipped-pci", "claim-failed", "pools-short")
_MISNAMED = re.compile(r"pci_passthrough(?::|[._-]?alias)")
"""Properties meant as ``pci_passthrough:alias``; ``pci_passthrough_whitelist`` was an option of nova."""


@rule
def type_of_device(case: Case) -> Answers:
    """Nova records cards with SR-IOV as type-PF, which an alias gets only where it asks for that type.

    How much that weighs is what nova check says of the alias; a refusal in the report shows that it hurts.
    """
    paper = case.paper
    if paper is None:
        return
    for setting in paper.nova.named(*ALIAS_NAMES):
        for one in objects(setting):
            ident, kind = read_ident(one), traps.without_pf(one)
            # Where nova's pools are shown there is no need to infer the type from the id.
            if ident is None or kind is None or types_in_pools(paper, ident):
                continue
            if has_sriov(ident) or _is_shown_with_sriov(paper, ident):
                is_refused = paper.has(*_REFUSED)
                yield known(
                    "alias-device-type-mismatch",
                    f"{ident} has SR-IOV, so nova records it as type-PF; the alias does not ask for that",
                    (setting.evidence, *_refusals(paper), *paper.lines("sriov-capability")),
                    0.9 if is_refused or paper.has("sriov-capability") else 0.8,
                    level=Level.BLOCKER if is_refused else kind.level,
                    why=kind.what,
                )


@rule
def alias_not_known(case: Case) -> Answers:
    """The flavor asks for an alias that no configuration shown defines."""
    paper = case.paper
    if paper is None:
        return
    defined = {str(one.get("name")) for setting in paper.nova.named(*ALIAS_NAMES) for one in objects(setting)}
    asked = paper.request.get("pci_passthrough:alias")
    missing = [name for name, _ in paper.request.aliases if name not in defined]
    if asked is not None and missing and defined:
        yield known(
            "alias-missing-on-api",
            f"The flavor asks for the alias {', '.join(missing)}; defined is {', '.join(sorted(defined))}",
            (asked.evidence, *(s.evidence for s in paper.nova.named(*ALIAS_NAMES))),
            0.85,
        )


@rule
def alias_without_count(case: Case) -> Answers:
    """The flavor names an alias without ``:COUNT``, which nova cannot take apart.

    Source: nova/pci/request.py, _translate_alias_to_requests().
    """
    asked = case.paper.request.get("pci_passthrough:alias") if case.paper is not None else None
    if asked is not None and any(part.count(":") != 1 for part in asked.value.split(",")):
        title = f"pci_passthrough:alias is NAME:COUNT, and {asked.value!r} is not"
        yield known("alias-definition-invalid", title, (asked.evidence,), 0.82)


@rule
def property_misnamed(case: Case) -> Answers:
    """A flavor property that looks like the one for devices, under a name that nova does not read."""
    paper = case.paper
    if paper is None or paper.request.get("pci_passthrough:alias") is not None:
        return
    for name, one in paper.request.properties.items():
        if _MISNAMED.match(name) and name != "pci_passthrough:alias":
            title = f"nova reads no property {name}: devices are asked for by pci_passthrough:alias"
            yield known("alias-definition-invalid", title, (one.evidence,), 0.75)


@rule
def more_than_there_are(case: Case) -> Answers:
    """The flavor asks for more devices than the host that is shown has of them."""
    paper = case.paper
    if paper is None or isinstance(case.host.functions, Unknown):
        return
    asked = paper.request.get("pci_passthrough:alias")
    for name, count in paper.request.aliases:
        idents = {
            i
            for s in paper.nova.named(*ALIAS_NAMES)
            for o in objects(s)
            if o.get("name") == name and (i := read_ident(o))
        }
        there = [f for f in case.host.functions.values() if f.id in idents]
        if asked is not None and there and count > len(there):
            yield known(
                "not-enough-devices",
                f"The flavor asks for {count} of {name}, and the host has {len(there)}",
                (asked.evidence, *_refusals(paper)),
                0.88,
            )


@rule
def numa_policy(case: Case) -> Answers:
    """A strict NUMA policy and no host: the card's node and the guest's cells do not meet."""
    paper = case.paper
    if paper is None:
        return
    policy = paper.request.get("hw:pci_numa_affinity_policy") or paper.request.get(
        "hw_pci_numa_affinity_policy"
    )
    lines = [policy.evidence] if policy is not None and policy.value in ("required", "socket") else []
    lines += [
        setting.evidence
        for setting in paper.nova.named(*ALIAS_NAMES)
        if any(one.get("numa_policy") in ("required", "socket") for one in objects(setting))
    ]
    if lines and paper.has(*_REFUSED, "numa-unknown"):
        yield known(
            "numa-policy-no-host",
            "The request demands a card on the guest's own NUMA node, and no host can give one",
            (*lines, *_refusals(paper), *paper.lines("numa-unknown")),
            0.75,
        )


@rule
def several_vgpus(case: Case) -> Answers:
    """resources:VGPU above 1: one instance gets one vGPU from one card."""
    paper = case.paper
    asked = paper.request.get("resources:VGPU") if paper is not None else None
    if paper is None or asked is None or not asked.value[:6].isdigit() or int(asked.value[:6]) < 2:
        return
    yield known(
        "vgpu-request-unsupported",
        f"The flavor asks for {asked.value} vGPUs in one instance",
        (asked.evidence, *_refusals(paper)),
        0.85 if paper.has("no-valid-host") else 0.7,
        level=Level.BLOCKER if paper.has("no-valid-host") else Level.WARNING,
        why="Allocations of one request come from one provider (one card), for all its instances together; "
        "several vGPUs of one NVIDIA card in one guest are refused by most drivers.",
    )


@rule
def lost_by_a_lifecycle_action(case: Case) -> Answers:
    """The guest is started again by a path that does not know of its device."""
    paper = case.paper
    if paper is None:
        return
    resumes = [s for s in paper.nova.named("resume_guests_state_on_host_boot") if s.is_true]
    if (resumes or paper.has("resume-host")) and paper.has("accel-info", "cyborg"):
        lines = (*(s.evidence for s in resumes), *paper.lines("resume-host", "accel-info"))
        yield known(
            "device-lost",
            "After a reboot of the host nova builds the guest again without its Cyborg device",
            lines,
            0.88,
        )
    asked = paper.request.get("resources:VGPU")
    if asked is not None and asked.value == "1" and _is_before_ussuri(paper):
        yield known(
            "device-lost",
            "In this release a resize or cold migration to a flavor with a vGPU leaves the guest without one",
            (asked.evidence,),
            0.4,
            level=Level.INFO,
        )


@rule
def domain_without_device(case: Case) -> Answers:
    """The flavor asks for a device, and the domain that runs has none."""
    paper = case.paper
    if paper is None or not paper.shapes.has_domain or paper.shapes.has_hostdev:
        return
    asked = paper.request.get("pci_passthrough:alias") or paper.request.get("resources:VGPU")
    if asked is not None:
        title = "The flavor asks for a device and the running domain has no <hostdev>"
        yield known("device-lost", title, (asked.evidence,), 0.8)


@rule
def mdev_type_without_name(case: Case) -> Answers:
    """Libvirt lists an mdev type without a name, which nova up to Ussuri takes for granted."""
    paper = case.paper
    if paper is not None and paper.shapes.nameless_types:
        title = "libvirt lists an mdev type without a name element; nova before Victoria needs one"
        yield known("nova-libvirt-mdev-incompatible", title, paper.shapes.nameless_types, 0.8)


@rule
def image_without_minimum(case: Case) -> Answers:
    """The image demands no memory, so nova takes flavors that are too small for it."""
    paper = case.paper
    minimum = paper.request.get("min_ram") if paper is not None else None
    if minimum is not None and minimum.value == "0":
        title = "The image sets no min_ram: nova accepts flavors in which a GPU image cannot boot"
        yield known("guest-too-small", title, (minimum.evidence,), 0.4, level=Level.INFO)


@rule
def refused_without_reason(case: Case) -> Answers:
    """Nova says that no host would do and not why: what it is most often with devices."""
    paper = case.paper
    if paper is None:
        return
    if paper.has("retries"):
        title = "Every host tried failed to build the guest: most often a device list no longer fits its host"
        yield known("whitelist-mismatch", title, paper.lines("retries"), 0.4, level=Level.WARNING)
    is_skipped = paper.has("host-skipped-pci") and not paper.has("host-found-pci")
    if is_skipped or paper.has("claim-failed", "filter-pci", "pools-short"):
        title = "No host has a free device that fits the request"
        yield known("not-enough-devices", title, _refusals(paper), 0.6, level=Level.WARNING)
    elif paper.has("no-valid-host") and (paper.nova.named(*ALIAS_NAMES) or paper.request.aliases):
        title = "No host fits: look at the alias's device_type first, then at filters and free devices"
        yield known("alias-device-type-mismatch", title, _refusals(paper), 0.35, level=Level.WARNING)


def _is_shown_with_sriov(paper: Paper, ident: PciId) -> bool:
    seen = [one for one in paper.listing.seen.values() if one.id == ident]
    return any(one.has_sriov for one in seen) or (not seen and paper.has("sriov-capability"))


def _refusals(paper: Paper) -> Iterator[Evidence]:
    yield from paper.lines(*_REFUSED)


def _is_before_ussuri(paper: Paper) -> bool:
    told = release_told(paper)
    return told is not None and told.number < _USSURI
