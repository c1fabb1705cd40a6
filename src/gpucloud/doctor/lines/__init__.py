"""The exact lines that mend a cause, for the system at hand, where a rule has none of its own.

Takes a finding and the case it came from; gives the finding with lines in its fix. What cannot be a line (a
switch in the firmware setup, another slot) stays a sentence. A word in capitals is for the reader to fill in.
Sources are those of the causes; package names are those of the distributions.
"""

from __future__ import annotations

from dataclasses import replace

from gpucloud.doctor.case import Case
from gpucloud.doctor.lines.guest import GUEST
from gpucloud.doctor.lines.host import HOST
from gpucloud.doctor.lines.nova import NOVA
from gpucloud.model.finding import Finding

_LINES = {**HOST, **GUEST, **NOVA}


def with_lines(case: Case, finding: Finding) -> Finding:
    """The finding, whose fix has the lines for its cause where the rule gave none."""
    make = _LINES.get(finding.cause)
    if finding.fix.commands or make is None:
        return finding
    return replace(finding, fix=replace(finding.fix, commands=make(case, finding)))
