"""How fast nova.conf is checked: ``python bench/nova_check.py [FILES]``.

Two figures: one ``gpucloud nova check`` as a whole process, at its median of ten (aim: 0.3 s), with the time
that it has a core, which other work on the machine changes less; and how many files one process checks in a
second of one core (aim: 1,000), with the report as JSON. The files are a right
one of 70 lines and those of tests/nova/check/examples. Nothing of nova is imported.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.check.report import render_object
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import SERIES

EXAMPLES = Path(__file__).parents[1] / "tests" / "nova" / "check" / "examples"
RUNS = 10
PROGRAM = "from gpucloud.cli import main; main()"
RIGHT = """[DEFAULT]
transport_url = rabbit://nova:secret@192.0.2.10:5672/
[pci]
device_spec = {"vendor_id": "10de", "product_id": "1eb8"}
device_spec = {"vendor_id": "10de", "product_id": "20f1"}
alias = {"name": "t4", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"}
alias = {"name": "a100", "vendor_id": "10de", "product_id": "20f1", "device_type": "type-PF"}
[libvirt]
virt_type = kvm
[keystone_authtoken]
""" + "".join(f"# what option {number} is for\noption_{number} = {number}\n" for number in range(30))


def main(arguments: list[str]) -> int:
    """Print both figures; the exit code says whether they meet the aims."""
    count = int(arguments[0]) if arguments else 5000
    seconds, cpu = whole_process()
    print(f"gpucloud nova check, whole process: {seconds:.2f} s (median of {RUNS}), {cpu:.2f} s of a core")
    right = rate([RIGHT], count)
    wrong = rate([path.read_text() for path in sorted(EXAMPLES.glob("*.conf"))], count)
    print(f"one process, one core: {right:.0f} right files a second, {wrong:.0f} wrong examples a second")
    return 0 if seconds <= 0.3 and min(right, wrong) >= 1000 else 1


def whole_process() -> tuple[float, float]:
    """Seconds from start to exit, on the clock and of the processor."""
    argv = [sys.executable, "-c", PROGRAM, "nova", "check", "--release", "34", "--service", "compute", "-"]
    taken, used = [], []
    for _ in range(RUNS):
        started, before = time.perf_counter(), _used_s()
        subprocess.run(argv, input=RIGHT, text=True, capture_output=True, check=True)
        taken.append(time.perf_counter() - started)
        used.append(_used_s() - before)
    return median(taken), median(used)


def _used_s() -> float:
    """What processes that ended have used."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def rate(texts: list[str], count: int) -> float:
    """Files in a second of this process, each for another release and service."""
    ways = itertools.cycle(itertools.product(SERIES, Service))
    started = time.process_time()
    for text, (release, service) in zip(itertools.islice(itertools.cycle(texts), count), ways, strict=False):
        files = Configuration((read_config_file("nova.conf", text),))
        json.dumps(render_object(check(Case(files, release, service))))
    return count / (time.process_time() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
