"""Messages that show their cause by themselves."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.phrase import Remark
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule

_FABRIC_SERVICE = ("fabric-service", "fabric-state", "fabric-nvlink")
_FURTHER = 0.01
"""What each further phrase of the same cause adds to the confidence."""
_SUREST = 0.99


@rule
def stated_by_programs(case: Case) -> Answers:
    """A program said what is wrong, in words that mean one cause."""
    if case.paper is None:
        return
    for cause, remarks in _by_cause(case.paper).items():
        best = max(remarks, key=lambda one: one.phrase.confidence)
        more = len({one.phrase.name for one in remarks}) - 1
        yield known(
            cause,
            best.phrase.says,
            (one.evidence for one in (best, *remarks)),
            min(best.phrase.confidence + more * _FURTHER, _SUREST),
            level=best.phrase.level,
        )


def _by_cause(paper: Paper) -> Mapping[str, list[Remark]]:
    found: dict[str, list[Remark]] = {}
    for remark in paper.all_remarks():
        if remark.phrase.cause and _is_heard(remark) and not _is_needless(paper, remark):
            found.setdefault(remark.phrase.cause, []).append(remark)
    return found


def _is_needless(paper: Paper, remark: Remark) -> bool:
    """Whether only a service failed that this machine has no use for: it says itself that it has none."""
    return remark.phrase.name in _FABRIC_SERVICE and paper.has("fabric-not-needed")


def _is_heard(remark: Remark) -> bool:
    """Whether the message came from the side on which it means this cause."""
    side = remark.phrase.side
    return not side or (side == "guest") == is_guest_key(remark.evidence.key)
