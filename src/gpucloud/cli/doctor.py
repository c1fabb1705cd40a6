"""``gpucloud doctor``: what stops a GPU from reaching a guest, with evidence and fix."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption, UnitOption, host_from
from gpucloud.cli.output import Shape, paint_level, print_line_of_json, print_lines, print_text, table
from gpucloud.cli.plans.desk import STATE, StateOption
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gpucloud.doctor import Diagnosis
    from gpucloud.doctor.report import Summary, Unread
    from gpucloud.model.finding import Evidence, Level
    from gpucloud.model.host import Host


class Threshold(StrEnum):
    """From which level on findings change the exit code."""

    INFO = "info"
    WARNING = "warning"
    BLOCKER = "blocker"


MoreArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[INPUT...]", help="Further captures after --from, further evidence after --evidence."
    ),
]
EvidenceOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        help="Look at pasted evidence or configuration: a log or listing, nova.conf, a folder of them "
        "(/etc/nova, /etc/kolla), YAML or JSON with the maps environment and evidence, or - for standard "
        "input.",
    ),
]
ShapeOption = Annotated[
    Shape, typer.Option("--format", help="Text to read, or one JSON object per input and line.")
]
LevelOption = Annotated[Threshold, typer.Option(help="Exit with 3 when a finding weighs this much or more.")]


def doctor(
    more: MoreArgument = None,
    capture: FromOption = None,
    remote: HostOption = None,
    evidence: EvidenceOption = None,
    unit: UnitOption = None,
    shape: ShapeOption = Shape.TEXT,
    level: LevelOption = Threshold.WARNING,
    state: StateOption = STATE,
) -> None:
    """Say what stops a GPU from reaching a guest: the cause, the evidence, the fix.

    A card on host drivers is a fault only where passthrough of it is asked for: by --unit here, or on the
    host by ids given to vfio-pci, a driver override, or a function of the card already given away.
    Of evidence that shows no cause surely it says what to run, and what that would decide.
    Of several inputs a table is shown, worst first; JSON is one object per input and line: {"source",
    "findings", "could_not_look"}, of evidence with "read" and "questions": [{"topic", "where", "run",
    "decides"}] with where "host", "guest" or "controller"; an unread one has "error". A folder of
    captures, archives or directories, after --from is a fleet. Exit code 3 says that there are findings at
    or above --level, 1 that an input could not be read, has nothing in it to be judged, or does not show
    whether there is a GPU.

    Examples:
      gpucloud doctor
      gpucloud doctor --unit 3b:00.0
      gpucloud doctor --from gpu01.tar.gz --format json
      gpucloud doctor --from captures/*.tar.gz
      dmesg | gpucloud doctor --evidence -
      gpucloud doctor --evidence report.yaml
      gpucloud doctor --evidence /etc/nova
      gpucloud doctor --evidence /etc/kolla/config
    """
    from gpucloud.model.finding import Level

    asked = tuple(unit or ())
    diagnoses = _diagnoses(tuple(more or ()), capture, remote, tuple(evidence or ()), asked, state)
    worst, threshold = Worst(), Level(level.value)
    try:
        show(diagnoses, shape, worst)
    except BrokenPipeError:  # who reads has seen enough: the rest is not looked at
        finish(worst, threshold)
        raise
    finish(worst, threshold)


def _diagnoses(
    more: Sequence[Path],
    capture: Path | None,
    remote: str | None,
    evidence: Sequence[Path],
    asked: Sequence[str],
    state: Path,
) -> Iterable[Diagnosis | Unread]:
    from gpucloud.cli.fleet import judge_all, judge_capture, judge_evidence
    from gpucloud.inventory.capture.top import captures_in

    if sum(map(bool, (capture, remote, evidence))) > 1:
        raise Failure("several kinds of input", "give one of --from, --host and --evidence", code=Exit.USAGE)
    if more and not (evidence or capture):
        raise Failure(
            f"{more[0]} is no option", "captures follow --from, reports --evidence", code=Exit.USAGE
        )
    captures = [one for path in (capture, *more) for one in captures_in(path)] if capture else []
    if asked and (evidence or len(captures) > 1):
        raise Failure("--unit is a GPU of one host", "ask about one host at a time", code=Exit.USAGE)
    if evidence:
        return judge_all((*evidence, *more), judge_evidence)
    if len(captures) > 1:
        return judge_all(captures, judge_capture)
    return (_one_host(captures[0] if captures else None, remote, asked, state),)


def _one_host(capture: Path | None, remote: str | None, asked: Sequence[str], state: Path) -> Diagnosis:
    from gpucloud.doctor import Case, diagnose
    from gpucloud.model.units.named import units_named

    host = host_from(capture, remote)
    named = frozenset(unit.address for unit in units_named(host, asked))
    if capture or remote or not state.exists():
        return diagnose(Case(host, named))
    return diagnose(Case(host, named, sliced=sliced_by_spec(host, state)))


def sliced_by_spec(host: Host, state: Path) -> Mapping[PciAddress, Evidence] | Unknown:
    """Cards that the spec which was applied here cuts, by its pools."""
    from gpucloud.model.finding import Evidence
    from gpucloud.prepare.desk import open_desk
    from gpucloud.prepare.layout.shared import cuts_wanted

    try:
        cut = cuts_wanted(open_desk(state).journal, host)
    except Failure as failure:
        return Unknown(failure.what)
    said = "the spec that was applied has it cut at every start"
    return {
        place: Evidence(f"pool {pool}", f"{place.short}: {said}")
        for place, pool in cut.items()
        if isinstance(place, PciAddress)
    }


@dataclass
class Worst:
    """The worst of what was shown."""

    weight: int = -1
    """Of the heaviest finding; -1 where there is none."""
    has_unread: bool = False

    def add(self, diagnosis: Diagnosis) -> None:
        """Take in one input."""
        self.weight = max([self.weight, *(finding.level.weight for finding in diagnosis.findings)])
        self.has_unread = self.has_unread or not diagnosis.has_looked


def show(diagnoses: Iterable[Diagnosis | Unread], shape: Shape, worst: Worst) -> None:
    """Print diagnoses as they come, and note the worst.

    JSON is one object per input and line. Of more than one input text shows a table only, worst first.

    Raises:
        BrokenPipeError: who reads the JSON has gone.
    """
    from gpucloud.doctor.report import COLUMNS, Unread, render_object, report_lines, summary, totals

    rows: list[Summary] = []
    last = None
    for diagnosis in diagnoses:
        if isinstance(diagnosis, Unread):
            worst.has_unread = True
        else:
            worst.add(diagnosis)
        last = diagnosis
        if shape is Shape.JSON:
            print_line_of_json(render_object(diagnosis))
        else:
            rows.append(summary(diagnosis))
    if len(rows) == 1 and last is not None and not isinstance(last, Unread):
        print_lines(report_lines(last), paint_level)
    elif rows:
        rows.sort(key=lambda row: row.order)
        table(COLUMNS, [row.cells_shortened if sys.stdout.isatty() else row.cells for row in rows])
        print_text(f"\n{totals(rows)}; evidence and fixes of one: give it alone")


def finish(worst: Worst, threshold: Level) -> None:
    """End with exit code 3 for a finding that weighs as much as the threshold, 1 for an input not read."""
    if worst.weight >= threshold.weight:
        raise typer.Exit(Exit.FINDINGS)
    if worst.has_unread:
        raise typer.Exit(Exit.ERROR)
