"""How fast a big server is scanned: ``python bench/scan.py [--runs N]``.

Measures ``gpucloud scan --from TREE --format json`` as a whole process, from start to exit, on the tree of a
server with eight GPUs and more than 150 PCI functions, and by turns what people do today on the same tree:
the shell loop of a published guide, which calls ``lspci -nns`` once for each device of each IOMMU group. The
loop needs lspci and its names: apt-get install pciutils.

The aims: at most 0.25 s and 120 MiB, and ten times faster than the loop. Python's own bytecode is compiled
before, as it is after any installation; the first start without it is given too. Where others use the
machine, processor time tells more than the clock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.host_tree import HostTree  # noqa: E402 - the tests' builders are found by the line above
from tests.hosts.builders.hgx import build_hgx  # noqa: E402

LIMIT_S = 0.25
LIMIT_MIB = 120
LIMIT_RATIO = 10
GPUS = 8
PROGRAM = "from gpucloud.cli import main; main()"
LOOP = """
cd "$TREE" || exit
function lsiommu() {
for d in $(find sys/kernel/iommu_groups/ -type l | sort -n -k4 -t/); do
n=${d#*/iommu_groups/*}
n=${n%%/*}
printf 'IOMMU Group %s ' "$n"
lspci -O sysfs.path=sys/bus/pci -nns "${d##*/}"
done;
}
lsiommu | grep NVIDIA | grep -c 10de:2330
"""
"""As Quansight's guide to GPU servers has it, but for the tree in place of ``/`` and the count at its end."""
OTHER_NODES = 600
"""Device nodes of no PCI function: two for each of 224 processors, terminals, and the kernel's own."""
SCANS = 5
"""Scans for each loop."""


@dataclass(frozen=True)
class Run:
    """One process from start to exit."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def main() -> int:
    """Print the figures beside the aims: these machines are noisy, so no exit code depends on them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15, help="how often it is scanned; the median counts")
    rounds = max(options.parse_args().runs // SCANS, 1)
    with tempfile.TemporaryDirectory(prefix="gpucloud-bench-") as folder:
        tree = build_hgx(Path(folder) / "server")
        functions = add_config_space(tree)
        add_other_nodes(tree)
        print(
            f"tree: {functions} PCI functions, {GPUS} GPUs, {OTHER_NODES} other nodes, 20 000 module "
            f"aliases; {rounds * SCANS} scans, {rounds} loops, medians"
        )
        show(tree.root, Path(folder) / "bytecode", rounds)
    return 0


def show(tree: Path, bytecode: Path, rounds: int) -> None:
    """Measure scan and loop by turns, and print both."""
    scan = [sys.executable, "-c", PROGRAM, "scan", "--format", "json", "--from", str(tree)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONPATH": str(ROOT / "src"), "TREE": str(tree)}
    first = measure(scan, environment)
    has_lspci = shutil.which("lspci") is not None
    scans, loops = [], []
    for _ in range(rounds):
        scans += [measure(scan, environment) for _ in range(SCANS)]
        if has_lspci:
            loops.append(measure(["bash", "-c", LOOP], environment, says=f"{GPUS}\n"))
    bare = middle(measure([sys.executable, "-c", ""], environment).seconds for _ in scans)
    show_scans(scans)
    print(f"  Python alone {bare:.3f} s; the first start, without bytecode: {first.seconds:.3f} s")
    if has_lspci:
        show_loops(loops, scans)
    else:
        print("shell loop: not measured, lspci is missing: apt-get install pciutils")


def show_scans(scans: Sequence[Run]) -> None:
    """Print what a scan takes."""
    seconds, peak = middle(run.seconds for run in scans), max(run.peak_mib for run in scans)
    print(f"gpucloud scan: {seconds:.3f} s (aim {LIMIT_S} s), peak {peak:.0f} MiB (aim {LIMIT_MIB} MiB)")
    processor, fastest = middle(run.cpu_seconds for run in scans), min(run.seconds for run in scans)
    print(f"  processor time {processor:.3f} s, the fastest run {fastest:.3f} s")


def show_loops(loops: Sequence[Run], scans: Sequence[Run]) -> None:
    """Print the shell loop beside the scan."""
    seconds, processor = middle(run.seconds for run in loops), middle(run.cpu_seconds for run in loops)
    times = seconds / middle(run.seconds for run in scans)
    of_processor = processor / middle(run.cpu_seconds for run in scans)
    print(f"lsiommu shell loop: {seconds:.3f} s, {times:.1f} times as long (aim {LIMIT_RATIO})")
    print(f"  processor time {processor:.3f} s, {of_processor:.1f} times as much")


def middle(numbers: Iterable[float]) -> float:
    """The median."""
    return statistics.median(numbers)


def measure(command: Sequence[str], environment: Mapping[str, str], says: str | None = None) -> Run:
    """Run a command to its end, and check what it says where that is known."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    if process.returncode or (says is not None and said != says):
        raise SystemExit(f"{command[:3]} failed with {process.returncode}: {said[:200]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def add_config_space(tree: HostTree) -> int:
    """Give every function the 64 bytes of configuration space that lspci looks at; how many there are."""
    devices = sorted((tree.root / "sys/bus/pci/devices").iterdir())
    for device in devices:
        vendor, product, kind = (
            int((device / name).read_text(), 16) for name in ("vendor", "device", "class")
        )
        header = struct.pack("<HHIBBHB", vendor, product, 0, 0xA1, kind & 0xFF, kind >> 8, 0)
        (device / "config").write_bytes(header.ljust(64, b"\0"))
    return len(devices)


def add_other_nodes(tree: HostTree) -> None:
    """List the nodes that every server has beside those of its devices."""
    for number in range(OTHER_NODES):
        tree.link(f"sys/dev/char/203:{number}", f"../../devices/virtual/cpuid/cpu{number}")


if __name__ == "__main__":
    sys.exit(main())
