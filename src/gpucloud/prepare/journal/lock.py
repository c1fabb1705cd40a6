"""One at a time: two runs must not change a host together."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from gpucloud.model.failure import Failure


def only_one(path: Path) -> AbstractContextManager[None]:
    """Hold the lock while the block runs. The kernel frees it when the process ends, however it ends.

    Raises:
        OSError: the file cannot be opened.
        Failure: when the block is entered, another process has the lock; its number is in the message.
    """
    return _hold(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


@contextmanager
def _hold(descriptor: int) -> Iterator[None]:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Failure(
                f"another gpucloud is changing this host (process {owner})", "wait until it has ended"
            ) from None
        with suppress(OSError):  # it is only for the message: a full disk must not stop the way back
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
