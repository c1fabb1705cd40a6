"""The four verbs on one host: what the command line, and whoever else, calls.

A `Desk` joins how the host is read, how it is changed and where that is noted. Every method takes the lock,
reads the host again and lets every guard speak before it changes anything. Those that go on with what the
journal holds look into it before, too: where it holds nothing for them, no folder is made for the lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gpucloud.model.change import Cut
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import HERE, Host
from gpucloud.model.plan import Layout, Licence, Plan, Software
from gpucloud.model.spec import Spec
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.adopt import SpecFile, plan_adoption, read_files_by_hand
from gpucloud.prepare.apply import apply, refuse_unfinished, refuse_waiting, resume, unfindable
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.forget import forget_starts
from gpucloud.prepare.guard import (
    OLD_STARTED,
    RESTART,
    Kept,
    Start,
    close_ended,
    has_network,
    keep,
    look_at_start,
    not_there,
    wrong_at_start,
)
from gpucloud.prepare.journal import Entry, Journal, Status
from gpucloud.prepare.kernel import read_boot
from gpucloud.prepare.layout.plan import plan_cut
from gpucloud.prepare.layout.shared import is_news, refuse_cut_by_layout, refuse_cut_by_spec, type_names_in
from gpucloud.prepare.plan import choose_units, plan_passthrough, recheck
from gpucloud.prepare.software.licence import plan_licence
from gpucloud.prepare.software.plan import plan_software
from gpucloud.prepare.steps import preview
from gpucloud.prepare.system import LiveSystem, System
from gpucloud.prepare.takeback import Outcome, Watch
from gpucloud.prepare.trial import is_armed, is_old_start, on_trial, trust, turn_back, turning_back, waiting
from gpucloud.prepare.undo import choose_entry, done_later, left_by_start, release_kept, undo_entry
from gpucloud.prepare.verify import THIS_START, Mismatch, spoken_for, verify
from gpucloud.spec import parse_spec

_QUIET = Watch()
_PATIENCE_S = 600.0
"""Seconds that a start waits for another run to end: it comes while nobody is there to say it again."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One host, its reader, its writer and its journal."""

    read_host: Callable[[], Host]
    system: System
    journal: Journal

    def plan(self, names: Sequence[str], *, force: bool) -> Plan:
        """Plan for the units at these addresses.

        Raises:
            Failure: a name is no GPU of this host, or a driver is stuck that would keep us waiting, too.
        """
        for entry in self._unfinished():
            refuse_waiting(entry, self.system)
        host = self.read_host()
        return plan_passthrough(host, choose_units(host, names), force=force)

    def plan_start(self, spec: Spec, host_name: str | Unknown, *, force: bool) -> Plan:
        """Plan what the host's next start needs.

        Raises:
            Failure: the spec contradicts itself on this host, or needs the host's name, or an applied layout
                has cut a card that the spec cuts.
        """
        files = read_boot_files(self.system, self.system.look)
        host = self.read_host()
        refuse_cut_by_layout(spec, host_name, self.journal, host)
        plan = plan_boot(host, files, spec, host_name, force=force)
        return replace(plan, is_news=is_news(plan, self.journal, host))

    def plan_adoption(self, spec: str, host_name: str | Unknown, *, force: bool) -> Plan:
        """Plan that the spec at this absolute path says what was set up by hand, and nothing else does.

        Raises:
            Failure: as ``plan_start``, or the spec cannot be read.
        """
        found = read_files_by_hand(self.system, self.system.look)
        file = SpecFile(spec, self.system.look(spec))
        return plan_adoption(self.read_host(), found, file, host_name, force=force)

    def plan_cut(self, layout: Layout) -> Plan:
        """Plan that cards are cut as a layout says.

        Raises:
            Failure: as ``prepare.layout.plan_cut``, or the applied spec cuts one of the cards.
        """
        host = self.read_host()
        plan = plan_cut(host, self.system, layout, type_names_in(self.journal))
        refuse_cut_by_spec(plan, self.journal, host)
        return plan

    def plan_software(self, software: Software) -> Plan:
        """Plan that a package of NVIDIA's vGPU manager is installed.

        Raises:
            Failure: as ``prepare.software.plan.plan_software``.
        """
        return plan_software(self.read_host(), self.system, software)

    def plan_licence(self, licence: Licence) -> Plan:
        """Plan where this machine, a guest, gets its licence from.

        Raises:
            Failure: as ``prepare.software.licence.plan_licence``.
        """
        return plan_licence(HERE, self.system, licence)

    def apply(self, plan: Plan, watch: Watch = _QUIET) -> Outcome | None:
        """Carry out the plan that was shown, if it is still the plan; None where there is nothing to do.

        Raises:
            Failure: the host has changed since, an earlier plan is unfinished, another run has the lock, or
                the next start would look for gpucloud in vain.
        """
        with self.journal.lock():
            refuse_unfinished(self.journal)
            fresh = self._recheck(plan)
            if fresh.is_empty:
                return None
            if (why := unfindable(fresh, self.system)) is not None:
                raise why
            return apply(fresh, self.system, self.journal, watch)

    def resume(self, watch: Watch = _QUIET) -> Outcome:
        """Carry on with the plan that was cut off.

        Raises:
            Failure: there is none, it cannot be carried on with, or a guard has something against it now.
        """
        self._cut_off()
        with self.journal.lock():
            entry = self._cut_off()
            self._guard(entry)
            return resume(entry, self.system, watch)

    def keep(self, watch: Watch = _QUIET) -> Kept | None:
        """Have the running host as the applied spec wants it, as every start does; None: no spec is applied.

        What ended with earlier starts, also where the power cut it off, is closed in the journal first.

        Raises:
            Failure: the spec contradicts itself on this host.
        """
        if not self.journal.entries():
            return None
        with self.journal.lock(_PATIENCE_S):
            close_ended(self.journal, self.system, self.read_host)
            forget_starts(self.journal)
            return keep(self.journal, self.system, self.read_host, watch)

    def turn_back(self, watch: Watch = _QUIET) -> tuple[Start, Outcome] | None:
        """Go on with a way back, or begin it where the boot loader took the old entry; None: neither.

        Raises:
            Failure: what is not right cannot be taken back.
        """
        if not self.journal.entries():
            return None
        with self.journal.lock(_PATIENCE_S):
            entries = turning_back(self.journal)
            if not entries and is_old_start(self.system):
                entries = waiting(self.journal)
            if not entries or entries[-1].read_stored().boot == read_boot(self.system):
                return None
            plan = entries[-1].read_stored().plan
            start = Start(entries[-1].id, (OLD_STARTED,), has_network(plan, self.system))
            return start, self._take_back(entries, start, watch)

    def look_at_start(self, watch: Watch = _QUIET) -> tuple[Start, Outcome | None] | None:
        """Look whether this start is as planned, and take the plan back if not; None: nothing waits for it.

        Where the host cannot be reached, it is started again with what was brought back.

        Raises:
            Failure: what is not right cannot be taken back, or something is unfinished.
        """
        if not self.journal.entries():
            return None
        with self.journal.lock(_PATIENCE_S):
            refuse_unfinished(self.journal)
            entries = on_trial(self.journal)
            start = look_at_start(entries, self.system, self.read_host) if entries else None
            if start is None:
                return None
            if start.wrong:
                return start, self._take_back(entries, start, watch)
            trust(entries, self.system)
            return start, None

    def _take_back(self, entries: Sequence[Entry], start: Start, watch: Watch) -> Outcome:
        outcome = turn_back(entries, "; ".join(start.wrong), self.system, self.read_host, watch)
        is_old_next = is_armed(entries, self.system) and not is_old_start(self.system)
        if not start.has_network and (is_old_next or not outcome.left):
            self.system.run_tool(RESTART)
        return outcome

    def confirm(self) -> str:
        """Say that the host starts as it should; gives the entries that are not taken back by themselves.

        Raises:
            Failure: nothing waits for it, or the boot loader cannot be told.
        """
        self._on_trial()
        with self.journal.lock():
            entries = self._on_trial()
            trust(entries, self.system)
            return ", ".join(entry.id for entry in entries)

    def undo(self, name: str, *, force: bool, watch: Watch = _QUIET) -> Outcome:
        """Take an entry back, and what earlier undos had to leave for its sake.

        Raises:
            Failure: there is no such entry, or it cannot be taken back now; nothing was touched.
        """
        choose_entry(self.journal, name)
        with self.journal.lock():
            entry = choose_entry(self.journal, name)
            later = done_later(self.journal, entry)
            outcome = undo_entry(entry, self.system, self.read_host, force=force, watch=watch, later=later)
            if not outcome.left:
                release_kept(self.journal, self.system, entry.id, watch)
                kept = left_by_start(self.journal, self.system, entry)
                return replace(outcome, kept=(*outcome.kept, *kept))
            return outcome

    def last_cut(self) -> str:
        """The entry of the last layout that is not undone.

        Raises:
            Failure: there is none.
        """
        for entry in reversed(self.journal.entries()):
            is_cut = entry.read_stored().plan.layout is not None
            if is_cut and entry.read_progress().status != Status.UNDONE:
                return entry.id
        raise Failure("no layout is applied here, so there is none to take back", "see gpucloud undo --list")

    def verify(self, name: str | None) -> tuple[Mismatch, ...]:
        """What is not as an applied plan left it: of one entry, or of all that are applied.

        Raises:
            Failure: nothing is applied, or there is no such entry.
        """
        if name:
            return self._verify(self.journal.entry(name))
        found: list[Mismatch] = []
        later: set[str] = set()
        for entry in reversed(self._applied()):
            found[:0] = (each for each in self._verify(entry) if each.path not in later)
            later |= spoken_for(entry.read_stored().plan)
        return tuple(found)

    def verify_units(self, names: Sequence[str]) -> tuple[Mismatch, ...]:
        """What keeps these units from being ready for guests."""
        plan = self.plan(names, force=True)
        refused = (
            Mismatch(f"GPU {refusal.unit.short if refusal.unit else 'any'}", "ready for guests", refusal.why)
            for refusal in plan.refusals
        )
        changes = (preview(step.change) for step in plan.steps)
        missing = (Mismatch(each.path, each.after or "(none)", each.before or "(none)") for each in changes)
        return (*refused, *missing)

    def _recheck(self, plan: Plan) -> Plan:
        """The plan made now; where that is another one, it is said of which host the plan was made."""
        try:
            return recheck(plan, self._again(plan))
        except Failure as failure:
            if plan.host == HERE:
                raise
            what = f"{failure.what} (the plan was made for {plan.host})"
            raise Failure(what, failure.then, code=failure.code) from failure

    def _again(self, plan: Plan) -> Plan:
        """What the wishes of a plan come to on the host as it is now."""
        if plan.layout is not None:
            return self.plan_cut(plan.layout)
        if plan.software is not None:
            return self.plan_software(plan.software)
        if plan.licence is not None:
            return self.plan_licence(plan.licence)
        if plan.wanted is not None:
            name = plan.wanted.host_name or Unknown("the plan was made without it")
            if plan.wanted.adopted is not None:
                return self.plan_adoption(plan.wanted.adopted.spec_path, name, force=plan.is_forced)
            spec = parse_spec(plan.wanted.spec, "the spec in the plan")
            return self.plan_start(spec, name, force=plan.is_forced)
        host = self.read_host()
        return plan_passthrough(
            host, choose_units(host, [str(address) for address in plan.units]), force=plan.is_forced
        )

    def _cut_off(self) -> Entry:
        for entry in self.journal.unfinished():
            return entry
        raise Failure("no plan was cut off here", "see gpucloud undo --list")

    def _on_trial(self) -> Sequence[Entry]:
        entries = on_trial(self.journal)
        if not entries:
            raise Failure("nothing waits to be confirmed", "see gpucloud undo --list")
        return entries

    def _unfinished(self) -> Sequence[Entry]:
        """Planning only looks: a journal that this user may not read does not stand in the way."""
        try:
            return self.journal.unfinished()
        except Failure:
            return ()

    def _guard(self, entry: Entry) -> None:
        """Let every guard look at the host as the cut left it; none speaks of slices, or of software."""
        cut = entry.read_stored().plan
        if any(isinstance(step.change, Cut) for step in cut.steps) or cut.software or cut.licence:
            return
        for refusal in self._again(cut).refusals:
            raise Failure(refusal.why, f"{refusal.instead}; or take it back: gpucloud undo {entry.id}")

    def _applied(self) -> list[Entry]:
        """Entries that stand; what a start has had again is judged by the layout or the spec that has it."""
        entries = [
            entry
            for entry in self.journal.entries()
            if entry.read_progress().status == Status.APPLIED and not entry.read_stored().plan.is_of_a_start
        ]
        if not entries:
            raise Failure("nothing is applied here", "name a GPU: gpucloud verify --unit 3b:00.0")
        return entries

    def _verify(self, entry: Entry) -> tuple[Mismatch, ...]:
        stored, status = entry.read_stored(), entry.read_progress().status
        if status != Status.APPLIED:
            return (Mismatch(f"journal entry {entry.id}", Status.APPLIED.value, status.value),)
        is_kept = stored.plan.outlives_boot or stored.plan.layout is not None
        if stored.boot != read_boot(self.system) and not is_kept:
            seen = "the host was restarted since, and bindings do not outlive that: gpucloud apply again"
            return (Mismatch(f"journal entry {entry.id}", "applied in this boot", seen),)
        mismatches = verify(stored.plan, self.system)
        if stored.boot == read_boot(self.system) or not stored.plan.outlives_boot:
            return mismatches
        host = self.read_host()
        wrong = [*wrong_at_start(stored.plan, host, self.system), *not_there(stored.plan, host, self.system)]
        return (*mismatches, *(Mismatch(THIS_START, "as planned", line) for line in wrong))


def open_desk(state: Path) -> Desk:
    """This host, with its journal below ``state``."""
    from gpucloud.inventory import open_host

    return Desk(open_host, LiveSystem(), Journal(state, time.time))


def conclude(outcome: Outcome) -> None:
    """Say by its exit code how it ended; nothing where all went well.

    Raises:
        Failure: with 5, the plan failed and everything was taken back; with 6, something could not be.
    """
    began = f"{outcome.failure}; " if outcome.failure else ""
    if outcome.left:
        raise Failure(
            f"{began}{len(outcome.left)} of its changes could not be taken back: {'; '.join(outcome.left)}",
            f"put right what is named, then: gpucloud undo {outcome.entry}",
            code=Exit.UNDO_FAILED,
        )
    if outcome.failure:
        raise Failure(
            f"{began}everything was taken back and the host is as before",
            f"the journal has it: entry {outcome.entry}",
            code=Exit.UNDONE,
        )
