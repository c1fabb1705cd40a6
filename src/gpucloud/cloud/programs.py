"""Programs of the system that guests need: run without a shell, never for ever, absent ones named."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Protocol

from gpucloud.cloud.packages import install_line
from gpucloud.model.failure import Failure
from gpucloud.prepare.reach.program import run_bounded

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Run(Protocol):
    """Runs a program and gives what it printed."""

    def __call__(self, argv: Sequence[str], *, timeout_s: float = 60.0) -> str: ...


def run(argv: Sequence[str], *, timeout_s: float = 60.0) -> str:
    """Run a program, with standard input closed and messages in English, and give what it printed.

    Raises:
        Failure: it is absent, took too long, or ended with another exit code than 0.
    """
    line = shlex.join(argv)
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/")}
    try:
        done = run_bounded(argv, timeout_s, environment)
    except FileNotFoundError as error:
        raise Failure(f"the program {argv[0]} is missing", install_line(argv[0])) from error
    except TimeoutError as error:
        raise Failure(str(error), f"try it by hand: {line}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failure(
            f"{argv[0]} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}",
            f"try it by hand: {line}",
        )
    return done.stdout
