"""How much memory this machine has left."""

from __future__ import annotations

import re
from pathlib import Path

_AVAILABLE = re.compile(r"^MemAvailable: +([0-9]{1,18}) kB$", re.MULTILINE | re.ASCII)


def read_free_memory_mib(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Memory that programs can still have (Documentation/filesystems/proc.rst); None where it is not told."""
    match = _AVAILABLE.search(meminfo.read_text())
    return None if match is None else int(match[1]) // 1024
