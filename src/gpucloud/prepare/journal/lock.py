"""One at a time: two runs must not change a host together."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpucloud.model.failure import Failure


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock while the block runs. The kernel frees it when the process ends, however it ends.

    Raises:
        Failure: another process has it; its number is in the message.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Failure(
                f"another gpucloud is changing this host (process {owner})", "wait until it has ended"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
