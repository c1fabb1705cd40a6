"""What the running kernel says of itself: which boot this is, and which processes are still there."""

from __future__ import annotations

from gpucloud.inventory.reader import Reader

_START_TIME = 19
"""Place of the start time among the fields of ``/proc/PID/stat`` that follow the name (proc(5): field 22)."""


def read_boot(reader: Reader) -> str:
    """The id of this boot. Bindings do not outlive it: sysfs is made anew at each start."""
    text = reader.read_text("/proc/sys/kernel/random/boot_id")
    return text.strip() if isinstance(text, str) else "unknown"


def name_process(pid: int, reader: Reader) -> str | None:
    """A process by its number and when it was started (clock ticks), so that a later one is not taken for it.

    None where it is gone.
    """
    text = reader.read_text(f"/proc/{pid}/stat")
    fields = text.rpartition(")")[2].split() if isinstance(text, str) else []
    return f"{pid} {fields[_START_TIME]}" if len(fields) > _START_TIME else None
