"""How fast the doctor is: ``python bench/doctor.py [--hosts N] [--log MIB]``.

Prints, with their aims:

* one file of evidence as a whole process, from start to exit (median of seven): at most 0.3 s;
* 1 MiB of the worst of many hostile texts, in processor time: at most 1 s;
* captured hosts in a second, over as many processes as processors, by what three quarters of a run add to the
  first, and what 10,000 take by that: 60 s on two.
  Kinds as the names say; the whole server has eight GPUs and more than 150 PCI functions, as ``gpucloud
  capture`` packs it and as a plain archive of its files. No two of ten of a kind have the same addresses;
* the largest process while so many and four times as many hosts are judged: memory stays flat;
* with ``--log``, a log of so many MiB: seconds and memory, as a whole process.

Where others use the machine, processor time tells more than the clock. Bytecode is compiled before, as it is
after any installation.
"""

from __future__ import annotations

import argparse
import compileall
import io
import os
import re
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.inputs.hostile import texts  # noqa: E402 - found by the line above, as the tests' hosts are
from tests.hosts.catalogue import capture_of  # noqa: E402

from gpucloud.doctor import diagnose  # noqa: E402
from gpucloud.doctor.evidence.gather import gather  # noqa: E402
from gpucloud.doctor.evidence.pasted import from_text  # noqa: E402
from gpucloud.inventory.capture.write import collect_here, render_capture  # noqa: E402
from gpucloud.inventory.collect.wire import Stream  # noqa: E402

REPORT = ROOT / "tests" / "cases" / "os-nova-1633120-whitelist-renamed.yaml"
HOSTS = {
    "two GPUs, from a listing": "server-v100s-2x-kolla-lspci",
    "eight GPUs, from a listing": "server-hgx-h100-8gpu-ubuntu-groups",
    "whole desktop": "built-apu-and-navi21",
    "whole server, eight GPUs": "built-hgx-h100",
}
_PLACED = re.compile(rb"^0x0000([0-9a-f]*[1-9a-f][0-9a-f]*) 0x0000", re.MULTILINE)
AS_FILES = "whole server, eight GPUs, as 3400 files"
VARIANTS = 10
FLEET, FLEET_LIMIT_S = 10_000, 60
PROCESS_LIMIT_S, LONG_LIMIT_S = 0.3, 1.0


@dataclass(frozen=True)
class Run:
    """One run of the program, to its exit."""

    seconds: float
    processor_s: float
    """On all processors, of the program and its workers."""
    mib: float
    """Of the largest process."""


def run(*arguments: str) -> Run:
    """Run ``gpucloud`` as a process of its own, whose children count too."""
    started, used = time.perf_counter(), _used()
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", _MEASURED, *arguments]
    # By way of a shell: a process starts with the peak of the one that started it.
    process = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - started
    if process.returncode not in (0, 3):
        raise SystemExit(process.stderr.decode())
    return Run(seconds, _used() - used, int(process.stderr.decode().rpartition("largest ")[2]) / 1024)


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


_MEASURED = """
import atexit, resource, sys
def tell():
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    print("largest", max(resource.getrusage(one).ru_maxrss for one in whose), file=sys.stderr)
atexit.register(tell)
from gpucloud.cli import main
main()
"""


def bench_report() -> str:
    """One file of evidence as a whole process."""
    runs = [run("doctor", "--evidence", str(REPORT)) for _ in range(7)]
    seconds = statistics.median(one.seconds for one in runs)
    used = statistics.median(one.processor_s for one in runs)
    return (
        f"one file of evidence: {seconds:.2f} s (aim: {PROCESS_LIMIT_S} s), "
        f"{used:.2f} s of processor time, {runs[0].mib:.0f} MiB"
    )


def bench_long() -> str:
    """The slowest of many texts of 1 MiB."""
    times = {name: _processor_time(text) for name, text in texts()}
    slowest = max(times, key=lambda name: times[name])
    aim = f"(aim: {LONG_LIMIT_S:.0f} s)"
    return f"1 MiB of the worst of {len(times)} texts: {times[slowest]:.2f} s {aim}, {slowest}"


def _processor_time(text: str) -> float:
    started = time.process_time()
    diagnose(gather(from_text("bench", (text,))))
    return time.process_time() - started


def bench_fleet(what: str, captures: Sequence[Path], count: int) -> str:
    """So many captures in one run, and four times as many: what more take is what each takes of many."""
    few = run("doctor", "--from", *map(str, islice(cycle(captures), count)))
    many = run("doctor", "--from", *map(str, islice(cycle(captures), 4 * count)))
    each = (many.seconds - few.seconds) / (3 * count)
    used = (many.processor_s - few.processor_s) / (3 * count)
    all_of_them = few.seconds + (FLEET - count) * each
    return (
        f"{what}: {1 / each:.0f} hosts/s, {FLEET} in {all_of_them:.0f} s (aim: {FLEET_LIMIT_S} s), "
        f"{used * 1000:.1f} ms of processor time each: {FLEET * used / 2:.0f} s on two idle ones; "
        f"{few.mib:.0f} MiB for {count}, {many.mib:.0f} MiB for {4 * count}"
    )


def bench_log(mib: int, folder: Path) -> str:
    """A long log with one message at its end."""
    path = folder / "dmesg.log"
    line = b"[ 1234.567890] audit: type=1400 apparmor=DENIED operation=open profile=snap name=/proc/1/mem\n"
    with path.open("wb") as out:
        for _ in range(mib):
            out.write(line * ((1 << 20) // len(line)))
        out.write(b"DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR requirement.\n")
    found = run("doctor", "--evidence", str(path))
    used = f"{found.processor_s:.1f} s of processor time, {found.mib:.0f} MiB"
    return f"a log of {mib} MiB: {found.seconds:.1f} s, {used}"


def captures(folder: Path) -> dict[str, list[Path]]:
    """Captures of each kind of host, as ``gpucloud capture`` makes them; of the largest as files too."""
    made = {what: _captures_of(name, folder, render_capture) for what, name in HOSTS.items()}
    made[AS_FILES] = _captures_of(HOSTS["whole server, eight GPUs"], folder / "files", _as_files)
    return made


def _captures_of(name: str, folder: Path, render: Callable[[Stream], bytes]) -> list[Path]:
    place = folder / name
    place.mkdir(parents=True)
    tree = capture_of(name, place)
    made = [folder / f"{name}-{number}.tar.gz" for number in range(VARIANTS)]
    for number, path in enumerate(made):
        stream = collect_here(str(tree))
        _move_addresses(stream, number)
        path.write_bytes(render(stream))
    return made


def _move_addresses(stream: Stream, number: int) -> None:
    """Put the BARs elsewhere, as the firmware of every server does."""
    for path, data in stream.files.items():
        if path.endswith("/resource"):
            stream.files[path] = _PLACED.sub(rb"0x%04x\1 0x%04x" % (number, number), data)


def _as_files(stream: Stream) -> bytes:
    """An archive of the files themselves, as other tools make it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, entry in stream.tree().entries():
            member = tarfile.TarInfo(path[1:])
            if entry is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(entry, str):
                member.type, member.linkname = tarfile.SYMTYPE, entry
            else:
                member.size = len(entry)
            archive.addfile(member, io.BytesIO(entry) if isinstance(entry, bytes) else None)
    return packed.getvalue()


def main(arguments: Sequence[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--hosts", type=int, default=100, help="captures in the shorter run")
    parser.add_argument("--log", type=int, default=0, metavar="MIB")
    asked = parser.parse_args(arguments)
    compileall.compile_dir(str(ROOT / "src"), quiet=2)
    print(f"{len(os.sched_getaffinity(0))} processors")
    print(bench_report())
    print(bench_long())
    with tempfile.TemporaryDirectory() as folder:
        for what, made in captures(Path(folder)).items():
            print(bench_fleet(what, made, asked.hosts))
        if asked.log:
            print(bench_log(asked.log, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
