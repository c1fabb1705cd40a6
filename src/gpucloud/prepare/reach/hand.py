"""A process that writes for us, with a deadline: a write that never ends must not take us along.

A write to ``unbind`` waits, uninterruptibly, until the driver lets go; nobody can cancel it, not even
SIGKILL. So a process of its own does it, which can be left behind.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Never

Effect = Callable[[Path, bytes], None]
_LENGTH = 4


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
        self._child: _Child | None = None

    def write(self, path: Path, data: bytes) -> None:
        """Write, and wait for the kernel's answer.

        Raises:
            OSError: as the kernel refused it, with its errno; EIO if the child has died.
            StillWaitingError: there was no answer in time. The child is left behind, and the next write has
                another one.
        """
        child = self._child or _start(self._effect)
        self._child = None
        child.orders.write(_frame(os.fsencode(path)) + _frame(data))
        if not select.select([child.answers], [], [], self._timeout_s)[0]:
            child.let_go()
            raise StillWaitingError(child.pid, self._timeout_s)
        answer = _take(child.answers)
        if answer is None:
            child.let_go()
            os.waitpid(child.pid, 0)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._child = child
        if number := int(answer):
            raise OSError(number, os.strerror(number))


@dataclass(frozen=True, slots=True)
class _Child:
    """The process and the two pipes to it; without them it ends."""

    pid: int
    orders: BinaryIO
    answers: BinaryIO

    def let_go(self) -> None:
        """Expect nothing of it any more: it ends by itself, as soon as the kernel lets it."""
        self.orders.close()
        self.answers.close()


def _start(effect: Effect) -> _Child:
    orders, give_orders = os.pipe()
    answers, give_answers = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_child(effect, orders, give_answers)
    os.close(orders)
    os.close(give_answers)
    return _Child(pid, os.fdopen(give_orders, "wb", buffering=0), os.fdopen(answers, "rb", buffering=0))


def _be_child(effect: Effect, orders: int, answers: int) -> Never:
    """Write what is ordered and do nothing else: whatever happens, this process never goes on as its parent.

    By the time a stuck write ends, nobody may be there to take the answer.
    """
    try:
        os.setsid()  # Ctrl-C and a closed terminal are for the parent to act on
        _let_go_of_files({orders, answers})
        with os.fdopen(orders, "rb", buffering=0) as reading:
            while (path := _take(reading)) is not None:
                data = _take(reading) or b""
                os.write(answers, _frame(str(_try(effect, Path(os.fsdecode(path)), data)).encode()))
    finally:
        os._exit(0)


def _try(effect: Effect, path: Path, data: bytes) -> int:
    try:
        effect(path, data)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _let_go_of_files(but: set[int]) -> None:
    """No terminal, no lock and no journal of the parent is kept open by a child that is left behind."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, before the listing itself is closed
        if (number := int(name)) > 2 and number not in but:
            try:
                os.close(number)
            except OSError:  # the listing's own
                continue


def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH, "big") + data


def _take(reading: BinaryIO) -> bytes | None:
    """One frame; None where the other side is gone."""
    length = _read(reading, _LENGTH)
    return None if length is None else _read(reading, int.from_bytes(length, "big"))


def _read(reading: BinaryIO, length: int) -> bytes | None:
    data = b""
    while len(data) < length:
        piece = reading.read(length - len(data))
        if not piece:
            return None
        data += piece
    return data
