"""Time, as what waits for guests needs it; tests bring their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time: ``now`` for people (Unix time), ``since_boot`` for waiting, ``wait`` to wait."""

    now: Callable[[], float]
    since_boot: Callable[[], float]
    wait: Callable[[float], None]


CLOCK = Clock(time.time, time.monotonic, time.sleep)
"""The real one."""
