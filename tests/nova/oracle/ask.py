"""A question to a release of nova, answered by a worker in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.nova.oracle.environment import python_of, source_of

_WORKERS = Path(__file__).with_name("workers")
_LONGEST_S = 3600
"""50,000 cases of the slowest release take a fifth of it."""


def ask(version: str, worker: str, lines: Iterable[object] = (), *arguments: str) -> list[Any]:
    """The answers of ``workers/WORKER.py``, a line for a line, with the release first on its path.

    Raises:
        RuntimeError: the worker itself failed; the end of what it printed.
    """
    done = subprocess.run(
        ["nice", "-n", "10", str(python_of()), "-W", "ignore", str(_WORKERS / f"{worker}.py"), *arguments],
        input="".join(json.dumps(line) + "\n" for line in lines),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source_of(version)), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"nova {version} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
