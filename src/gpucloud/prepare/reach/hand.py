"""Writes with a deadline: one that never ends must not take us along.

A write to ``unbind`` waits, uninterruptibly, until the driver lets go; nobody can cancel it, not even
SIGKILL. So a process of its own does it, which can be left behind (``inventory.collect.envoy``).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from gpucloud.inventory.collect.envoy import Child, LostError

Effect = Callable[[Path, bytes], None]


class StillWaitingError(Exception):
    """The kernel did not give an answer in time. The effect may happen at any moment from now on."""

    def __init__(self, pid: int, timeout_s: float) -> None:
        self.pid = pid
        self.timeout_s = timeout_s
        super().__init__(f"no answer from the kernel for {timeout_s:g} s (process {pid} still waits)")


class Hand:
    """Writes through a child process, which is started when it is first needed and ends with its parent.

    Args:
        effect: writes data to a path; raises OSError.
        timeout_s: how long one write may take.
    """

    def __init__(self, effect: Effect, timeout_s: float) -> None:
        self._effect, self._timeout_s = effect, timeout_s
        self._child: Child | None = None

    def write(self, path: Path, data: bytes) -> None:
        """Write, and wait for the kernel's answer.

        Raises:
            OSError: as the kernel refused it, with its errno; EIO if the child has died.
            StillWaitingError: there was no answer in time. The child is left behind, and the next write has
                another one.
        """
        child = self._child or Child(self._do)
        self._child = None
        child.ask([os.fsencode(path) + b"\0" + data])
        answer = child.hear(self._timeout_s)
        if isinstance(answer, LostError) and answer.errno == errno.ETIMEDOUT:
            raise StillWaitingError(child.pid, self._timeout_s)
        if not isinstance(answer, LostError):
            self._child = child
        if isinstance(answer, OSError):
            number = answer.errno or errno.EIO
            raise OSError(number, os.strerror(number))

    def _do(self, order: bytes) -> bytes:
        path, _, data = order.partition(b"\0")
        self._effect(Path(os.fsdecode(path)), data)
        return b""
