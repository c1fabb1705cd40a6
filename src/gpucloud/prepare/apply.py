"""A plan carried out, step by step, each on the disk before it is done; and taken back if one fails."""

from __future__ import annotations

from gpucloud.model.change import RunTool
from gpucloud.model.failure import Failure
from gpucloud.model.plan import Plan
from gpucloud.prepare.boot.own.unit import PROGRAM_FOLDERS, is_program_found
from gpucloud.prepare.journal import Entry, Journal, Kind
from gpucloud.prepare.kernel import name_process, read_boot
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.reach.hand import StillWaitingError
from gpucloud.prepare.steps import NotAsPlannedError, do
from gpucloud.prepare.system import TOOL_FOLDERS, System
from gpucloud.prepare.takeback import Outcome, TakeBack, Watch, function_of, name_error, waiting_of

_QUIET = Watch()


def apply(plan: Plan, system: System, journal: Journal, watch: Watch = _QUIET) -> Outcome:
    """Carry out a plan; the caller holds the journal's lock and has compared the plan with the host.

    Any failure, and a stop, takes back everything that was done. What a start has again is made beside a plan
    that was cut off: the caller leaves what that one changes.

    Raises:
        Failure: an earlier plan is unfinished, or the plan has refusals.
    """
    if not plan.is_of_a_start:
        refuse_unfinished(journal)
    if plan.refusals:
        raise Failure(plan.refusals[0].why, plan.refusals[0].instead)
    entry = journal.create(plan, read_boot(system))
    return _Run(entry, plan, system, watch).go_on(0)


def resume(entry: Entry, system: System, watch: Watch = _QUIET) -> Outcome:
    """Carry on with a plan that was cut off; the caller holds the journal's lock.

    Raises:
        Failure: it was not cut off while it was applied, or not in this boot.
    """
    stored, progress = entry.read_whole()
    if not progress.status.can_go_on:
        raise Failure(
            f"journal entry {entry.id} is {progress.status.value}, so there is nothing to carry on with",
            "see gpucloud undo --list",
        )
    if stored.boot != read_boot(system) and not stored.plan.outlives_boot:
        raise Failure(
            f"journal entry {entry.id} was cut off by a restart, and nothing of it is left",
            f"close it, then plan anew: gpucloud undo {entry.id}",
        )
    refuse_waiting(entry, system)
    entry.mend()
    if stored.boot != read_boot(system):
        entry.note(Kind.RESUMED, boot=read_boot(system))
    return _Run(entry, stored.plan, system, watch).go_on(progress.next_step)


def refuse_unfinished(journal: Journal) -> None:
    """Let nothing new begin on top of something cut off.

    Raises:
        Failure: an entry is unfinished; says how to finish it.
    """
    for entry in journal.unfinished():
        status = entry.read_progress().status
        finish = "finish it: gpucloud apply --resume; or " if status.can_go_on else ""
        raise Failure(
            f"journal entry {entry.id} is unfinished ({status.value})",
            f"{finish}take it back: gpucloud undo {entry.id}",
        )


def refuse_waiting(entry: Entry, system: System) -> None:
    """Touch nothing while the kernel still works on an earlier write.

    Raises:
        Failure: a process of an earlier run still waits in the kernel.
    """
    for waiting in entry.read_progress().waiting:
        pid = waiting.partition(" ")[0]
        if pid.isdigit() and name_process(int(pid), system) == waiting:
            raise Failure(
                f"process {pid} of journal entry {entry.id} still waits for a driver to let go of a function",
                "end what uses the card (fuser -v /dev/nvidia* /dev/dri/* /dev/snd/*) and try again; "
                "if nothing does, only a restart helps",
            )


def unfindable(plan: Plan, system: System) -> Failure | None:
    """Why the next start could not be made, or not look at itself: GRUB would take the old entry after two.

    None: the plan's tools are there, and the unit finds ``gpucloud`` where systemd looks for programs; or the
    plan is for no start.
    """
    if (tool := _missing_tool(plan, system)) is not None:
        return Failure(
            f"{tool} is in none of {', '.join(TOOL_FOLDERS)}, so what is made of the files could not be made",
            "install what it belongs to, then again",
        )
    if not (plan.units and plan.needs_reboot) or is_program_found(system):
        return None
    return Failure(
        f"gpucloud is in none of {', '.join(PROGRAM_FOLDERS)}, so the next start could not look at itself",
        'link it there, then again: sudo ln -s "$(realpath "$(command -v gpucloud)")" /usr/local/bin/',
    )


def _missing_tool(plan: Plan, system: System) -> str | None:
    """A tool of the plan's that is not there: undo would miss it as well, and could not come to its end."""
    tools = dict.fromkeys(step.change.argv[0] for step in plan.steps if isinstance(step.change, RunTool))
    return next((tool for tool in tools if not is_program_found(system, tool, TOOL_FOLDERS)), None)


class _Run:
    """One plan on its way."""

    def __init__(self, entry: Entry, plan: Plan, system: System, watch: Watch) -> None:
        self._entry, self._plan, self._system, self._watch = entry, plan, system, watch

    def go_on(self, first: int) -> Outcome:
        steps = self._plan.steps
        for number in range(first, len(steps)):
            if self._watch.is_stopped():
                return self._give_up(range(number), "interrupted")
            try:
                self._entry.note(Kind.DOING, number)
            except OSError as error:
                return self._give_up(range(number), _no_journal(error))
            self._watch.tell(f"step {number + 1} of {len(steps)}: {call_change(steps[number].change)}")
            try:
                do(steps[number].change, self._system)
            except Exception as error:  # noqa: BLE001 - whatever it was, the host must not stay half-way
                return self._fail(number, error)
        return self._end()

    def _end(self) -> Outcome:
        try:
            self._entry.note(Kind.DONE)
        except OSError as error:
            return self._give_up(range(len(self._plan.steps)), _no_journal(error))
        return Outcome(self._entry.id)

    def _fail(self, number: int, error: Exception) -> Outcome:
        change = self._plan.steps[number].change
        why = f"{call_change(change)}: {name_error(error)}"
        back = self._back()
        back.note(Kind.FAILED, number, why, waiting_of(error, self._system))
        if isinstance(error, NotAsPlannedError):
            back.untouched.add(number)
        if isinstance(error, StillWaitingError) and (address := function_of(change)) is not None:
            back.blocked.add(address)
        return self._give_up(range(number + 1), why, back)

    def _give_up(self, steps: range, why: str, back: TakeBack | None = None) -> Outcome:
        self._watch.tell(f"{why}; taking back what was done")
        return (back or self._back()).take_back(steps, why)

    def _back(self) -> TakeBack:
        return TakeBack(self._entry, self._plan, self._system, self._watch)


def _no_journal(error: OSError) -> str:
    return f"the journal cannot be written: {error.strerror}"
