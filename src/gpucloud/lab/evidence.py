"""What is kept when something goes wrong, so that the message can name it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from gpucloud.lab.machine.qemu import QEMU_LOG
from gpucloud.lab.machine.render import CONSOLE_LOG
from gpucloud.lab.record import TOPOLOGY
from gpucloud.model.failure import Failure

Ask = Callable[[str], bytes]
"""Runs a shell line on the server and gives what it printed."""

PRODUCT_STATE = "/var/lib/gpucloud"
"""Where gpucloud keeps its plans and journals on a server."""

SYSTEM_JOURNAL = "/var/log/journal"

NOT_ASKED = "not-asked.txt"
"""Is there, and says why, where the server did not answer all questions."""

QUESTIONS = {
    "journal.txt": "journalctl --no-pager --output=short-monotonic 2>&1",
    "dmesg.txt": "dmesg",
    "lspci.txt": "lspci -nnk",
    "groups.txt": "ls -l /sys/kernel/iommu_groups/*/devices 2>&1",
    "guests.txt": "tail -n 200 /var/log/libvirt/qemu/*.log 2>&1",
    "gpucloud-state.tar": f"test ! -d {PRODUCT_STATE} || tar -c -C {PRODUCT_STATE} .",
}
"""File, and what a server that still answers is asked for it."""


def keep_logs(folder: Path, failed: Path, name: str, clock: Callable[[], float] = time.time) -> Path:
    """Copy the logs that are in a server's folder to one of their own under ``failed``; gives that."""
    kept = failed / time.strftime(f"{name}-%Y%m%d-%H%M%S", time.gmtime(clock()))
    kept.mkdir(parents=True, exist_ok=True)
    for log in (CONSOLE_LOG, QEMU_LOG, TOPOLOGY):
        if (folder / log).exists():
            shutil.copyfile(folder / log, kept / log)
    return kept


def keep_answers(kept: Path, ask: Ask) -> bool:
    """Ask a server that runs for what is on it; where it does not answer, that is written down.

    Gives whether it answered.
    """
    try:
        for file, question in QUESTIONS.items():
            if answer := ask(question):
                (kept / file).write_bytes(answer)
    except Failure as failure:
        (kept / NOT_ASKED).write_text(
            f"the server could not be asked for its journal and gpucloud's: {failure.what}\n"
        )
        return False
    return True


def did_not_come_up(folder: Path, name: str, failure: Failure, kept: Path) -> Failure:
    """The error for a server that did not come up: why, the end of its console, and where the rest is."""
    said = tail(folder / CONSOLE_LOG, 3)
    console = f"its console ends with: {said}" if said else "its console said nothing"
    return Failure(f"the server {name} did not come up: {failure.what}; {console}", f"the logs are in {kept}")


def tail(log: Path, lines: int) -> str:
    """The last lines of a log, joined by " | "; of a large one only its end is read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])
