"""What a report says is over: a message that somebody then cured is history, and no fault of now."""

from __future__ import annotations

import re
from dataclasses import replace

from gpucloud.doctor.evidence.paper import Paper
from gpucloud.model.finding import Evidence, Finding, Level

_CURE, _LISTED = "cured", "troubles-listed"
_NEAR = 3
"""Lines below a message on which its cure is told; a list of troubles goes on for as many."""
_GOES_ON = re.compile(r"\b(?:but|however|now|still|yet|except|unfortunately|next)\b", re.IGNORECASE)


def as_of_now(paper: Paper, finding: Finding) -> Finding:
    """The finding, for information where each line that shows it is history by the report's own words."""
    if finding.level is Level.INFO or not finding.evidence:
        return finding
    cures = tuple((one.evidence, one.caught.get("rest", "")) for one in paper.said(_CURE))
    lists = paper.lines(_LISTED)
    if not cures and not lists:
        return finding
    is_over = all(_is_over(line, cures) or _is_listed(line, lists) for line in finding.evidence)
    return replace(finding, level=Level.INFO) if is_over else finding


def _is_over(line: Evidence, cures: tuple[tuple[Evidence, str], ...]) -> bool:
    """Claims that a cure is told on the line or soon after, and that the text goes on to no fault."""
    near = ((_below(line, cure), rest) for cure, rest in cures)
    return any(0 <= below <= _NEAR and not _GOES_ON.search(rest) for below, rest in near)


def _is_listed(line: Evidence, lists: tuple[Evidence, ...]) -> bool:
    """Claims that a heading just above says that troubles follow which people can have."""
    return any(0 <= _below(heading, line) <= _NEAR for heading in lists)


def _below(first: Evidence, second: Evidence) -> int:
    """How many lines the second is below the first; -1 under another key."""
    return (second.line or 0) - (first.line or 0) if first.key == second.key else -1
