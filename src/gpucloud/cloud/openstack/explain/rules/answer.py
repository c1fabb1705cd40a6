"""What a rule says: a cause of the doctor's registry with nova's source, or what it could not see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.doctor.case import Blind
from gpucloud.doctor.causes import CAUSES
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.model.finding import Evidence, Finding

Answers = Iterator[Finding | Blind]


class Step(Enum):
    """Where a request is, in nova's order."""

    API = "nova-api takes the flavor"
    QUOTA = "the quota allows it"
    PLACEMENT = "Placement has room"
    SCHEDULER = "the scheduler finds a host"
    CLAIM = "nova-compute claims the devices"
    START = "libvirt starts the guest"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that nova looks at: ``source`` is its own file."""

    step: Step
    source: str
    look: Callable[[Case], Answers]


def stops(
    cause: str,
    title: str,
    evidence: Iterable[Evidence],
    *,
    confidence: float = 0.95,
    why: str = "",
    fix: str = "",
    commands: tuple[str, ...] = (),
) -> Finding:
    """A finding of a cause of the registry; ``why`` and ``fix`` replace what that says of all its cases."""
    found = known(cause, title, evidence, confidence, why=why)
    return replace(found, fix=replace(found.fix, text=fix or found.fix.text, commands=commands))


def citing(finding: Finding, source: str) -> Finding:
    """The finding with the file of nova that says so."""
    return replace(finding, why=f"{finding.why or CAUSES[finding.cause].what} ({source})")
