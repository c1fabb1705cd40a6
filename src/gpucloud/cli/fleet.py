"""Many inputs at once: each judged on a processor of its own, memory flat, one table in the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cli.output import say
from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.doctor import Diagnosis

Judge = Callable[[Path], "Diagnosis | Failure"]
_FEW = 4
"""Up to so many inputs one process is faster than starting others."""
_BATCH = 16


def judge_all(inputs: Sequence[Path], judge: Judge) -> Iterator[Diagnosis]:
    """Diagnoses in the order of the inputs; what cannot be read is told on standard error.

    Raises:
        Failure: the only input cannot be read.
    """
    for answer in _answers(inputs, judge):
        if not isinstance(answer, Failure):
            yield answer
        elif len(inputs) == 1:
            raise answer
        else:
            say(f"skipped: {answer}")


def _answers(inputs: Sequence[Path], judge: Judge) -> Iterator[Diagnosis | Failure]:
    workers = min(len(inputs), os.cpu_count() or 1)
    if len(inputs) <= _FEW or workers < 2:
        yield from map(judge, inputs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(judge, inputs, chunksize=_BATCH)


def judge_capture(path: Path) -> Diagnosis | Failure:
    """What the doctor says of one captured host."""
    from gpucloud.doctor import Case, diagnose
    from gpucloud.inventory import open_host

    try:
        return diagnose(Case(open_host(capture=path)))
    except Failure as failure:
        return failure


def judge_evidence(path: Path) -> Diagnosis | Failure:
    """What the doctor says of one input of pasted evidence."""
    from gpucloud.cli.pasted import read_evidence
    from gpucloud.doctor import diagnose
    from gpucloud.doctor.evidence.gather import gather

    try:
        return diagnose(gather(read_evidence(path)))
    except Failure as failure:
        return failure
