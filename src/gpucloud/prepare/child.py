"""One effect in a process of its own, with a deadline: a write that never ends must not take us along.

A write to ``unbind`` waits, uninterruptibly, until the driver lets go; nobody can cancel it, not even
SIGKILL.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from typing import Never

_VALUE, _ERROR = b"v", b"e"
_LIMIT = 65536


class StillWaitingError(Exception):
    """The kernel did not give an answer in time. The effect may happen at any moment from now on."""

    def __init__(self, pid: int, timeout_s: float) -> None:
        self.pid = pid
        self.timeout_s = timeout_s
        super().__init__(f"no answer from the kernel for {timeout_s:g} s (process {pid} still waits)")


def within(timeout_s: float, effect: Callable[[], bytes]) -> bytes:
    """Run an effect in a child process and give its result.

    Args:
        timeout_s: how long to wait for it; the child is left alone after that.
        effect: gives at most 64 KiB.

    Raises:
        OSError: as the effect raised it, with its errno; EIO if the child died or failed otherwise.
        StillWaitingError: it had not ended in time.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_child(effect, writing)
    os.close(writing)
    try:
        if not select.select([reading], [], [], timeout_s)[0]:
            raise StillWaitingError(pid, timeout_s)
        answer = _read_all(reading)
    finally:
        os.close(reading)
    os.waitpid(pid, 0)
    return _open(answer)


def _open(answer: bytes) -> bytes:
    if answer.startswith(_VALUE):
        return answer[1:]
    number = int(answer[1:]) if answer.startswith(_ERROR) else errno.EIO
    raise OSError(number, os.strerror(number))


def _read_all(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, _LIMIT):
        pieces.append(piece)
    return b"".join(pieces)


def _be_child(effect: Callable[[], bytes], writing: int) -> Never:
    """Do the effect and nothing else: whatever happens, this process ends here, never going on as its parent.

    By the time a stuck effect ends, nobody may be there to take the answer.
    """
    try:
        os.setsid()  # Ctrl-C and a closed terminal are for the parent to act on
        _let_go_of_files(writing)
        os.write(writing, _try(effect))
    finally:
        os._exit(0)


def _try(effect: Callable[[], bytes]) -> bytes:
    try:
        return _VALUE + effect()[:_LIMIT]
    except OSError as error:
        return _ERROR + str(error.errno or errno.EIO).encode()


def _let_go_of_files(but: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, but)
    os.closerange(but + 1, 1024)
