"""An audit as text for a tired administrator, and as an object for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from gpucloud.cloud.openstack.audit.disagreement import (
    Blocked,
    Disagreement,
    Drop,
    Forget,
    Release,
    Restart,
    SetStatus,
)
from gpucloud.cloud.openstack.audit.judge import Audit
from gpucloud.cloud.openstack.audit.observed import Observed
from gpucloud.doctor.case import Blind, Diagnosis
from gpucloud.doctor.report import render_object, report_lines
from gpucloud.model.finding import Finding, Fix, Level
from gpucloud.model.unknown import Unknown

_SHOW = "gpucloud cloud heal --dry-run"
_RESTART = "a restart of nova-compute; guests run on"
_SURE = 0.95


def lines_of(audit: Audit, source: str) -> Iterator[str]:
    """What was found, worst first in the order of the audit, and what could not be looked at."""
    lines = report_lines(_diagnosis(audit, source))
    first = next(lines)
    yield first if audit.found else f"{source}: {_nothing(audit)}"
    yield from lines


def plain_of(audit: Audit, source: str) -> dict[str, Any]:
    """The same for programs: ``findings`` as the doctor has them, with host and whether heal does it."""
    shown: dict[str, Any] = dict(render_object(_diagnosis(audit, source)))
    findings = [
        {**finding, "host": found.host, "address": found.address, "is_healable": _is_healable(found)}
        for finding, found in zip(shown["findings"], audit.found, strict=True)
    ]
    return {**shown, "findings": findings, "schema": _schema(audit.seen)}


def plain_found(found: Disagreement) -> dict[str, Any]:
    """One disagreement in short."""
    return {"kind": found.kind.id, "host": found.host, "address": found.address, "title": found.title}


def _diagnosis(audit: Audit, source: str) -> Diagnosis:
    blind = tuple(Blind("stale-pci-devices-row", each.fact, each.why) for each in audit.unseen)
    return Diagnosis(source, tuple(map(_finding, audit.found)), blind)


def _finding(found: Disagreement) -> Finding:
    level = Level.WARNING if isinstance(found.remedy, Blocked | Restart) else Level.BLOCKER
    why = f"{found.kind.why} ({found.kind.source})"
    return Finding(found.kind.id, level, found.title, found.evidence, why, _fix(found), _SURE)


def _fix(found: Disagreement) -> Fix:
    remedy = found.remedy
    match remedy:
        case SetStatus():
            return Fix(
                f"mark the row as {remedy.status}, and name no guest in it",
                (_SHOW,),
                "a restart of nova-compute",
            )
        case Forget():
            return Fix("mark the row as deleted", (_SHOW,), _RESTART)
        case Release():
            return Fix("take back what it holds in Placement", (_SHOW,))
        case Drop():
            return Fix("delete the provider", (_SHOW,))
        case Restart():
            text = f"restart nova-compute on {found.host}: it writes this itself when it starts"
            return Fix(text, (), "guests run on")
        case Blocked():
            return Fix(
                f"nothing is taken from a guest ({remedy.why}): {remedy.then}", (), "the guest's downtime"
            )
        case _:
            assert_never(remedy)


def _is_healable(found: Disagreement) -> bool:
    return not isinstance(found.remedy, Blocked | Restart)


def _nothing(audit: Audit) -> str:
    unseen = len(audit.unseen)
    left = f": {unseen} {'source' if unseen == 1 else 'sources'} could not be read" if unseen else ""
    return f"all sources agree, as far as they can be seen{left}"


def _schema(seen: Observed) -> str | None:
    return None if isinstance(seen.database, Unknown) else seen.database.schema
