"""How often the doctor is right: ``python bench/cases.py [DIRECTORY] [--misses]``.

Counts, over the collected reports of real failures in tests/cases, how often the right cause is first and
among the first three; confirmed and likely causes apart, controls as false alarms, and once more with all raw
evidence of a report joined into one text without headings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import NEVER_READ, Pasted, from_mapping, from_text
from gpucloud.model.finding import Finding, Level

CASES = Path(__file__).parents[1] / "tests" / "cases"
CONTROL = "no-fault"


@dataclass(frozen=True)
class Judged:
    """One report with what was found in it."""

    name: str
    is_confirmed: bool
    accepted: tuple[str, ...]
    found: tuple[Finding, ...]

    @property
    def is_control(self) -> bool:
        return CONTROL in self.accepted

    @property
    def place(self) -> int | None:
        """The place of the first accepted cause, from 1."""
        causes = [finding.cause for finding in self.found]
        return next((n for n, cause in enumerate(causes, start=1) if cause in self.accepted), None)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.found if f.level is not Level.INFO)


def main(arguments: list[str]) -> int:
    """Print the figures; with ``--misses`` also which reports were judged wrongly."""
    directory = Path(next((a for a in arguments if not a.startswith("-")), CASES))
    cases = [yaml.safe_load(path.read_text()) for path in sorted(directory.glob("*.yaml"))]
    raw = [case for case in cases if _raw(case)]
    started = time.perf_counter()
    structured = [_judge(case, from_mapping(case["id"], case)) for case in raw]
    seconds = time.perf_counter() - started
    pasted = [_judge(case, from_text(case["id"], (_joined(case),))) for case in raw]
    print(
        f"{len(cases)} reports, {len(raw)} with raw evidence; {seconds / max(len(raw), 1) * 1000:.0f} ms each"
    )
    for line in (*_figures("", structured), *_figures("pasted without structure, ", pasted)):
        print(line)
    if "--misses" in arguments:
        for line in (*_misses("", structured), *_misses("pasted: ", pasted)):
            print(line)
    return 0


def _judge(case: Mapping[str, Any], pasted: Pasted) -> Judged:
    expected = case["expected"]
    accepted = (expected["cause_id"], *expected.get("also_acceptable", ()))
    confirmed = str(case.get("confidence", "")).startswith("confirmed")
    return Judged(case["id"], confirmed, accepted, diagnose(gather(pasted)).findings)


def _raw(case: Mapping[str, Any]) -> dict[str, Any]:
    if not case.get("has_raw_evidence", True):
        return {}
    return {key: value for key, value in (case.get("evidence") or {}).items() if key not in NEVER_READ}


def _joined(case: Mapping[str, Any]) -> str:
    texts = from_mapping("", {"evidence": _raw(case)}).texts
    return "\n".join("".join(pieces) for _, pieces in texts) + "\n"


def _figures(what: str, judged: Iterable[Judged]) -> Iterator[str]:
    everything = list(judged)
    faults = [one for one in everything if not one.is_control]
    for word, wanted in (("confirmed", True), ("likely", False)):
        group = [one for one in faults if one.is_confirmed is wanted]
        first = sum(one.place == 1 for one in group)
        three = sum(one.place is not None and one.place <= 3 for one in group)
        share = f"{100 * first / len(group):.0f} %" if group else "none"
        yield f"{what}{word}: right first {first} of {len(group)} ({share}), among the first three {three}"
    controls = [one for one in everything if one.is_control]
    alarms = sum(bool(one.alarms) for one in controls)
    yield f"{what}controls: {alarms} false alarms in {len(controls)}"


def _misses(what: str, judged: Iterable[Judged]) -> Iterator[str]:
    for one in judged:
        found = ", ".join(f"{f.cause} {f.confidence:.2f}" for f in one.found[:4])
        if one.alarms if one.is_control else one.place != 1:
            sure = "C" if one.is_confirmed else "l"
            yield f"{what}{sure} {one.name}: wanted {' or '.join(one.accepted)}; found {found}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
