"""``gpucloud doctor``: what stops a GPU from reaching a guest, with evidence and fix."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption, UnitOption, host_from
from gpucloud.cli.output import Shape, clean, table
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpucloud.doctor import Diagnosis
    from gpucloud.model.finding import Level


class Threshold(StrEnum):
    """From which level on findings change the exit code."""

    INFO = "info"
    WARNING = "warning"
    BLOCKER = "blocker"


MoreArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[INPUT...]", help="Further captures after --from, reports after --evidence."),
]
EvidenceOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        help="Look at pasted evidence: YAML or JSON with the maps environment and evidence, a directory "
        "with a file per key, plain text, or - for standard input.",
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
) -> None:
    """Say what stops a GPU from reaching a guest: the cause, the evidence, the fix.

    A card on host drivers is a fault only where passthrough of it is asked for: by --unit here, or on the
    host by ids given to vfio-pci, a driver override, or a function of the card already given away.
    Exit code 3 says that there are findings at or above --level. JSON is one object per input and line.

    Examples:
      gpucloud doctor
      gpucloud doctor --unit 3b:00.0
      gpucloud doctor --from gpu01.tar.gz --format json
      gpucloud doctor --from captures/*.tar.gz
      gpucloud doctor --evidence report.yaml
      dmesg | gpucloud doctor --evidence -
    """
    from gpucloud.model.finding import Level

    asked = tuple(unit or ())
    diagnoses = _diagnoses(tuple(more or ()), capture, remote, tuple(evidence or ()), asked)
    finish(show(diagnoses, shape), Level(level.value))


def _diagnoses(
    more: Sequence[Path],
    capture: Path | None,
    remote: str | None,
    evidence: Sequence[Path],
    asked: Sequence[str],
) -> Iterable[Diagnosis]:
    from gpucloud.cli.fleet import judge_all, judge_capture, judge_evidence

    if sum(map(bool, (capture, remote, evidence))) > 1:
        raise Failure("several kinds of input", "give one of --from, --host and --evidence", code=Exit.USAGE)
    if evidence:
        return judge_all((*evidence, *more), judge_evidence)
    if more and capture is None:
        raise Failure(
            f"{more[0]} is no option", "captures follow --from, reports --evidence", code=Exit.USAGE
        )
    if more and capture is not None:
        return judge_all((capture, *more), judge_capture)
    return (_one_host(capture, remote, asked),)


def _one_host(capture: Path | None, remote: str | None, asked: Sequence[str]) -> Diagnosis:
    from gpucloud.doctor import Case, diagnose
    from gpucloud.model.named import units_named

    host = host_from(capture, remote)
    return diagnose(Case(host, frozenset(unit.address for unit in units_named(host, asked))))


def show(diagnoses: Iterable[Diagnosis], shape: Shape) -> int:
    """Print diagnoses as they come, and give the weight of the heaviest finding, -1 where there is none.

    JSON is one object per input and line. Of more than one input text shows a table only, worst first.
    """
    from gpucloud.doctor.report import render_object, render_text, summary

    heaviest, rows, last = -1, [], None
    for diagnosis in diagnoses:
        heaviest = max([heaviest, *(finding.level.weight for finding in diagnosis.findings)])
        last = diagnosis
        if shape is Shape.JSON:
            print(json.dumps(render_object(diagnosis)))
        else:
            rows.append(summary(diagnosis))
    if len(rows) == 1 and last is not None:
        print(_coloured(clean(render_text(last))), end="")
    elif rows:
        table(
            ("source", "worst", "cause", "what"), [row.cells for row in sorted(rows, key=lambda r: r.order)]
        )
    return heaviest


def finish(heaviest: int, threshold: Level) -> None:
    """End with exit code 3 where the heaviest finding weighs as much as the threshold or more."""
    if heaviest >= threshold.weight:
        raise typer.Exit(Exit.FINDINGS)


def _coloured(text: str) -> str:
    """The same text, with levels in colour where a person reads it on a terminal."""
    if not sys.stdout.isatty():
        return text
    colours = {"BLOCKER": "\x1b[1;31m", "WARNING": "\x1b[1;33m", "INFO": "\x1b[1;36m"}
    for word, colour in colours.items():
        text = text.replace(f"\n{word} ", f"\n{colour}{word}\x1b[0m ")
    return text
