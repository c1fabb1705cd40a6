"""Programs run with a limit that holds: one that the kernel does not let end is left behind and named.

``subprocess.run`` waits without limit for what it has killed, and a modprobe cannot be killed while its
module's init does not return.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

LAST_WAIT_S = 2.0
"""How long a program that was killed may take to end."""


def run_bounded(
    argv: Sequence[str],
    timeout_s: float,
    environment: Mapping[str, str],
    *,
    kill: Callable[[int, int], None] = os.killpg,
) -> subprocess.CompletedProcess[str]:
    """Run a program without a shell, stdin closed, out of reach of the terminal's Ctrl-C.

    Raises:
        OSError: it is not there; TimeoutError where it had not ended in time, naming it if it is left behind.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        said, complained = process.communicate(timeout=timeout_s)
    except BaseException as error:
        has_ended = _end(process, kill)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        left = "" if has_ended else f"; killing it does not end it: process {process.pid} is left behind"
        raise TimeoutError(f"'{' '.join(argv)}' had not ended after {timeout_s:g} s{left}") from error
    return subprocess.CompletedProcess(argv, process.returncode, said, complained)


def _end(process: subprocess.Popen[str], kill: Callable[[int, int], None]) -> bool:
    """Kill it with all that it started, and expect nothing of it any more; whether it has ended."""
    if process.poll() is None:
        kill(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(LAST_WAIT_S)
    except subprocess.TimeoutExpired:
        return False
    return True
