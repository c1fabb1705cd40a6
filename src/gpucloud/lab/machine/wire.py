"""Two ways into a running QEMU: its monitor (QMP), and the server's second serial port (the line)."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from gpucloud.model.failure import Failure

MAX_ANSWER_BYTES = 16 * 1024**2
ANSWER_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 2
TELL_EVERY_S = 10

Clock = Callable[[], float]


class Wire:
    """A socket of a QEMU, read line by line with a deadline. Its name may be longer than sockets allow."""

    def __init__(self, path: Path, clock: Clock = time.monotonic) -> None:
        self._name = path.name
        self._clock = clock
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._connect(path)
        except OSError as error:
            self._socket.close()
            raise Failure(f"the server's {path.name} does not answer: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _connect(self, path: Path) -> None:
        """Connect by a short name of the folder; a socket that is there listens a moment later."""
        folder = os.open(path.parent, os.O_PATH)
        deadline = self.after(CONNECT_TIMEOUT_S)
        try:
            while True:
                try:
                    self._socket.connect(f"/proc/self/fd/{folder}/{path.name}")
                except ConnectionRefusedError:
                    if self._clock() > deadline:
                        raise
                    select.select([], [], [], 0.01)
                else:
                    return
        finally:
            os.close(folder)

    def send(self, line: str) -> None:
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise self._gone() from error

    def line(self, deadline: float) -> str:
        """The next line, without its end.

        Raises:
            Failure: none came before the deadline (a time of the clock), or the server went away.
        """
        if not self.has_line(deadline):
            raise Failure(f"the server's {self._name} gave no answer in time")
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def has_line(self, deadline: float) -> bool:
        """Wait for a whole line; tells whether one came before the deadline.

        Raises:
            Failure: the server went away.
        """
        while b"\n" not in self._rest:
            left = deadline - self._clock()
            if left <= 0:
                return False
            self._socket.settimeout(left)
            try:
                received = self._socket.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                raise self._gone() from error
            if not received or len(self._rest) > MAX_ANSWER_BYTES:
                raise self._gone()
            self._rest += received
        return True

    def after(self, seconds: float) -> float:
        """The deadline that many seconds from now."""
        return self._clock() + seconds

    def _gone(self) -> Failure:
        return Failure(f"the server's {self._name} went away: QEMU has ended")


class Monitor(Wire):
    """QEMU's machine protocol (docs/interop/qmp-spec): one command, one answer, events left aside."""

    def __init__(self, path: Path, clock: Clock = time.monotonic) -> None:
        super().__init__(path, clock)
        self.line(self.after(10))
        self.do("qmp_capabilities")

    def do(self, command: str, /, **arguments: object) -> object:
        """Run a command and give what it returns.

        Raises:
            Failure: QEMU refuses it, with QEMU's words.
        """
        self.send(json.dumps({"execute": command, "arguments": arguments}))
        deadline = self.after(ANSWER_TIMEOUT_S)
        while True:
            answer = json.loads(self.line(deadline))
            if "error" in answer:
                raise Failure(f"QEMU refuses {command}: {answer['error'].get('desc', '')}")
            if "return" in answer:
                return answer["return"]

    def quit(self, timeout_s: float) -> None:
        """End QEMU, and wait until it is gone.

        Raises:
            Failure: it stays.
        """
        self.send(json.dumps({"execute": "quit"}))
        self._socket.settimeout(timeout_s)
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            return  # it is gone, and had not read all that was sent
        except TimeoutError as error:
            raise Failure(f"QEMU does not end within {timeout_s:.0f} s") from error

    def human(self, command: str) -> str:
        """Run a command of the monitor that people type; gives the text it prints."""
        return str(self.do("human-monitor-command", **{"command-line": command}))

    def wait_for(self, event: str, status: str, timeout_s: float) -> None:
        """Wait for an event whose data has this status.

        Raises:
            Failure: it did not come, or came with ``failed``.
        """
        deadline = self.after(timeout_s)
        while True:
            message = json.loads(self.line(deadline))
            if message.get("event") == event:
                seen = message.get("data", {}).get("status")
                if seen == status:
                    return
                if seen == "failed":
                    raise Failure(f"QEMU reports that its {event.lower()} failed")


class Line(Wire):
    """The laboratory's wire into a server: shell lines go in, output and exit code come back."""

    READY = "lab: ready"
    DONE = "lab: done "

    def wait_ready(
        self,
        timeout_s: float,
        progress: Callable[[str], None] = lambda _: None,
        every_s: float = TELL_EVERY_S,
    ) -> None:
        """Wait until the server says that ssh and libvirt run and its devices have their drivers.

        Args:
            timeout_s: how long it may take.
            progress: told that it still boots.
            every_s: how often it is told.
        """
        began = self._clock()
        deadline = began + timeout_s
        while True:
            soon = min(deadline, self.after(every_s))
            if self.has_line(soon) or soon == deadline:
                if self.line(deadline) == self.READY:
                    return
            else:
                progress(f"  still booting ({self._clock() - began:.0f} s)")

    def do(self, command: str, timeout_s: float = 60) -> str:
        """Run a shell line as root on the server.

        Raises:
            Failure: it failed, or did not end in time.
        """
        self.send(command)
        deadline = self.after(timeout_s)
        said: list[str] = []
        while not (line := self.line(deadline)).startswith(self.DONE):
            if line != self.READY:
                said.append(line)
        if line != f"{self.DONE}0":
            raise Failure(f"on the server: {' '.join(said)[-300:] or 'a command failed'}")
        return "\n".join(said)
