"""Steps taken back, the newest first. What cannot be taken back is gathered, never swallowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gpucloud.model.change import Change, KeepOldStart, OnDisk
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Plan
from gpucloud.prepare.journal import Entry, Kind
from gpucloud.prepare.kernel import name_process, read_boot
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.reach.hand import StillWaitingError
from gpucloud.prepare.steps import StepError, undo
from gpucloud.prepare.steps.on_disk import foreign_on_disk
from gpucloud.prepare.system import System


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told, and who may say stop. Both are asked between steps only."""

    tell: Callable[[str], None] = lambda _: None
    is_stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended."""

    entry: str
    failure: str | None = None
    """Why the plan could not be carried out; None: it was, or it was undo that was asked for."""
    left: tuple[str, ...] = ()
    """What could not be taken back, one line each."""
    kept: tuple[str, ...] = ()
    """What stays on purpose, one line each."""


@dataclass(slots=True)
class TakeBack:
    """Takes steps of one plan back.

    Args:
        entry: where it is noted.
        plan: whose steps they are.
        system: the host.
        watch: who is told.
        force: also where somebody else has changed the same thing since; what they wrote is kept first.
        untouched: steps that were noted and not begun, or are as before already: only noted.
        blocked: functions of which a later step is still there, or that the kernel still works on: touching
            those would wait for ever, too.
    """

    entry: Entry
    plan: Plan
    system: System
    watch: Watch
    force: bool = False
    untouched: set[int] = field(default_factory=set)
    blocked: set[PciAddress] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def take_back(self, steps: Iterable[int], failure: str | None = None) -> Outcome:
        """Take these steps back and note how it ended."""
        for number in sorted(steps, reverse=True):
            self._step(number)
        self.note(Kind.UNDONE, boot=read_boot(self.system))
        return Outcome(self.entry.id, failure, tuple(self.left), tuple(self.kept))

    def _step(self, number: int) -> None:
        change = self.plan.steps[number].change
        address = function_of(change)
        if address in self.blocked:
            self._leave(number, f"{call_change(change)}: left, as a later step of {address} is still there")
            return
        if self.left and isinstance(change, KeepOldStart):
            self._leave(number, "the old boot entry stays, and is what starts, until all else is taken back")
            return
        self.note(Kind.UNDOING, number)
        if number in self.untouched:
            return
        self.watch.tell(f"taking back step {number + 1}: {call_change(change)}")
        removed = None
        try:
            if self.force and isinstance(change, OnDisk):
                removed = self._keep_edited(number, change)
            kept = undo(change, self.system, force=self.force)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other steps are still taken back
            self._leave(number, f"{call_change(change)}: {name_error(error)}", waiting_of(error, self.system))
            if address is not None:
                self.blocked.add(address)
            return
        if removed is not None:
            self._say_kept(f"{removed}, which somebody else has removed since, is as before")
        if kept is not None:
            self.note(Kind.KEPT, number, kept)
            self.kept.append(kept)

    def _keep_edited(self, number: int, change: OnDisk) -> str | None:
        """Keep what somebody else made of what the step wrote, before it is written over.

        Returns:
            The path that somebody else has removed, of which there is nothing to keep.
        """
        foreign = foreign_on_disk(change, self.system)
        if foreign is None:
            return None
        if foreign.text is None:
            return foreign.path
        try:
            kept = self.entry.keep_edited(number, foreign.path, foreign.text)
        except OSError as error:
            why = error.strerror or str(error)
            raise StepError(f"what somebody else made of {foreign.path} cannot be kept: {why}") from error
        self._say_kept(f"what somebody else made of {foreign.path} is kept in {kept}")
        return None

    def _say_kept(self, line: str) -> None:
        self.watch.tell(line)
        self.kept.append(line)

    def _leave(self, number: int, why: str, waiting: str | None = None) -> None:
        self.note(Kind.LEFT, number, why, waiting)
        self.left.append(why)

    def note(
        self,
        kind: Kind,
        step: int | None = None,
        why: str | None = None,
        waiting: str | None = None,
        boot: str | None = None,
    ) -> None:
        """Note it if the disk lets us: the way back is walked also where it cannot be written down.

        What is not noted is looked at again by the next undo, which finds it as before.
        """
        try:
            self.entry.note(kind, step, why, waiting, boot)
        except OSError as error:
            line = (
                f"the journal cannot be written ({error.strerror}): gpucloud undo {self.entry.id} closes it"
            )
            if line not in self.kept:
                self.kept.append(line)


def function_of(change: Change) -> PciAddress | None:
    """The function that a change touches; None where it touches none."""
    return getattr(change, "address", None)


def waiting_of(error: Exception, system: System) -> str | None:
    """The process that the kernel keeps, as the journal names it; None where the error is of another kind."""
    if not isinstance(error, StillWaitingError):
        return None
    return name_process(error.pid, system)


def name_error(error: Exception) -> str:
    """An error as one line: ours speak for themselves, others say what they are."""
    if isinstance(error, StepError | StillWaitingError):
        return str(error)
    return f"{type(error).__name__}: {error}"
