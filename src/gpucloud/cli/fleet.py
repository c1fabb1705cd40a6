"""Many inputs at once: each judged on a processor of its own, memory flat, one table in the end."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.doctor import Case, Diagnosis
    from gpucloud.doctor.report import Unread
    from gpucloud.inventory.pci.function import Names

Judge = Callable[[Path], "Diagnosis | Failure"]
_FEW = 4
"""Up to so many inputs one process is faster than starting others."""
_BATCH = 16


def judge_all(inputs: Sequence[Path], judge: Judge) -> Iterator[Diagnosis | Unread]:
    """What the doctor says of each input, in their order.

    Raises:
        Failure: the only input cannot be read.
    """
    from gpucloud.doctor.report import Unread

    for path, answer in zip(inputs, _answers(inputs, judge), strict=True):
        if not isinstance(answer, Failure):
            yield answer
        elif len(inputs) == 1:
            raise answer
        else:
            yield Unread(str(path), answer.what.replace(f" {path}", ""), answer.then)


def _answers(inputs: Sequence[Path], judge: Judge) -> Iterator[Diagnosis | Failure]:
    workers = min(len(inputs), len(os.sched_getaffinity(0)))
    if len(inputs) <= _FEW or workers < 2:
        yield from map(judge, inputs)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers, initializer=gc.freeze) as pool:
        yield from pool.map(judge, inputs, chunksize=_BATCH)


def judge_capture(path: Path) -> Diagnosis | Failure:
    """What the doctor says of one captured host."""
    from gpucloud.doctor import Case, diagnose
    from gpucloud.inventory import open_reader, read_host

    try:
        return diagnose(Case(read_host(open_reader(capture=path), _names())))
    except Failure as failure:
        return failure


@cache
def _names() -> Names:
    """Names of devices, unpacked once for all captures that a process judges."""
    from gpucloud.inventory.pci.names import NewestNames

    return NewestNames()


def _nothing_in(case: Case) -> Failure:
    """An input without a word in it is a mistake, and no healthy host."""
    skipped = "".join(f": {what}" for what in case.paper.skipped) if case.paper is not None else ""
    return Failure(
        f"{case.host.source}: nothing in it that the doctor can read{skipped}",
        "give what the machine said: a kernel log, listings, configuration (`gpucloud doctor --help` has "
        "examples); what a person concluded (observations) is not read",
    )


def judge_evidence(path: Path) -> Diagnosis | Failure:
    """What the doctor says of one input of pasted evidence."""
    from gpucloud.cli.pasted import read_evidence
    from gpucloud.doctor import diagnose
    from gpucloud.doctor.evidence.gather import gather

    try:
        case = gather(read_evidence(path))
        return diagnose(case) if case.paper is None or case.paper.has_text else _nothing_in(case)
    except Failure as failure:
        return failure
