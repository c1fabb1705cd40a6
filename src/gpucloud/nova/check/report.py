"""Files checked: whether the service starts, what it reads, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpucloud.model.finding import Level
from gpucloud.model.line import Copied
from gpucloud.nova.alias import Alias
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding
from gpucloud.nova.check.rules.catalogue import RULES
from gpucloud.nova.check.start import later_error, start_error
from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.reading import Json
from gpucloud.nova.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Args:
        case: what was looked at.
        error: what the service ends with; None where it starts.
        later: what it refuses after it has started, whenever it reads the option.
        findings: heaviest first, then in the order of files and lines.
    """

    case: Case
    error: Refusal | None
    later: Refusal | None
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> int:
        """The weight of the heaviest finding; -1 where there is none."""
        return max((finding.level.weight for finding in self.findings), default=-1)


def check(case: Case) -> Report:
    """Look at files as one service of one release reads them."""
    findings = [finding for rule in RULES for finding in rule(case)]
    places = {file.name: number for number, file in enumerate(case.configuration.files)}
    findings.sort(key=lambda one: (-one.level.weight, places.get(one.file or "", -1), one.line or 0))
    return Report(case, start_error(case), later_error(case), tuple(findings))


def render_object(report: Report) -> dict[str, object]:
    """The report for JSON; the keys never change their meaning.

    ``error`` is nova's own message: where ``starts`` is true, that of a value which this service reads later
    and refuses then, at each request or each look at its host.
    """
    case = report.case
    error = report.error or report.later
    return {
        "release": str(case.release),
        "service": case.service.value,
        "starts": report.error is None,
        "error": None if error is None else error.message,
        "device_spec": [] if isinstance(case.specs, Refusal) else [_spec(case, one) for one in case.specs],
        "aliases": (
            {} if isinstance(case.aliases, Refusal) else {n: _alias(case, a) for n, a in case.aliases.items()}
        ),
        "findings": [_finding(case, one) for one in report.findings],
    }


def render_text(report: Report) -> str:
    """The report for a person."""
    return "\n".join(report_lines(report)) + "\n"


def report_lines(report: Report) -> Iterator[str]:
    """The same, line by line: lines that are to be put into a file are ``Copied``, all else is prose."""
    case = report.case
    if report.error is None:
        head = f"{case.service.unit} {case.release} starts with these files"
        head += f", and later refuses a value: {report.later.message}" if report.later is not None else ""
    else:
        head = f"{case.service.unit} {case.release} does not start: {report.error.message}"
    yield head
    for one in report.findings:
        yield ""
        yield from _section(case, one)
    counts = ", ".join(
        f"{number} {level.value}{'s' if number != 1 and level is not Level.INFO else ''}"
        for level in reversed(Level)
        if (number := sum(one.level is level for one in report.findings))
    )
    yield ""
    yield counts or "nothing found"


def _section(case: Case, finding: Finding) -> Iterator[str]:
    lines = "" if finding.line is None else f":{finding.line}"
    place = "" if finding.file is None else f"{finding.file}{lines}: "
    yield f"{finding.level.value.upper()} {finding.kind.id}: {finding.kind.title}"
    yield f"  {place}{finding.what}"
    yield f"  why: {finding.kind.what}"
    is_prose = finding.fix == finding.kind.fix
    for number, line in enumerate(finding.fix):
        shown = f"       {line}" if number else f"  fix: {line}"
        yield shown if is_prose else Copied(shown)
    yield f"       then restart {(finding.kind.reader or case.service).unit}"
    yield f"  written in: {'; '.join(finding.kind.sources)}"


def _finding(case: Case, finding: Finding) -> Mapping[str, object]:
    return {
        "id": finding.kind.id,
        "level": finding.level.value,
        "file": finding.file,
        "line": finding.line,
        "what": finding.what,
        "why": finding.kind.what,
        "source": list(finding.kind.sources),
        "fix": list(finding.fix),
        "restart": (finding.kind.reader or case.service).unit,
    }


def _spec(case: Case, spec: DeviceSpec) -> Mapping[str, Json | Mapping[str, Json]]:
    setting = case.spec_settings[spec.value]
    return {
        "file": setting.file,
        "line": setting.line,
        "vendor_id": spec.vendor_id,
        "product_id": spec.product_id,
        "address": _shallow(spec.written.get("address")),
        "devname": _shallow(spec.devname),
        "tags": {key: _shallow(value) for key, value in spec.tags.items()},
    }


def _shallow(value: Json, depth: int = 8) -> Json:
    """A value without what lies too deep in it to be printed."""
    if isinstance(value, dict | list) and not depth:
        return "..."
    if isinstance(value, dict):
        return {key: _shallow(item, depth - 1) for key, item in value.items()}
    return [_shallow(item, depth - 1) for item in value] if isinstance(value, list) else value


def _alias(case: Case, alias: Alias) -> Mapping[str, object]:
    lines = [case.alias_settings[place] for place in alias.values]
    return {
        "numa_policy": alias.numa_policy,
        "specs": [dict(spec) for spec in alias.specs],
        "lines": [f"{one.file}:{one.line}" for one in lines],
    }
