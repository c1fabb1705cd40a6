"""How long a whole server takes to be made ready: ``python bench/apply.py``.

Plan, apply and verify for eight cards with audio (16 functions, 50 changes) on a tree that stands for the
host, with the program's own reads, child processes and fsyncs; the kernel's part is a fake one's. The aims:
at most 0.5 s for all three, and 1 s for apply beyond what the kernel takes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.prepare.fake_host import BMC, build, card, drivers_of, host_of, live_system

from gpucloud.prepare.desk import Desk
from gpucloud.prepare.journal import Journal

LIMIT_S = 0.5
APPLY_LIMIT_S = 1.0
BUSES = range(0x30, 0x38)
_T = TypeVar("_T")


def main() -> int:
    """Print the figures; the exit code says whether the work was done, not how fast."""
    with tempfile.TemporaryDirectory(prefix="gpucloud-bench-") as folder:
        kernel = build(Path(folder) / "root", [BMC, *(each for bus in BUSES for each in card(bus, bus))])
        journal = Journal(Path(folder) / "state", time.time)
        desk = Desk(lambda: host_of(kernel), live_system(kernel), journal)
        names = [f"{bus:02x}:00.0" for bus in BUSES]

        plan_s, plan = timed(lambda: desk.plan(names, force=False))
        apply_s, outcome = timed(lambda: desk.apply(plan))
        verify_s, mismatches = timed(lambda: desk.verify(None))
        given = list(drivers_of(kernel.root).values()).count("vfio-pci")
        undo_s, taken_back = timed(lambda: desk.undo("last", force=False))
        if outcome is None or outcome.failure or mismatches or taken_back.left or given != 2 * len(BUSES):
            print(f"not done: {outcome} {mismatches} {taken_back}")
            return 1

    total_s = plan_s + apply_s + verify_s
    print(f"{len(BUSES)} units, {len(plan.steps)} changes, host of {2 * len(BUSES) + 1} functions")
    print(f"plan {plan_s:.3f} s   apply {apply_s:.3f} s   verify {verify_s:.3f} s   (undo {undo_s:.3f} s)")
    print(f"apply: {apply_s:.3f} s, aim {APPLY_LIMIT_S:g} s")
    print(f"plan + apply + verify: {total_s:.3f} s, aim {LIMIT_S} s")
    return 0


def timed(act: Callable[[], _T]) -> tuple[float, _T]:
    """Seconds that something took, and what it gave."""
    began = time.perf_counter()
    given = act()
    return time.perf_counter() - began, given


if __name__ == "__main__":
    sys.exit(main())
