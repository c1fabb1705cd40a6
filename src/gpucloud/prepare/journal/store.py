"""The journal: every plan that was applied, with what happened to it, under ``/var/lib/gpucloud/journal``.

``journal/ID/plan.json`` is the plan, ``journal/ID/log`` its events, ``journal/ID/edited/`` what somebody else
made of its files before an undo wrote over them. An entry is made beside its place and
renamed into it, so it is there whole or not at all.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plan import Plan
from gpucloud.prepare.journal.disk import Disk, RealDisk
from gpucloud.prepare.journal.lock import only_one
from gpucloud.prepare.journal.log import (
    LOG_LIMIT,
    Event,
    Kind,
    Progress,
    fold,
    parse_log,
    render_event,
    whole_length,
)
from gpucloud.prepare.stored import PLAN_LIMIT, Stored, parse_stored, render_stored

STATE = Path("/var/lib/gpucloud")
_AS_ROOT = "run it as root: sudo gpucloud"
_ELSEWHERE = "look at it, or name another folder with --state"
_ASIDE = "to go on without it, move this folder away:"
_ID = re.compile(r"[0-9]{4,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One plan in the journal."""

    path: Path
    disk: Disk
    clock: Callable[[], float]

    @property
    def id(self) -> str:
        return self.path.name

    def read_stored(self) -> Stored:
        """The plan, and the boot it was applied in, or gone on with where it was cut off.

        Raises:
            Failure: the file is not there or damaged.
        """
        stored = parse_stored(_read(self.path / "plan.json", PLAN_LIMIT), f"journal entry {self.id}")
        resumed = (event for event in self.read_events() if event.kind is Kind.RESUMED)
        boots = [event.boot for event in resumed if event.boot is not None]
        return replace(stored, boot=boots[-1]) if boots else stored

    def undone_in(self) -> str | None:
        """The boot in which it was taken back last; None: it never was, or that was not noted."""
        undone = (event.boot for event in reversed(self.read_events()) if event.kind is Kind.UNDONE)
        return next(undone, None)

    def read_events(self) -> tuple[Event, ...]:
        """What happened so far, oldest first.

        Raises:
            Failure: the log is damaged in the middle.
        """
        path = self.path / "log"
        if not path.exists():
            return ()
        try:
            return parse_log(_read(path, LOG_LIMIT))
        except Failure as failure:
            raise Failure(f"journal entry {self.id}: {failure.what}", f"{_ASIDE} {self.path}") from failure

    def read_progress(self) -> Progress:
        """Where the plan stands."""
        return fold(self.read_events())

    def read_whole(self) -> tuple[Stored, Progress]:
        """The plan and where it stands.

        Raises:
            Failure: one of both is damaged, or the log tells of steps that the plan does not have.
        """
        stored, progress = self.read_stored(), self.read_progress()
        if any(step >= len(stored.plan.steps) for step in (*progress.present, *progress.kept)):
            raise Failure(
                f"journal entry {self.id}: its log does not belong to its plan", f"{_ASIDE} {self.path}"
            )
        return stored, progress

    def note(
        self,
        kind: Kind,
        step: int | None = None,
        why: str | None = None,
        waiting: str | None = None,
        boot: str | None = None,
    ) -> None:
        """Add an event; it is on the disk when this returns."""
        event = Event(round(self.clock(), 3), kind, step, why, waiting, boot)
        self.disk.append(self.path / "log", render_event(event))

    def keep_edited(self, step: int, path: str, text: str) -> Path:
        """Keep what somebody else made of a file that a step wrote; gives where. May be repeated.

        Raises:
            OSError: it cannot be written.
        """
        folder = self.path / "edited"
        name = f"{step + 1}-{PurePosixPath(path).name}"
        making = folder / f"new-{name}"
        self.disk.make_folder(folder)
        making.unlink(missing_ok=True)
        self.disk.create(making, text.encode())
        self.disk.rename(making, folder / name)
        return folder / name

    def mend(self) -> None:
        """Cut off a torn last line, so that what is added next stands on a line of its own."""
        path = self.path / "log"
        log = _read(path, LOG_LIMIT) if path.exists() else b""
        if (length := whole_length(log)) < len(log):
            self.disk.cut(path, length)


class Journal:
    """All entries under one folder, which is made when it is first written to.

    Args:
        state: gpucloud's own folder; the journal is ``state/journal``.
        clock: Unix time in seconds.
        disk: how it is written.
    """

    def __init__(self, state: Path, clock: Callable[[], float], disk: Disk | None = None) -> None:
        self._state, self._clock, self._disk = state, clock, disk or RealDisk()
        self._folder = state / "journal"

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first.

        Raises:
            Failure: the folder cannot be read.
        """
        try:
            names = [path.name for path in self._folder.iterdir() if _ID.fullmatch(path.name)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            what = f"the journal cannot be read: {error.strerror}: {self._folder}"
            raise Failure(what, _then(error)) from error
        return tuple(self._entry(name) for name in sorted(names, key=int))

    def entry(self, id_: str) -> Entry:
        """The entry of that number; leading zeros may be left out.

        Raises:
            Failure: there is none.
        """
        for entry in self.entries():
            if entry.id.lstrip("0") == id_.lstrip("0"):
                return entry
        raise Failure(f"the journal has no entry '{id_[:20]}'", "see gpucloud undo --list", code=Exit.USAGE)

    def unfinished(self) -> tuple[Entry, ...]:
        """Entries that were cut off in the middle, oldest first."""
        return tuple(entry for entry in self.entries() if entry.read_progress().status.is_unfinished)

    def lock(self, patience_s: float = 0.0) -> AbstractContextManager[None]:
        """Keep all others from changing the host.

        Args:
            patience_s: seconds that another process which has the lock is waited for.

        Raises:
            Failure: another process has the lock, or the folder cannot be written.
        """
        with self._writing():
            self._make_folders()
            return only_one(self._state / "lock", patience_s)

    def create(self, plan: Plan, boot: str) -> Entry:
        """Write a new entry for a plan that is about to be applied in this boot.

        Raises:
            Failure: the folder cannot be written.
        """
        used = (int(entry.id) for entry in self.entries())
        name = f"{max(used, default=0) + 1:04d}"
        making = self._folder / f"new-{name}"
        with self._writing():
            self._make_folders()
            for rest in self._folder.glob("new-*"):
                shutil.rmtree(rest)
            self._disk.make_folder(making)
            self._disk.create(making / "plan.json", render_stored(plan, boot))
            self._disk.rename(making, self._folder / name)
        return self._entry(name)

    def forget(self, entry: Entry) -> None:
        """Take an entry away for good; its number is not given again, as long as a later one is there.

        Raises:
            Failure: the folder cannot be written.
        """
        with self._writing():
            gone = self._folder / f"new-{entry.id}"
            self._disk.rename(entry.path, gone)
            shutil.rmtree(gone)

    def _entry(self, name: str) -> Entry:
        return Entry(self._folder / name, self._disk, self._clock)

    def _make_folders(self) -> None:
        self._state.mkdir(parents=True, exist_ok=True)
        self._disk.make_folder(self._folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"the journal cannot be written: {error.strerror}: {error.filename or self._folder}"
            raise Failure(what, _then(error)) from error


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", _then(error)) from error
    if len(data) > limit:
        raise Failure(f"{path} is longer than {limit} bytes", "it is not a file that gpucloud wrote")
    return data


def _then(error: OSError) -> str:
    """What helps: root is asked for only where somebody else may not."""
    return _AS_ROOT if isinstance(error, PermissionError) else _ELSEWHERE
