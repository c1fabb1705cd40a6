"""nova-compute and libvirt on the host: the claim, and whether vfio takes the devices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.cloud.openstack.explain.rules.pools import Desk, OnHost, Reach, judge_host
from gpucloud.cloud.openstack.explain.rules.scheduler import desks
from gpucloud.doctor.case import Blind
from gpucloud.doctor.case import Case as DoctorCase
from gpucloud.doctor.examine import diagnose
from gpucloud.model.finding import Finding, Level
from gpucloud.model.pci import PciAddress

_REFUSED_BY_VFIO = frozenset(
    {
        "acs-missing",
        "companion-function-not-bound",
        "group-not-viable",
        "interrupt-remapping-missing",
        "iommu-disabled-firmware",
        "iommu-missing-kernel-arg",
        "kvm-unavailable",
        "rmrr-ineligible",
        "viommu-group-split",
    }
)
"""Causes that libvirt does not cure: it takes the device itself from its driver, and nothing else."""


def claim(case: Case) -> Answers:
    """A claim that failed: the scheduler took a host without a free device."""
    paper = case.report.paper
    lines = () if paper is None else paper.lines("claim-failed")
    if not lines or case.seen.aliases is None:
        return
    if case.given.scheduler is None:
        title = "The scheduler took a host without a free device, as it does without PciPassthroughFilter"
        yield stops("filter-not-enabled", title, lines, confidence=0.7)
    else:
        title = (
            "The host refused devices that the scheduler took for free: others were faster, or rows are old"
        )
        yield stops("not-enough-devices", title, lines, confidence=0.5)


def groups(case: Case) -> Answers:
    """Captured hosts on which the request fits: whether the devices' groups can be given to a guest."""
    fitting = [each for each in _judged(case) if each.reach is Reach.FITS]
    found = []
    for each in fitting:
        if each.host.facts is None:
            yield Blind("group-not-viable", f"the groups of {each.host.name}", "a list of devices has none")
            return
        refused = _refused(each)
        if refused is None:
            return
        found.append(refused)
    yield from found[:1]


def given_up(case: Case) -> Answers:
    """A server that hosts were chosen for and could not start: nova keeps its own last word, not theirs.

    Source: ``build_instances()`` of nova/conductor/manager.py; the host's reason is only in its log.
    """
    if any(_EXHAUSTED in words for words in case.words.values()):
        why = "nova keeps no reason of a host: give the end of its nova-compute.log with --evidence"
        yield Blind("group-not-viable", "why nova-compute gave the server up", why)


def _judged(case: Case) -> Iterator[OnHost]:
    return (judge_host(desk) for desk in desks(case) if isinstance(desk, Desk))


def _refused(each: OnHost) -> Finding | None:
    """What the doctor says of the units of those devices, if vfio refuses them."""
    if each.host.facts is None:
        return None
    doctor = DoctorCase(each.host.facts)
    units = (doctor.unit_at(PciAddress.parse(device.address)) for device in each.devices)
    named = frozenset(unit.address for unit in units if unit is not None)
    for one in diagnose(replace(doctor, named=named)).findings if named else ():
        if one.level is Level.BLOCKER and one.cause in _REFUSED_BY_VFIO:
            return replace(one, title=f"{each.host.name}: {one.title}")
    return None


_EXHAUSTED = "Exhausted all hosts available for retrying build failures"

RULES = (
    Rule(Step.CLAIM, "nova/compute/claims.py, nova/pci/manager.py: claim_instance()", claim),
    Rule(Step.START, "nova/conductor/manager.py: build_instances()", given_up),
    Rule(Step.START, "QEMU hw/vfio/container.c, libvirt src/hypervisor/virhostdev.c", groups),
)
