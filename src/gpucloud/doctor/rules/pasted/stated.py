"""Messages that show their cause by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.partial import is_iommu_shown_running
from gpucloud.doctor.evidence.pasted import UNSTRUCTURED
from gpucloud.doctor.evidence.phrase import Remark
from gpucloud.doctor.intent import cards, is_given_away
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level

_FABRIC_SERVICE = ("fabric-service", "fabric-state", "fabric-nvlink")
_ASLEEP, _LOST = ("d3-stuck", "d3-lspci"), ("reset-giving-up", "reset-failed", "off-bus")
_SLOT = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{4}:)?([0-9a-f]{2}:[0-9a-f]{2})(?=\.[0-7]\b|\))")
_IOMMU_OFF = ("iommu-disabled-firmware", "iommu-missing-kernel-arg")
_BELIED = 0.4
"""What is left of a claim that the report itself belies: it is of another time or place, or has passed."""
_FURTHER = 0.01
"""What each further phrase of the same cause adds to the confidence."""
_SUREST = 0.99


@rule
def stated_by_programs(case: Case) -> Answers:
    """A program said what is wrong, in words that mean one cause."""
    if case.paper is None:
        return
    for cause, remarks in _by_cause(case.paper).items():
        standing = [one for one in remarks if _stands(case.paper, one) and not _is_meant(case, one)]
        best = max(standing or remarks, key=lambda one: one.phrase.confidence)
        more = len({one.phrase.name for one in remarks}) - 1
        sure = min(best.phrase.confidence + more * _FURTHER, _SUREST)
        is_belied = all(_has_passed(case.paper, one) for one in remarks) or (
            cause in _IOMMU_OFF and is_iommu_shown_running(case.paper)
        )
        yield known(
            cause,
            best.phrase.says,
            (one.evidence for one in (best, *remarks)),
            min(sure, _BELIED) if is_belied else sure,
            level=best.phrase.level if standing and not is_belied else Level.INFO,
        )


def _by_cause(paper: Paper) -> Mapping[str, list[Remark]]:
    found: dict[str, list[Remark]] = {}
    for remark in paper.all_remarks():
        if remark.phrase.cause and _is_heard(remark) and not _is_needless(paper, remark):
            found.setdefault(remark.phrase.cause, []).append(remark)
    return found


def _is_meant(case: Case, remark: Remark) -> bool:
    """Whether a host lacks a driver for a card that it holds for guests: that is what was wanted."""
    is_of_guest = is_guest_key(remark.evidence.key)
    return (
        remark.phrase.cause == "guest-driver-not-loaded"
        and not is_of_guest
        and any(is_given_away(unit.primary) for unit in cards(case))
    )


def _is_needless(paper: Paper, remark: Remark) -> bool:
    """Whether only a service failed that this machine has no use for: it says itself that it has none."""
    return remark.phrase.name in _FABRIC_SERVICE and paper.has("fabric-not-needed")


def _has_passed(paper: Paper, remark: Remark) -> bool:
    """Whether the report shows that what was said came right in the end."""
    signs = paper.said(remark.phrase.passed) if remark.phrase.passed else ()
    return any(_is_heard(sign) or sign.evidence.key == UNSTRUCTURED for sign in signs)


def _stands(paper: Paper, remark: Remark) -> bool:
    """Whether the message weighs: it has not passed, and its harm is shown where that is needed."""
    hurts = not remark.phrase.needs or paper.has(remark.phrase.needs)
    return hurts and not _has_passed(paper, remark) and not _follows(paper, remark)


def _follows(paper: Paper, remark: Remark) -> bool:
    """Whether a card that cannot leave D3 had been lost before, by a reset or off the bus.

    All that is read of such a card is ones, which the kernel takes for D3cold (drivers/pci/pci.c,
    ``pci_power_up``).
    """
    if remark.phrase.name not in _ASLEEP:
        return False
    slots = set(_SLOT.findall(remark.evidence.text))
    return any(
        sign.evidence.key == remark.evidence.key
        and (sign.evidence.line or 0) < (remark.evidence.line or 0)
        and slots.intersection(_SLOT.findall(sign.evidence.text))
        for sign in paper.said(*_LOST)
    )


def _is_heard(remark: Remark) -> bool:
    """Whether the message came from the side on which it means this cause."""
    side = remark.phrase.side
    return not side or (side == "guest") == is_guest_key(remark.evidence.key)
