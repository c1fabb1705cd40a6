"""How fast a server's next start is planned: ``python bench/plan.py [--runs N]``.

Measures ``gpucloud plan --spec SPEC --from CAPTURE --name gpu01`` as a whole process, from start to exit, on
the packed capture of a server with eight GPUs and more than 150 PCI functions. The aim: at most 0.3 s.
Python's own bytecode is compiled before, as it is after any installation. Where others use the machine,
processor time tells more than the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.hosts.builders.hgx import build_hgx  # noqa: E402 - found by the line above

from gpucloud.inventory.capture.write import collect_here, render_capture  # noqa: E402

LIMIT_S = 0.3
PROGRAM = ("-c", "from gpucloud.cli import main; main()")
SPEC = "pools:\n  h100: {use: passthrough, match: {model: 'H100*'}}\n"


def main() -> int:
    """Print the figure beside the aim; the exit code says whether the work was done, not how fast."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15, help="how often it is planned; the median counts")
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="gpucloud-bench-") as folder:
        capture, spec = Path(folder) / "gpu01.tar.gz", Path(folder) / "gpucloud.yaml"
        spec.write_text(SPEC)
        tree = build_hgx(Path(folder) / "server").root
        capture.write_bytes(render_capture(collect_here(str(tree))))
        words = ("plan", "--spec", str(spec), "--from", str(capture), "--name", "gpu01")
        shown = run(*words)[1]
        if shown.count("claim 0000:") != 8:
            print(f"not done: {shown[:200]}")
            return 1
        timed = [run(*words)[0] for _ in range(runs)]
    wall = statistics.median(seconds for seconds, _ in timed)
    cpu = statistics.median(seconds for _, seconds in timed)
    print(
        f"plan --spec for 8 GPUs, {runs} times, median: {wall:.3f} s ({cpu:.3f} s processor), aim {LIMIT_S} s"
    )
    return 0


def run(*words: str) -> tuple[tuple[float, float], str]:
    """Wall and processor seconds of one process, and what it printed."""
    before, began = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, *PROGRAM, *words], capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (wall, cpu), done.stdout


if __name__ == "__main__":
    sys.exit(main())
