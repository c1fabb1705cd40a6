"""The one way to change a host: attributes of sysfs written, modules loaded and removed, nothing else.

Only ``apply`` and ``undo`` get a `System`. Every write is bounded in time (see `hand`).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.reader import FILE_LIMIT, Reader
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.hand import Effect, Hand

ANSWER_TIMEOUT_S = 60.0
"""A data-centre GPU takes up to ten seconds to be let go; an emulated one on a slow machine longer."""

SETTLE_TIMEOUT_S = 5.0


class System(Reader, Protocol):
    """A host that can be changed. Paths are absolute, as on the host."""

    def write(self, path: str, text: str) -> None:
        """Write an attribute with one write.

        Raises:
            OSError: the kernel refused, with its errno.
            StillWaitingError: the kernel had not answered in time.
        """

    def load_module(self, module: str) -> None:
        """Load a module with all that it needs; a module that is there already is fine.

        Raises:
            OSError: modprobe refused; its text says why.
        """

    def remove_module(self, module: str) -> None:
        """Remove one module and nothing that it needed.

        Raises:
            OSError: the kernel refused.
        """

    def settles(self, claim: Callable[[], bool]) -> bool:
        """Whether the claim is true, or becomes true within the time that the kernel's own work may take."""


Run = Callable[[Sequence[str]], None]


def run_program(argv: Sequence[str]) -> None:
    """Run a program without a shell, stdin closed, not for ever.

    Raises:
        OSError: it is not there, failed or took longer than a minute.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_TIMEOUT_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"'{' '.join(argv)}' had not ended after {ANSWER_TIMEOUT_S:g} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"'{' '.join(argv)}' ended with {done.returncode}: {said[-1] if said else 'no reason'}")


def write_attribute(path: Path, data: bytes) -> None:
    """Write an attribute as the kernel wants it: opened for writing, one write, nothing created."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


class LiveSystem:
    """The running host, or a tree that stands for one.

    Args:
        root: what stands for ``/``.
        timeout_s: how long the kernel may take to answer one write.
        settle_s: how long its own work after that may take.
        effect: how an attribute is written.
        run: how modprobe and rmmod are run.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        settle_s: float = SETTLE_TIMEOUT_S,
        effect: Effect = write_attribute,
        run: Run = run_program,
    ) -> None:
        self._root, self._settle_s, self._run = root, settle_s, run
        self._hand = Hand(effect, timeout_s)

    @property
    def label(self) -> str:
        return self._reader.label

    @property
    def _reader(self) -> LiveReader:
        """A new one each time: readers remember where links lead, and here links change."""
        return LiveReader(self._root)

    def read_bytes(self, path: str, limit: int = FILE_LIMIT) -> bytes | None | Unknown:
        return self._reader.read_bytes(path, limit)

    def read_text(self, path: str, limit: int = FILE_LIMIT) -> str | None | Unknown:
        return self._reader.read_text(path, limit)

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        return self._reader.list_dir(path)

    def read_link(self, path: str) -> str | None | Unknown:
        return self._reader.read_link(path)

    def write(self, path: str, text: str) -> None:
        self._hand.write(self._root / path.lstrip("/"), text.encode())

    def load_module(self, module: str) -> None:
        self._run(("modprobe", module))

    def remove_module(self, module: str) -> None:
        self._run(("rmmod", module))

    def settles(self, claim: Callable[[], bool]) -> bool:
        end = time.monotonic() + self._settle_s
        while not claim():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True
