"""The doctor at work: every rule over one case, answers put in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gpucloud.doctor.case import Blind, Case, Diagnosis
from gpucloud.doctor.lines import with_lines
from gpucloud.doctor.past import as_of_now
from gpucloud.doctor.questions import questions
from gpucloud.doctor.rank import rank_host, rank_report
from gpucloud.doctor.rules.card import NO_GPU
from gpucloud.doctor.rules.catalogue import PASTED_RULES, RULES
from gpucloud.model.finding import Finding
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress

if TYPE_CHECKING:
    from gpucloud.doctor.evidence.paper import Paper


def diagnose(case: Case) -> Diagnosis:
    """Every rule over one case: findings with the likeliest root cause first, and what could not be seen."""
    findings: list[Finding] = []
    blind: dict[Blind, None] = {}
    for rule in RULES if case.paper is None else (*PASTED_RULES, *RULES):
        for answer in rule.look(case):
            if isinstance(answer, Blind):
                blind[answer] = None
            else:
                findings.append(answer)
    if case.paper is None:
        asked = [one for one in findings if _is_about(one, case.named)]
        has_looked = bool(case.host.units) or all(one.cause != NO_GPU for one in blind)
        return Diagnosis(case.host.source, rank_host(asked), tuple(blind), has_looked=has_looked)
    present = (as_of_now(case.paper, finding) for finding in findings)
    ranked = tuple(with_lines(case, finding) for finding in rank_report(present))
    return Diagnosis(
        case.host.source,
        ranked,
        tuple(_skipped(case.paper)),
        is_of_report=True,
        read=tuple(_recognised(case.paper)),
        questions=questions(case, ranked),
    )


def _is_about(finding: Finding, named: frozenset[PciAddress]) -> bool:
    """Claims a finding on the whole host or a unit that was asked about; without a question, all are."""
    return not named or not finding.units or not named.isdisjoint(finding.units)


def _skipped(paper: Paper) -> Iterator[Blind]:
    """Of a report only what was there and not read is said: that it lacks most facts is its nature."""
    return (Blind("", "a part of the evidence", what) for what in paper.skipped)


def _recognised(paper: Paper) -> Iterator[str]:
    functions = len(paper.listing.seen) + len(paper.guest_listing.seen)
    arguments = len(paper.boot.running) + len(paper.boot.written)
    remarks = sum(len(same) for same in paper.remarks.values())
    for count, one, many in (
        (functions, "PCI function", "PCI functions"),
        (len(paper.nova.settings), "option of nova", "options of nova"),
        (len(paper.boot.directives), "directive of modprobe", "directives of modprobe"),
        (arguments, "kernel argument", "kernel arguments"),
        (len(paper.request.properties), "property of a flavor or image", "properties of flavors or images"),
        (remarks, "message", "messages"),
    ):
        if count:
            yield f"{count} {one if count == 1 else many}"


def examine(host: Host, *, named: Iterable[PciAddress] = ()) -> tuple[Finding, ...]:
    """What stops GPUs of a host from reaching guests, worst and likeliest first.

    Args:
        host: the facts.
        named: addresses of units that the user asks about: passthrough is wanted for them, so a host
            driver on one is a blocker. For others it is one only where the host itself shows the wish
            (ids given to vfio-pci, a driver override, a function already given away).
    """
    return diagnose(Case(host, frozenset(named))).findings
