"""An applied plan taken back: the previous drivers, the previous overrides, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gpucloud.model.change import (
    BindDriver,
    Cut,
    LoadModule,
    MakeGpuInstance,
    MakeMdev,
    OnDisk,
    RemoveFile,
    SetMigMode,
    SetMixedSizes,
    SetVfs,
    SetVgpuType,
    SwitchVfs,
    WriteFile,
)
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import Holder, PciAddress
from gpucloud.model.plan import Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.apply import refuse_waiting
from gpucloud.prepare.journal import Entry, Journal, Progress, Status
from gpucloud.prepare.kernel import read_boot
from gpucloud.prepare.layout.ended import is_ended
from gpucloud.prepare.layout.guests import refuse_defined
from gpucloud.prepare.layout.held import refuse_used_mig, users_of_cut
from gpucloud.prepare.plan.holders import how_to_release, name_holders
from gpucloud.prepare.plan.vfio import is_ready
from gpucloud.prepare.reach.hand import StillWaitingError
from gpucloud.prepare.standing import Stand, Standing, look_at, ways_of
from gpucloud.prepare.steps import StepError
from gpucloud.prepare.steps.file import foreign_file
from gpucloud.prepare.steps.slices.users import vfs_there
from gpucloud.prepare.system import System
from gpucloud.prepare.takeback import Outcome, TakeBack, Watch, function_of

ReadHost = Callable[[], Host]
_QUIET = Watch()
_HOLDS_SLICES = SetVfs | SwitchVfs | SetMigMode | SetMixedSizes
_TYPES = SetVgpuType | MakeMdev


@dataclass(frozen=True, slots=True)
class Later:
    """What entries after one have done and not taken back, each with the last of these entries."""

    files: Mapping[str, str] = field(default_factory=dict)
    """That they wrote, by path."""
    cards: Mapping[PciAddress, str] = field(default_factory=dict)
    """That they have cut."""
    typed: Mapping[PciAddress, str] = field(default_factory=dict)
    """Of which they have made mediated devices or virtual functions with a type."""
    functions: Mapping[PciAddress, str] = field(default_factory=dict)
    """That they bound for guests."""


_NOTHING_LATER = Later()


def choose_entry(journal: Journal, name: str) -> Entry:
    """The entry to take back: by its number, or the ``last`` that is not undone, an unfinished one first.

    What a start has had again comes after all that somebody applied: the next start would have it once more.

    Raises:
        Failure: there is none, or it was taken back already.
    """
    if name != "last":
        entry = journal.entry(name)
        _refuse_undone(journal, entry)
        return entry
    standing = [entry for entry in journal.entries() if entry.read_progress().status != Status.UNDONE]
    unfinished = [entry for entry in standing if entry.read_progress().status.is_unfinished]
    applied = [entry for entry in standing if not entry.read_stored().plan.is_of_a_start]
    for entry in reversed(unfinished or applied or standing):
        return entry
    raise Failure("nothing is applied here, so there is nothing to take back", "see gpucloud undo --list")


def find_standing(journal: Journal, name: str) -> Entry | None:
    """As ``choose_entry``, but None where nothing stands, or the entry was taken back already.

    What a start has had again stands for nobody: it goes with that start.

    Raises:
        Failure: there is no entry of that number.
    """
    if name == "last":
        entries = [each for each in journal.entries() if not each.read_stored().plan.is_of_a_start]
    else:
        entries = [journal.entry(name)]
    if all(entry.read_progress().status == Status.UNDONE for entry in entries):
        return None
    return choose_entry(journal, name)


def _refuse_undone(journal: Journal, entry: Entry) -> None:
    """To call an entry taken back a second time would hide that a later one stands on its card."""
    if entry.read_progress().status != Status.UNDONE:
        return
    units = set(entry.read_stored().plan.units)
    standing = [
        later.id
        for later in journal.entries()
        if later.read_progress().status != Status.UNDONE and units & set(later.read_stored().plan.units)
    ]
    at = datetime.fromtimestamp(entry.read_events()[-1].at_s, UTC).isoformat(timespec="seconds")
    what = f"journal entry {entry.id} was taken back already, at {at}: nothing was done"
    if not standing:
        raise Failure(what, "see gpucloud undo --list")
    cards = ", ".join(sorted(address.short for address in units))
    raise Failure(
        f"{what}, and entry {', '.join(standing)} stands on {cards}", f"gpucloud undo {standing[-1]}"
    )


def undo_entry(
    entry: Entry,
    system: System,
    read_host: ReadHost,
    *,
    force: bool = False,
    is_start: bool = False,
    watch: Watch = _QUIET,
    later: Later = _NOTHING_LATER,
) -> Outcome:
    """Take an applied or unfinished plan back; the caller holds the journal's lock.

    Of an entry of an earlier boot only what is on the disk is taken back: all else ended with that boot. What
    an applied layout has cut is made again at every start, and taken back as in its own; where an undo of it
    was begun, what of it is in this boot.

    Args:
        entry: what to take back.
        system: the host.
        read_host: reads the same host: who holds what. Asked only once nothing is stuck: reading what a stuck
            driver keeps locked would be stuck, too.
        force: also what somebody else has changed since; what they made of files is kept in the entry. And
            slices that guests which are off are defined with.
        is_start: a start closes what ended with earlier ones.
        watch: who is told.
        later: what later entries did.

    Raises:
        Failure: a guest or process has one of the functions, a guest that is off is defined with a slice,
            somebody else changed one, or the kernel still works on an earlier write. Nothing was touched.
    """
    stored, progress = entry.read_whole()
    back = TakeBack(entry, stored.plan, system, watch, force=force)
    if not force:
        _refuse_rewritten(entry, stored.plan, progress.present, system, later.files)
        _refuse_cut_since(entry, stored.plan, progress.present, later)
        _refuse_bound_since(entry, stored.plan, progress.present, system, later.functions)
    if stored.boot != read_boot(system):
        back.untouched.update(_ended(stored.plan, progress, system, is_start=is_start))
        if all(_is_on_disk(stored.plan, number) for number in set(progress.present) - back.untouched):
            entry.mend()
            return back.take_back(progress.present)
    refuse_waiting(entry, system)
    stands = _look(stored.plan, system)
    _refuse_changed(entry, stands, progress.status, force=force)
    host = read_host()
    _refuse_held(entry, stands, host)
    cut = sorted(set(progress.present) - back.untouched)
    _refuse_cut_held(entry, stored.plan, cut, host, system)
    if not force and not is_start:
        refuse_defined([stored.plan.steps[number].change for number in cut], system, entry.id)
    entry.mend()
    back.untouched.update(_as_before(stored.plan, stands))
    back.kept.extend(stand.seen for stand in stands if stand.standing == Standing.GONE)
    return back.take_back(progress.present)


def done_later(journal: Journal, entry: Entry) -> Later:
    """What entries after this one did and have not taken back.

    What a start has had again is nobody's, but for what the same start did before it: of virtual functions
    come instances, of instances types.
    """
    mine = entry.read_stored()
    files: dict[str, str] = {}
    cards: dict[PciAddress, str] = {}
    typed: dict[PciAddress, str] = {}
    functions: dict[PciAddress, str] = {}
    for other in (each for each in journal.entries() if each.id > entry.id):
        stored = other.read_stored()
        is_mine = not stored.plan.is_of_a_start or (mine.plan.is_of_a_start and stored.boot == mine.boot)
        if is_mine and other.read_progress().status != Status.UNDONE:
            changes = [step.change for step in stored.plan.steps]
            cut = [
                each for each in stored.plan.steps if each.unit is not None and isinstance(each.change, Cut)
            ]
            files |= {each.path: other.id for each in changes if isinstance(each, WriteFile | RemoveFile)}
            cards |= {each.unit: other.id for each in cut if each.unit is not None}
            typed |= {each.unit: other.id for each in cut if each.unit and isinstance(each.change, _TYPES)}
            functions |= {each.address: other.id for each in changes if isinstance(each, BindDriver)}
    return Later(files, cards, typed, functions)


def left_by_start(journal: Journal, system: System, but: Entry) -> tuple[str, ...]:
    """What this start has had again of a spec that is taken back, in words; nothing where it had nothing."""
    plan, boot = but.read_stored().plan, read_boot(system)
    if plan.wanted is None:
        return ()
    stored = {
        entry.id: entry.read_stored()
        for entry in journal.entries()
        if entry.id != but.id and entry.read_progress().status == Status.APPLIED
    }
    ids = [id_ for id_, each in stored.items() if each.plan.is_of_a_start and each.boot == boot]
    if not ids:
        return ()
    done = f"what this start did of it (entry {', '.join(ids)}) ends with it"
    return (f"{done}, or now, from the last on: gpucloud undo {ids[-1]}",)


def release_kept(journal: Journal, system: System, but: str, watch: Watch = _QUIET) -> None:
    """Remove modules that earlier undos left because another card needed them, where none does any more.

    Args:
        journal: all that was ever done here.
        system: the host.
        but: the entry that was just taken back.
        watch: who is told.
    """
    for entry in journal.entries():
        progress = entry.read_progress()
        if entry.id != but and progress.status == Status.UNDONE and progress.kept:
            stored, _ = entry.read_whole()
            steps = [n for n in progress.kept if isinstance(stored.plan.steps[n].change, LoadModule)]
            if steps and stored.boot == read_boot(system):
                TakeBack(entry, stored.plan, system, watch).take_back(steps)


def _look(plan: Plan, system: System) -> tuple[Stand, ...]:
    try:
        return tuple(look_at(way, system) for way in ways_of(plan))
    except (StepError, StillWaitingError) as error:
        raise Failure(f"the host cannot be looked at: {error}", "nothing was touched; try again") from error


def _ended(plan: Plan, progress: Progress, system: System, *, is_start: bool) -> Iterator[int]:
    """Steps that a restart has taken back; of a layout that was applied, a start has made them again."""
    if plan.layout is not None and progress.status is Status.APPLIED:
        return
    was_made_again = plan.layout is not None and not progress.status.can_go_on
    for number in progress.present:
        change = plan.steps[number].change
        if not isinstance(change, OnDisk) and (
            not was_made_again or is_ended(change, system, is_start=is_start)
        ):
            yield number


def _is_on_disk(plan: Plan, number: int) -> bool:
    return isinstance(plan.steps[number].change, OnDisk)


def _refuse_rewritten(
    entry: Entry, plan: Plan, steps: Sequence[int], system: System, later: Mapping[str, str]
) -> None:
    changes = (plan.steps[number].change for number in steps)
    files = [change for change in changes if isinstance(change, WriteFile | RemoveFile)]
    try:
        foreign = [seen for change in files if (seen := foreign_file(change, system)) is not None]
    except StepError as error:
        raise Failure(str(error), "nothing was touched; try again as root") from error
    # Also where it is as before this entry again: the later one's undo would bring back what this one wrote.
    ours = next((each.path for each in files if each.path in later), None)
    if ours is not None:
        raise Failure(
            f"{ours}, which journal entry {entry.id} wrote, was changed by entry {later[ours]} after it",
            f"nothing was touched; take the later one back first: gpucloud undo {later[ours]}",
        )
    if foreign:
        said = [f"{each.path} is neither as before nor as planned" for each in foreign]
        raise Failure(
            f"somebody else has changed what journal entry {entry.id} wrote: {'; '.join(said)}",
            f"nothing was touched; to keep a copy of that and have the old content back: gpucloud undo "
            f"{entry.id} --force",
        )


def _refuse_cut_since(entry: Entry, plan: Plan, steps: Sequence[int], later: Later) -> None:
    """What was cut later of virtual functions, MIG mode or instances goes with them, by nobody's undo."""
    for step in (plan.steps[number] for number in steps):
        held = later.cards if isinstance(step.change, _HOLDS_SLICES) else {}
        held = later.typed if isinstance(step.change, MakeGpuInstance) else held
        if step.unit is not None and (last := held.get(step.unit)) is not None:
            raise Failure(
                f"journal entry {last} has cut {step.unit.short} after entry {entry.id}, of what that made",
                f"nothing was touched; take the later one back first: gpucloud undo {last}",
            )


def _refuse_bound_since(
    entry: Entry, plan: Plan, steps: Sequence[int], system: System, functions: Mapping[PciAddress, str]
) -> None:
    """A virtual function that a later entry has bound for a guest would go with its card's number of them."""
    changes = (plan.steps[number].change for number in steps)
    cards = [change.address for change in changes if isinstance(change, SetVfs | SwitchVfs)]
    try:
        there = [address for card in cards for address in vfs_there(card, system)] if functions else []
    except StepError as error:
        raise Failure(str(error), "nothing was touched; try again as root") from error
    bound = next((address for address in there if address in functions), None)
    if bound is not None:
        later = functions[bound]
        raise Failure(
            f"journal entry {later} has bound {bound.short}, which entry {entry.id} made, for a guest",
            f"nothing was touched; take the later one back first: gpucloud undo {later}",
        )


def _refuse_changed(entry: Entry, stands: Sequence[Stand], status: Status, *, force: bool) -> None:
    fine = {Standing.BEFORE, Standing.PLANNED, Standing.GONE}
    if status != Status.APPLIED:
        fine.add(Standing.BETWEEN)
    foreign = [stand.seen for stand in stands if stand.standing not in fine]
    if foreign and not force:
        raise Failure(
            f"somebody else has changed what journal entry {entry.id} did: {'; '.join(foreign)}",
            f"nothing was touched; to take it back all the same: gpucloud undo {entry.id} --force",
        )


def _refuse_held(entry: Entry, stands: Sequence[Stand], host: Host) -> None:
    holders: list[Holder] = []
    for stand in stands:
        if stand.standing != Standing.BEFORE:
            holders += _holders(stand, host)
    if holders:
        raise Failure(
            f"journal entry {entry.id} stays for now: its card is in use by {name_holders(holders)}",
            f"first: {how_to_release(holders)}",
        )


def _refuse_cut_held(entry: Entry, plan: Plan, steps: Sequence[int], host: Host, system: System) -> None:
    """A slice that a guest has stays: its driver would wait for the guest without end."""
    changes = [plan.steps[number].change for number in steps]
    for name, users in users_of_cut(changes, host):
        if isinstance(users, Unknown):
            what = f"who uses {name} could not be seen ({users.why})"
            raise Failure(what, "nothing was touched; run it as root: sudo gpucloud undo")
        raise Failure(
            f"journal entry {entry.id} stays for now: {users} uses {name}",
            "nothing was touched; end that first",
        )
    try:
        refuse_used_mig(changes, system)
    except StepError as error:
        raise Failure(f"journal entry {entry.id} stays for now: {error}", "nothing was touched") from error


def _holders(stand: Stand, host: Host) -> Sequence[Holder]:
    """Who has the function open, while it is with VFIO: unbinding waits for them without end."""
    function = None if isinstance(host.functions, Unknown) else host.functions.get(stand.way.address)
    if function is None or not is_ready(function):
        return ()
    if isinstance(function.holders, Unknown):
        raise Failure(
            f"who has {stand.way.address} open could not be seen ({function.holders.why})",
            "run it as root: sudo gpucloud undo",
        )
    return function.holders


def _as_before(plan: Plan, stands: Sequence[Stand]) -> Iterator[int]:
    settled = {stand.way.address for stand in stands if stand.standing in (Standing.BEFORE, Standing.GONE)}
    for number, step in enumerate(plan.steps):
        if function_of(step.change) in settled:
            yield number
