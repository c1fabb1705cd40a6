"""A fake host with all that changes it: what most tests start from."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.prepare.fake_host import DirectSystem, Function, build, host_of, picture
from tests.prepare.fake_kernel import FakeKernel

from gpucloud.model.host import Host
from gpucloud.model.plan import Plan
from gpucloud.prepare.desk import Desk
from gpucloud.prepare.journal import Journal
from gpucloud.prepare.journal.disk import Disk
from gpucloud.prepare.system import System
from gpucloud.prepare.takeback import Outcome, Watch


@dataclass
class Site:
    """A fake host, its journal beside it, and a clock that counts calls."""

    kernel: FakeKernel
    state: Path
    disk: Disk | None = None
    wrap: Callable[[System], System] = lambda system: system
    ticks: list[None] = field(default_factory=list)

    def clock(self) -> float:
        self.ticks.append(None)
        return float(len(self.ticks))

    @property
    def root(self) -> Path:
        return self.kernel.root

    @property
    def journal(self) -> Journal:
        return Journal(self.state, self.clock, self.disk)

    @property
    def system(self) -> System:
        return self.wrap(DirectSystem(self.kernel))

    @property
    def desk(self) -> Desk:
        return Desk(self.host, self.system, self.journal)

    def host(self) -> Host:
        return host_of(self.kernel)

    def plan(self, *names: str, force: bool = False) -> Plan:
        return self.desk.plan(names, force=force)

    def apply(self, *names: str, force: bool = False, watch: Watch | None = None) -> Outcome | None:
        return self.desk.apply(self.plan(*names, force=force), watch or Watch())

    def picture(self) -> dict[str, str]:
        return picture(self.root)


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """An empty folder, in memory where there is such a place."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def site_in(folder: Path, functions: Sequence[Function], *, loaded: Sequence[str] = ()) -> Site:
    """A site in an empty folder."""
    return Site(build(folder / "root", functions, loaded=loaded), folder / "state")
