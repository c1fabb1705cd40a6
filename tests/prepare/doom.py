"""Death at a chosen moment: at the n-th thing that is done, everything ends there, as with SIGKILL."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.site import Site

from gpucloud.inventory.reader import FILE_LIMIT, HostReader
from gpucloud.model.change import Content, FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.system import System


class Killed(BaseException):
    """The process is gone."""


def vanish() -> None:
    """End here, in this process: what is under test catches nothing but Exception."""
    raise Killed


def be_killed() -> None:
    """End for real."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Doom:
    """Ends everything at the n-th moment, counted from 0."""

    at: int
    end: Callable[[], None] = vanish
    seen: int = 0

    def moment(self) -> bool:
        """One more moment has come; claims that the next one is the last."""
        if self.seen == self.at:
            self.end()
        self.seen += 1
        return self.seen == self.at


class DoomedDisk(RealDisk):
    """Dies before a write, half-way through it, and after it."""

    def __init__(self, doom: Doom) -> None:
        self._doom = doom

    def make_folder(self, path: Path) -> None:
        self._doom.moment()
        super().make_folder(path)
        self._doom.moment()

    def create(self, path: Path, data: bytes) -> None:
        self._torn(path, data, "wb")
        super().create(path, data)
        self._doom.moment()

    def append(self, path: Path, data: bytes) -> None:
        self._torn(path, data, "ab")
        super().append(path, data)
        self._doom.moment()

    def cut(self, path: Path, length: int) -> None:
        self._doom.moment()
        super().cut(path, length)
        self._doom.moment()

    def rename(self, old: Path, new: Path) -> None:
        self._doom.moment()
        super().rename(old, new)
        self._doom.moment()

    def _torn(self, path: Path, data: bytes, mode: str) -> None:
        """If the next moment is the last, half of the data gets to the disk."""
        if self._doom.moment():
            with path.open(mode) as file:
                file.write(data[: len(data) // 2])
        self._doom.moment()


class DoomedSystem:
    """Dies before an effect and after it."""

    def __init__(self, system: System, doom: Doom) -> None:
        self._system, self._doom = system, doom

    @property
    def label(self) -> str:
        return self._system.label

    def reader(self) -> HostReader:
        return self._system.reader()

    def read_bytes(self, path: str, limit: int = FILE_LIMIT) -> bytes | None | Unknown:
        return self._system.read_bytes(path, limit)

    def read_text(self, path: str, limit: int = FILE_LIMIT) -> str | None | Unknown:
        return self._system.read_text(path, limit)

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        return self._system.list_dir(path)

    def read_link(self, path: str) -> str | None | Unknown:
        return self._system.read_link(path)

    def write(self, path: str, text: str) -> None:
        self._around(lambda: self._system.write(path, text))

    def load_module(self, module: str, options: Sequence[str] = ()) -> None:
        self._around(lambda: self._system.load_module(module, options))

    def remove_module(self, module: str) -> None:
        self._around(lambda: self._system.remove_module(module))

    def look(self, path: str) -> FileState | None | Unknown:
        return self._system.look(path)

    def put(self, path: str, state: FileState) -> None:
        """Half of the file may lie beside its place."""
        if self._doom.moment():
            half = FileState(Content(state.text[: len(state.text) // 2]))
            folder, _, name = path.rpartition("/")
            self._system.put(f"{folder}/.{name}.gpucloud-new", half)
        self._around(lambda: self._system.put(path, state))

    def overwrite(self, path: str, content: str) -> None:
        self._around(lambda: self._system.overwrite(path, content))

    def remove(self, path: str) -> None:
        self._around(lambda: self._system.remove(path))

    def link(self, path: str, target: str) -> None:
        self._around(lambda: self._system.link(path, target))

    def unlink(self, path: str) -> None:
        self._around(lambda: self._system.unlink(path))

    def tidy(self, path: str) -> None:
        self._around(lambda: self._system.tidy(path))

    def copy(self, source: str, path: str) -> None:
        """Half of the copy may lie beside its place."""
        if self._doom.moment():
            folder, _, name = path.rpartition("/")
            self._system.put(f"{folder}/.{name}.gpucloud-new", FileState(Content("half")))
        self._around(lambda: self._system.copy(source, path))

    def make_folder(self, path: str) -> None:
        self._around(lambda: self._system.make_folder(path))

    def remove_folder(self, path: str) -> None:
        self._around(lambda: self._system.remove_folder(path))

    def run_tool(self, argv: Sequence[str]) -> None:
        self._around(lambda: self._system.run_tool(argv))

    def ask_tool(self, argv: Sequence[str]) -> str:
        return self._system.ask_tool(argv)

    def checkpoint(self) -> None:
        self._system.checkpoint()

    def settles(self, claim: Callable[[], bool]) -> bool:
        return self._system.settles(claim)

    def _around(self, effect: Callable[[], None]) -> None:
        self._doom.moment()
        effect()
        self._doom.moment()


def doomed(site: Site, doom: Doom) -> Site:
    """The same host and journal, in the hands of somebody who will die."""
    return Site(site.kernel, site.state, DoomedDisk(doom), lambda system: DoomedSystem(system, doom))


Ends = Callable[[Site, int, Callable[[Site], object]], bool]
"""Does something to a site up to a moment; claims that it ended there."""


def dies(site: Site, at: int, act: Callable[[Site], object]) -> bool:
    """With an exception, in this process: quick, and what is under test could still run a ``finally``."""
    try:
        act(doomed(site, Doom(at)))
    except Killed:
        return True
    return False


def is_killed(site: Site, at: int, act: Callable[[Site], object]) -> bool:
    """The same in a process of its own, which gets SIGKILL: no ``finally`` runs."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act(doomed(site, Doom(at, be_killed)))
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert ended in (0, -signal.SIGKILL), f"at moment {at} it ended by itself, with {ended}"
    return ended != 0
