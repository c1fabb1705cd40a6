"""A diagnosis as text for a tired administrator, and as the object that JSON output has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from textwrap import shorten

from gpucloud.doctor.case import Diagnosis, Question
from gpucloud.model.finding import Evidence, Finding, Level
from gpucloud.model.line import Copied
from gpucloud.model.plain import Plain, to_plain

_WIDEST_TITLE = 100
_EVIDENCE_SHOWN = 12
_PASSWORD = re.compile(r"(?<=://)([^\s:/@]+):[^\s/@]+(?=@)")
"""As in the URLs of databases and message queues: what a doctor prints is pasted into forums."""
_NOTHING_ON_HOST = "nothing stops a GPU from reaching a guest, as far as it can be seen"
_NO_GPU_SEEN = "no GPU is seen in it, so there is nothing to judge"
_ADD = "add kernel log, lspci -nnk, groups or configuration"
_ASKED = "there are commands that would show more"
_PLACES = {"host": "", "guest": "in the guest: ", "controller": "where nova is run from: "}


@dataclass(frozen=True, slots=True)
class Unread:
    """One of several inputs that could not be read."""

    source: str
    what: str
    """What it is about, in words."""
    then: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One input as a row of the table of a fleet."""

    level: str
    """``blocker``, ``unread``, ``warning``, ``info`` or ``-`` where nothing was found."""
    cells: tuple[str, str, str, str, str]

    @property
    def cells_shortened(self) -> tuple[str, str, str, str, str]:
        """The same for a terminal: of a long title its first words, with an ellipsis."""
        source, worst, cause, more, title = self.cells
        return source, worst, cause, more, shorten(title, _WIDEST_TITLE, placeholder=" ...")

    @property
    def order(self) -> tuple[int, str, str]:
        """Worst first, those with the same cause together, then by name."""
        return (LEVELS.index(self.level), self.cells[2], self.cells[0])


LEVELS = ("blocker", "unread", "warning", "info", "-")
"""Of inputs, worst first: of one that cannot be read nobody knows how bad it is."""
COLUMNS = ("source", "worst", "cause", "more", "what")


def summary(diagnosis: Diagnosis | Unread) -> Summary:
    """The first of the worst findings of an input, and how many more there are.

    What is said first of an input may weigh less: that a host has no GPU, or the likeliest cause in a report.
    """
    if isinstance(diagnosis, Unread):
        return Summary("unread", (_tidy(diagnosis.source), "unread", "-", "", _tidy(diagnosis.what)))
    source = _tidy(diagnosis.source)
    if not diagnosis.findings:
        return Summary("-", (source, "-", "-", "", _verdict(diagnosis)))
    worst = max(diagnosis.findings, key=lambda one: one.level.weight)
    more = sum(one.level is not Level.INFO and one is not worst for one in diagnosis.findings)
    cells = (source, worst.level.value, worst.cause, f"+{more}" * (more > 0), _tidy(worst.title))
    return Summary(worst.level.value, cells)


def totals(rows: Iterable[Summary]) -> str:
    """How many inputs of each level there are, in a line."""
    counts = Counter(row.level for row in rows)
    words = {"blocker": "blocked", "unread": "not readable", "warning": "with warnings", "info": "with notes"}
    parts = (f"{counts[level]} {words.get(level, 'without findings')}" for level in LEVELS if counts[level])
    return f"{counts.total()} inputs: {', '.join(parts)}"


def render_object(diagnosis: Diagnosis | Unread) -> dict[str, Plain]:
    """One input as plain data: source, findings with their rank from 1, and what could not be looked at.

    Of a report also ``read``, what was recognised in it, and ``questions``, the most deciding first: at most
    five of ``{"topic", "where", "run", "decides"}``, none where a cause is shown. An input that could not be
    read has no findings, and ``error``.
    """
    if isinstance(diagnosis, Unread):
        error = f"{diagnosis.what}; {diagnosis.then}"
        return {"source": _tidy(diagnosis.source), "findings": [], "error": _tidy(error)}
    return {
        "source": _tidy(diagnosis.source),
        "findings": [
            _object(rank, _printable(finding)) for rank, finding in enumerate(diagnosis.findings, start=1)
        ],
        **(_of_report(diagnosis) if diagnosis.is_of_report else {}),
        "could_not_look": [
            {"cause": one.cause, "fact": one.fact, "why": _tidy(one.why)} for one in diagnosis.blind
        ],
    }


def _of_report(diagnosis: Diagnosis) -> dict[str, Plain]:
    asked: list[Plain] = [
        {"topic": one.topic, "where": one.where, "run": _tidy(one.run), "decides": one.decides}
        for one in diagnosis.questions
    ]
    return {"read": list(diagnosis.read), "questions": asked}


def render_text(diagnosis: Diagnosis) -> str:
    """One input as text: findings, worst first (of a report, likeliest), then what could not be looked at."""
    return "\n".join(report_lines(diagnosis)) + "\n"


def _object(rank: int, finding: Finding) -> Plain:
    plain = to_plain(finding)
    return {"rank": rank, **plain} if isinstance(plain, dict) else plain


def report_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The same, line by line: evidence and commands are ``Copied``, all else is prose."""
    yield f"{_tidy(diagnosis.source)}: {_verdict(diagnosis)}"
    for finding in diagnosis.findings:
        yield ""
        yield from _finding(_printable(finding))
    if diagnosis.blind:
        yield ""
        yield "Could not look at:"
        for why, facts in _by_reason(diagnosis).items():
            yield _tidy(f"  {', '.join(facts)}: {why}")
    if diagnosis.questions:
        yield ""
        yield from _questions(diagnosis.questions)


def _questions(questions: tuple[Question, ...]) -> Iterator[str]:
    yield "To be sure of the cause, add what these print, the most deciding first:"
    for one in questions:
        yield Copied(f"  {_tidy(one.run)}")
        yield f"      {_PLACES[one.where]}{one.decides}"


def _by_reason(diagnosis: Diagnosis) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for one in diagnosis.blind:
        facts = reasons.setdefault(one.why, [])
        if one.fact not in facts:
            facts.append(one.fact)
    return reasons


def _recognised(diagnosis: Diagnosis) -> str:
    return f"in it: {', '.join(diagnosis.read)}" if diagnosis.read else "nothing in it was recognised"


def _verdict(diagnosis: Diagnosis) -> str:
    if not diagnosis.findings:
        if any(one.cause == "no-gpu" for one in diagnosis.blind):
            return _NO_GPU_SEEN
        if diagnosis.is_of_report:
            then = _ASKED if diagnosis.questions else _ADD
            return f"no cause is shown by this evidence ({_recognised(diagnosis)}); {then}"
        unread = len({one.fact for one in diagnosis.blind})
        facts = "1 fact" if unread == 1 else f"{unread} facts"
        return f"{_NOTHING_ON_HOST}: {facts} could not be read" if unread else _NOTHING_ON_HOST
    levels = [finding.level.value for finding in diagnosis.findings]
    weights = [finding.level.weight for finding in diagnosis.findings]
    # A report's likeliest cause comes first, which need not be the worst.
    is_mixed = diagnosis.is_of_report and weights != sorted(weights, reverse=True)
    order = "; the likeliest first" if is_mixed else ""
    counts = ", ".join(
        f"{levels.count(level)} {level}{'s' if levels.count(level) != 1 and level != 'info' else ''}"
        for level in ("blocker", "warning", "info")
        if level in levels
    )
    return counts + order


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.level.value.upper()} {finding.cause}: {finding.title}"
    shown = finding.evidence[:_EVIDENCE_SHOWN]
    for line in shown:
        yield Copied(f"  | {_place(line)}: {line.text}")
    if len(finding.evidence) > len(shown):
        yield f"  | and {len(finding.evidence) - len(shown)} more lines"
    yield f"  why   {finding.why}"
    yield f"  fix   {finding.fix.text}"
    for command in finding.fix.commands:
        yield Copied(f"          {command}")
    yield f"  cost  {finding.fix.costs}"


def _printable(finding: Finding) -> Finding:
    """The same finding, in which no name or text from outside can begin a line or steer a terminal."""
    evidence = (Evidence(_tidy(one.key), _tidy(one.text), one.line) for one in finding.evidence)
    return replace(
        finding,
        title=_tidy(finding.title),
        evidence=tuple(evidence),
        fix=replace(
            finding.fix, text=_tidy(finding.fix.text), commands=tuple(map(_tidy, finding.fix.commands))
        ),
    )


def _tidy(text: str) -> str:
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char == "\t" else "?" for char in text)
    return _PASSWORD.sub(r"\1:***", text) if "://" in text else text


def _place(evidence: Evidence) -> str:
    return evidence.key if evidence.line is None else f"{evidence.key}:{evidence.line}"
