"""The one way to change a host: attributes of sysfs, modules, files, tools of the distribution, nothing else.

Only ``apply`` and ``undo`` get a `System`. Every write, read and program is bounded in time (see `hand`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gpucloud.inventory.folder import ReadFiles
from gpucloud.inventory.live import LiveReader, patient
from gpucloud.inventory.reader import FILE_LIMIT, HostReader, Reader
from gpucloud.model.change import FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.reach.checkpoint import checkpoint
from gpucloud.prepare.reach.hand import Effect, Hand
from gpucloud.prepare.reach.program import run_bounded
from gpucloud.prepare.reach.tree import Tree

ANSWER_TIMEOUT_S = 60.0
"""A data-centre GPU takes up to ten seconds to be let go; an emulated one on a slow machine longer."""

TOOL_TIMEOUT_S = 1800.0
"""An initramfs for each of several kernels takes minutes on a slow disk."""

TOOL_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where tools of a distribution are."""

SETTLE_TIMEOUT_S = 5.0


class System(Reader, Protocol):
    """A host that can be changed. Paths are absolute, as on the host."""

    def reader(self) -> HostReader:
        """What looks at much of the host as it is now; a new one for each look."""

    def write(self, path: str, text: str) -> None:
        """Write an attribute with one write.

        Raises:
            OSError: the kernel refused, with its errno.
            StillWaitingError: the kernel had not answered in time.
        """

    def load_module(self, module: str, options: Sequence[str] = ()) -> None:
        """Load a module with all that it needs; one that is there already is fine and stays as it is.

        Raises:
            OSError: modprobe refused; its text says why.
        """

    def remove_module(self, module: str) -> None:
        """Remove one module and nothing that it needed.

        Raises:
            OSError: the kernel refused.
        """

    def look(self, path: str) -> FileState | None | Unknown:
        """A file with mode, owner and label; None where it is not there."""

    def put(self, path: str, state: FileState) -> None:
        """Write a file whole; it is on the disk when this returns.

        Raises:
            OSError: the system refused; the file is as before.
        """

    def overwrite(self, path: str, content: str) -> None:
        """Write over a file of the same length where it lies, for which a full disk has room.

        Raises:
            OSError: the system refused, or the lengths differ.
        """

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine.

        Raises:
            OSError: the system refused.
        """

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link.

        Raises:
            OSError: the system refused.
        """

    def unlink(self, path: str) -> None:
        """Remove a symbolic link; one that is not there is fine.

        Raises:
            OSError: the system refused.
        """

    def tidy(self, path: str) -> None:
        """Remove what an interrupted ``put`` left beside a file.

        Raises:
            OSError: the system refused.
        """

    def copy(self, source: str, path: str) -> None:
        """Copy a file of any size whole, for root alone to read; it is on the disk when this returns.

        Raises:
            OSError: the system refused; what was at the path is as before.
        """

    def make_folder(self, path: str) -> None:
        """Make a folder; one that is there is fine.

        Raises:
            OSError: the system refused.
        """

    def remove_folder(self, path: str) -> None:
        """Remove a folder if it is empty."""

    def run_tool(self, argv: Sequence[str]) -> None:
        """Run a tool of the distribution, which may take minutes.

        Raises:
            OSError: it is not there, failed or did not end; its text says why.
        """

    def ask_tool(self, argv: Sequence[str]) -> str:
        """What a tool says that changes nothing.

        Raises:
            OSError: it is not there, failed or did not end.
        """

    def checkpoint(self) -> None:
        """What was written is from now on where a boot loader finds it, also when the power goes.

        Raises:
            OSError: the disk failed, or had not taken all in time.
        """

    def settles(self, claim: Callable[[], bool]) -> bool:
        """Whether the claim is true, or becomes true within the time that the kernel's own work may take."""


Run = Callable[[Sequence[str]], None]
Ask = Callable[[Sequence[str]], str]


def ask_program(argv: Sequence[str], timeout_s: float = ANSWER_TIMEOUT_S) -> str:
    """What a program prints, run without a shell, stdin closed, not for ever.

    Raises:
        OSError: it is not there, failed or took longer than that.
    """
    done = run_bounded(argv, timeout_s, {**os.environ, "LC_ALL": "C", "PATH": _path()})
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"'{' '.join(argv)}' ended with {done.returncode}: {said[-1] if said else 'no reason'}")
    return done.stdout


def run_program(argv: Sequence[str]) -> None:
    """Run a program; errors as of ``ask_program``."""
    ask_program(argv)


def _path() -> str:
    """Where programs are looked for: ``su`` without ``-`` leaves root without the folders of its own."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *TOOL_FOLDERS))


def run_long(argv: Sequence[str]) -> None:
    """Run a program that may take many minutes.

    Raises:
        OSError: as ``run_program``.
    """
    ask_program(argv, TOOL_TIMEOUT_S)


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
        run_tool: how tools of the distribution are run.
        ask: how tools that change nothing are asked.
        write_out: how journals of file systems below a root are written out.
        read_files: how files are read; None: through a child process, none for longer than ``timeout_s``.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        settle_s: float = SETTLE_TIMEOUT_S,
        effect: Effect = write_attribute,
        run: Run = run_program,
        run_tool: Run = run_long,
        ask: Ask = ask_program,
        write_out: Callable[[Path], None] = checkpoint,
        read_files: ReadFiles | None = None,
    ) -> None:
        self._root, self._settle_s, self._run = root, settle_s, run
        self._run_tool, self._ask, self._tree = run_tool, ask, Tree(root)
        self._hand, self._write_out = Hand(effect, timeout_s), write_out
        self._read_files = read_files or patient(root, timeout_s)

    @property
    def label(self) -> str:
        return self.reader().label

    def reader(self) -> LiveReader:
        """A new one each time: readers remember where links lead, and here links change.

        What reads for it is the same: once a file was late, the others have less time.
        """
        return LiveReader(self._root, read_files=self._read_files)

    def read_bytes(self, path: str, limit: int = FILE_LIMIT) -> bytes | None | Unknown:
        return self.reader().read_bytes(path, limit)

    def read_text(self, path: str, limit: int = FILE_LIMIT) -> str | None | Unknown:
        return self.reader().read_text(path, limit)

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        return self.reader().list_dir(path)

    def read_link(self, path: str) -> str | None | Unknown:
        return self.reader().read_link(path)

    def write(self, path: str, text: str) -> None:
        self._hand.write(self._root / path.lstrip("/"), text.encode())

    def load_module(self, module: str, options: Sequence[str] = ()) -> None:
        self._run(("modprobe", module, *options))

    def remove_module(self, module: str) -> None:
        self._run(("rmmod", module))

    def look(self, path: str) -> FileState | None | Unknown:
        return self._tree.look(path)

    def put(self, path: str, state: FileState) -> None:
        self._tree.put(path, state)

    def overwrite(self, path: str, content: str) -> None:
        self._tree.overwrite(path, content)

    def remove(self, path: str) -> None:
        self._tree.remove(path)

    def link(self, path: str, target: str) -> None:
        self._tree.link(path, target)

    def unlink(self, path: str) -> None:
        self._tree.unlink(path)

    def tidy(self, path: str) -> None:
        self._tree.tidy(path)

    def copy(self, source: str, path: str) -> None:
        self._tree.copy(source, path)

    def make_folder(self, path: str) -> None:
        self._tree.make_folder(path)

    def remove_folder(self, path: str) -> None:
        self._tree.remove_folder(path)

    def run_tool(self, argv: Sequence[str]) -> None:
        self._run_tool(argv)

    def ask_tool(self, argv: Sequence[str]) -> str:
        return self._ask(argv)

    def checkpoint(self) -> None:
        self._write_out(self._root)

    def settles(self, claim: Callable[[], bool]) -> bool:
        end = time.monotonic() + self._settle_s
        while not claim():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True
