"""One at a time: two runs must not change a host together."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from gpucloud.model.failure import Failure

_ROUND_S = 0.2


def only_one(path: Path, patience_s: float = 0.0) -> AbstractContextManager[None]:
    """Hold the lock while the block runs. The kernel frees it when the process ends, however it ends.

    Args:
        path: of the lock's file.
        patience_s: seconds that another process which has it is waited for.

    Raises:
        OSError: the file cannot be opened.
        Failure: when the block is entered, another process has the lock; its number is in the message.
    """
    return _hold(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), patience_s)


@contextmanager
def _hold(descriptor: int, patience_s: float) -> Iterator[None]:
    try:
        until = time.monotonic() + patience_s
        while not _take(descriptor):
            if time.monotonic() < until:
                time.sleep(_ROUND_S)
                continue
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Failure(
                f"another gpucloud is changing this host (process {owner})", "wait until it has ended"
            )
        with suppress(OSError):  # it is only for the message: a full disk must not stop the way back
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
