"""How often gpucloud and nova disagree: ``python bench/long/nova_oracle.py [CASES [SEED [RELEASE...]]]``.

Runs so many distinct random cases (50,000 unless told), and those made by hand, through every release of nova
that can be installed, or those named, and through gpucloud's rules for it. Prints one line for each release
(distinct cases, disagreements, seconds) and the first three disagreements in full. Two releases at a time, at
low priority; an hour and more on two cores. The first run makes nova's environment in the user's cache.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.nova.oracle.cases import distinct_cases
from tests.nova.oracle.environment import PACKAGES, python_of, source_of
from tests.nova.oracle.judge import Disagreement, disagreements

from gpucloud.nova.releases.release import parse_release


def main(arguments: list[str]) -> int:
    """Judge every release; the exit code says whether all agree."""
    count = int(arguments[0]) if arguments else 50_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    versions = arguments[2:] or list(PACKAGES)
    python_of()
    for version in versions:
        source_of(version)
    total = 0
    with ProcessPoolExecutor(2, initializer=os.nice, initargs=(10,)) as pool:
        for version, (cases, found, seconds) in zip(
            versions, pool.map(_judge, versions, repeat(count), repeat(seed)), strict=True
        ):
            total += len(found)
            print(f"nova {version}: {cases} cases, {len(found)} disagreements, {seconds:.0f} s", flush=True)
            for each in found[:3]:
                print(each)
    return 1 if total else 0


def _judge(version: str, count: int, seed: int) -> tuple[int, list[Disagreement], float]:
    started = time.perf_counter()
    cases = distinct_cases(parse_release(version), seed, count)
    found = list(disagreements(version, cases))
    return len(cases), found, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
