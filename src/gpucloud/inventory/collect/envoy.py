"""Reads, and what else may wait for ever, by a process that can be left behind. Also sent to hosts over ssh.

What the kernel tells in a file may be behind a lock: ``driver_override`` and ``sriov_numvfs`` take that of
the device (drivers/pci/pci-sysfs.c, iov.c), which an ``unbind`` holds until the driver lets go; GPU drivers
have locks of their own. Such a read waits uninterruptibly: its process does not even end when it is killed.

It imports only Python's standard library and speaks Python 3.6.
"""

# For the Python of old hosts:
# ruff: noqa: PTH208, UP006, UP007, UP035, UP045

import errno
import os
import select
import stat
import struct
import time
from contextlib import suppress
from typing import Callable, List, Optional, Sequence, Tuple, Union

FILE_LIMIT = 16 * 1024 * 1024
HEADS = ("/proc/interrupts", "/proc/cpuinfo")
"""Files that grow with the processors, and whose beginning tells all that is asked of them.

``interrupts`` has 11 bytes for each processor in each line (kernel/irq/proc.c), and the lines of the IO-APIC
come first; ``cpuinfo`` has some 2000 bytes for each, and one processor is as good as another.
"""
HEAD_LIMIT = 1024 * 1024
"""Bytes of it that are read: with 8192 processors, the most that a distribution's kernel takes, 11 lines."""
SIFTED = "/proc/net/fib_trie"
"""It has several lines for each route, a gigabyte of a router's: only headings and routes to /0 are kept."""
SIFT_LIMIT = 2 * 1024 * 1024 * 1024
"""Bytes of it that are read at most; what is kept of them is bounded as other files are."""
CHUNK = 65536
FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
PATIENCE_S = 5.0
SHORT_PATIENCE_S = 0.5
HEADER = struct.Struct("!iI")
Answer = Union[bytes, OSError]


def read_file(path: str, limit: int = FILE_LIMIT, flags: int = FLAGS) -> bytes:
    """Read a regular file: whole, or its beginning where that is enough (``HEADS``).

    Raises:
        OSError: as the system refused it; EINVAL for pipes, devices and folders, EFBIG for a long one.
    """
    is_head = path.endswith(HEADS)
    limit = HEAD_LIMIT if is_head else limit
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if path.endswith(SIFTED):
            return sift(descriptor, limit)
        size = status.st_size
        data = os.read(descriptor, size + 1 if 0 < size <= limit else CHUNK)
        if 0 < size <= limit and len(data) <= size:
            return data  # sysfs says 4096 and gives less; /proc says 0 and gives it in pieces
        pieces, length = [data], len(data)
        while pieces[-1] and length <= limit:
            pieces.append(os.read(descriptor, CHUNK))
            length += len(pieces[-1])
    finally:
        os.close(descriptor)
    if length > limit and not is_head:
        raise OSError(errno.EFBIG, f"longer than {limit} bytes")
    return b"".join(pieces)[:limit]


def sift(descriptor: int, limit: int) -> bytes:
    """The lines of ``SIFTED`` that are asked for, as it is read: ``Id 10:`` and ``/0 universe UNICAST``.

    Raises:
        OSError: EFBIG, there is more of it, or of these lines, or of one line, than is read.
    """
    kept: List[bytes] = []
    rest, read, length = b"", 0, 0
    while True:
        piece = os.read(descriptor, CHUNK)
        whole, _, rest = (rest + piece if piece else rest + b"\n").rpartition(b"\n")
        if b"/0 " in whole or b":" in whole:
            found = [
                line for line in whole.split(b"\n") if line.endswith(b":") or line.split()[:1] == [b"/0"]
            ]
            kept += found
            length += sum(len(line) + 1 for line in found)
        if not piece:
            return b"".join(line + b"\n" for line in kept)
        read += len(piece)
        if read > SIFT_LIMIT or length > limit or len(rest) > CHUNK:
            raise OSError(errno.EFBIG, f"longer than {limit} bytes")


class Envoy:
    """Reads files through a child process, which is started when it is first needed and ends with its parent.

    Args:
        read: reads the file at a path; raises OSError.
        patience_s: how long one file may take; once one has taken so long, others have ``SHORT_PATIENCE_S``.
    """

    def __init__(self, read: Callable[[str], bytes] = read_file, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._read = read
        self._child: Optional[Child] = None

    def read(self, path: str) -> bytes:
        """Read one file.

        Raises:
            OSError: as the child was refused it, and ETIMEDOUT where there was no answer in time.
        """
        answer = self.read_all([path])[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    def read_all(self, paths: Sequence[str]) -> List[Answer]:
        """Read several files, of a folder at most: all is asked before the first answer is heard."""
        answers: List[Answer] = []
        while len(answers) < len(paths):
            answers += self._ask(paths[len(answers) :])
        return answers

    def _ask(self, paths: Sequence[str]) -> List[Answer]:
        """Answers up to the first that does not come: its child is left behind, as when Ctrl-C ends this."""
        child = self._child or Child(lambda path: self._read(os.fsdecode(path)))
        self._child = None
        child.ask([os.fsencode(path) for path in paths])
        answers: List[Answer] = []
        for _ in paths:
            answer = child.hear(self.patience_s)
            answers.append(answer)
            if isinstance(answer, LostError):
                if answer.errno == errno.ETIMEDOUT:
                    self.patience_s = min(self.patience_s, SHORT_PATIENCE_S)
                return answers
        self._child = child
        return answers

    def __del__(self) -> None:
        if self._child is not None:
            self._child.let_go()
            with suppress(ChildProcessError):  # of the process that this one was forked from
                os.waitpid(self._child.pid, 0)  # it has answered all it was asked, so it ends at once


class LostError(OSError):
    """There will be no answer, and the child has been let go: ETIMEDOUT, it was late; EIO, it has died."""


class Child:
    """A process that answers what it is asked, and the two pipes to it; without them it ends.

    Args:
        answer: gives the answer to a question, in the child; raises OSError.
    """

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self._heard = bytearray()
        self.pid = os.fork()
        if self.pid == 0:
            serve(answer, orders, answers)
        os.close(orders)
        os.close(answers)

    def ask(self, questions: Sequence[bytes]) -> None:
        """Ask, without waiting for answers."""
        try:
            write_all(self._orders, b"".join(HEADER.pack(0, len(each)) + each for each in questions))
        except BrokenPipeError:
            return  # it has died: ``hear`` says so

    def hear(self, patience_s: float) -> Answer:
        """The answer to the oldest question: a ``LostError`` where there is none in time."""
        end = time.monotonic() + patience_s
        while True:
            taken = take(self._heard)
            if taken is not None:
                number, data = taken
                return OSError(number, data.decode(errors="replace")) if number else data
            if not select.select([self._answers], [], [], max(end - time.monotonic(), 0))[0]:
                self.let_go()
                return LostError(errno.ETIMEDOUT, f"took longer than {patience_s:g} s")
            piece = os.read(self._answers, CHUNK)
            if not piece:
                self.let_go()
                os.waitpid(self.pid, 0)
                return LostError(errno.EIO, "the process that asked has died")
            self._heard += piece

    def let_go(self) -> None:
        """Expect nothing of it any more: it ends by itself, as soon as the kernel lets it."""
        os.close(self._orders)
        os.close(self._answers)


def serve(answer: Callable[[bytes], bytes], orders: int, answers: int) -> None:
    """Answer until nobody asks, and never go on as the parent."""
    try:
        os.setsid()  # Ctrl-C and a closed terminal are for the parent to act on
        let_go_of_files({orders, answers})
        heard = bytearray()
        while True:
            taken = take(heard)
            if taken is None:
                piece = os.read(orders, CHUNK)
                if not piece:
                    return
                heard += piece
                continue
            number, data = attempt(answer, taken[1])
            write_all(answers, HEADER.pack(number, len(data)) + data)
    finally:
        os._exit(0)


def attempt(answer: Callable[[bytes], bytes], question: bytes) -> Tuple[int, bytes]:
    """Zero and the answer, or the number of an error and its words."""
    try:
        return 0, answer(question)
    except OSError as error:
        return error.errno or errno.EIO, (error.strerror or str(error)).encode(errors="replace")


def let_go_of_files(but: "set[int]") -> None:
    """No terminal, lock or journal of the parent is kept open by a child that is left behind."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2 and number not in but:
            try:
                os.close(number)
            except OSError:  # the listing's own
                continue


def take(heard: bytearray) -> Optional[Tuple[int, bytes]]:
    """Take the first message from what was heard: its number and its text; None where it is not all there."""
    if len(heard) < HEADER.size:
        return None
    number, length = HEADER.unpack_from(heard)
    end = HEADER.size + length
    if len(heard) < end:
        return None
    data = bytes(heard[HEADER.size : end])
    del heard[:end]
    return number, data


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it; a pipe takes as much at once as it has room for."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
