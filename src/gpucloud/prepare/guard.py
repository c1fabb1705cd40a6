"""The start that follows a change of how the host starts: looked at, and taken back by itself if it is wrong.

What is applied with a restart in mind is armed until a start has shown that it is right, or somebody says so
(``gpucloud confirm``). The unit ``gpucloud-boot.service`` looks at every start. If the groups, a binding or
the network are not there in time, the files and all that is made of them are brought back at once; and where
the network is missing, so that nobody could come and look, the host is started again with them. That can
happen once: what was taken back is not armed. A start that does not get as far as the unit is the boot
loader's to notice (``boot.fallback``): the unit then finds itself in the old entry, and brings files back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.network import has_default_route, read_on_link
from gpucloud.model.change import BindDriver, Cut, MakeMdev
from gpucloud.model.host import Host
from gpucloud.model.pci import Place
from gpucloud.model.plan import Fact, Plan, Wanted
from gpucloud.model.spec import Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot.state import State, cut_units, hands_beside, plan_state, read_hands, read_now
from gpucloud.prepare.boot.wanted import ELSEWHERE, NETWORK, ROUTE
from gpucloud.prepare.journal import Entry, Journal, Status
from gpucloud.prepare.kernel import read_boot
from gpucloud.prepare.layout.kept import keep_cuts, standing_cuts
from gpucloud.prepare.layout.shared import last_wanted
from gpucloud.prepare.plan.group import has_no_groups
from gpucloud.prepare.plan.vfio import is_ready
from gpucloud.prepare.steps import preview
from gpucloud.prepare.system import System
from gpucloud.prepare.takeback import Outcome, Watch
from gpucloud.prepare.undo import undo_entry
from gpucloud.spec import parse_spec, pool_of

WAITS = 24
"""Times that what is missing is waited for, each as long as ``System.settles`` waits (five seconds): a card
behind a slow bridge, an address by DHCP."""
ROUNDS = 300
"""More than a card can have slices: each round makes what the one before has made room for."""
_NO_ROUTE = "there is no default route"
_NO_NETWORK = "the host is not in its network "
RESTART = ("systemctl", "reboot")
OLD_STARTED = "the boot loader has started the old entry: the new start did not come as far as this look"


@dataclass(frozen=True, slots=True)
class Start:
    """What came of one start."""

    entry: str
    wrong: tuple[str, ...]
    """What is not as planned, in words; empty: it is confirmed."""
    has_network: bool
    """Somebody can come and look."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done at this start to have the running host as its spec wants it."""

    outcomes: tuple[Outcome, ...]
    """Of each plan that was carried out; none: all was so already."""
    missing: tuple[str, ...]
    """Units that cannot be as wanted, one line each."""
    beside: tuple[str, ...] = ()
    """What else cuts the same cards, one line each."""


def keep(journal: Journal, system: System, read_host: Callable[[], Host], watch: Watch) -> Kept | None:
    """Do what applied layouts and the last applied spec want of the running host; None: none is applied.

    May be repeated.

    Drivers are waited for. A card whose plan failed is left, and the others are gone on with; so is one that
    an entry has begun with and not ended: whoever goes on with that entry has it as it was left.

    Raises:
        Failure: the journal cannot be written, or the spec contradicts itself on this host.
    """
    begun = _begun(journal)
    standing, wanted = standing_cuts(journal), last_wanted(journal)
    free = tuple(each for each in standing if begun.isdisjoint((each[0], each[1].address)))
    made, lost = keep_cuts(free, journal, system, watch, WAITS)
    if wanted is None:
        return Kept(made, lost) if standing else None
    kept = _keep_spec(wanted, journal, system, read_host, watch, begun)
    return Kept((*made, *kept.outcomes), (*lost, *kept.missing), kept.beside)


def _begun(journal: Journal) -> frozenset[Place]:
    """Cards, and parents that are none, that entries which are not ended change while the host runs."""
    plans = (entry.read_stored().plan for entry in journal.unfinished())
    changes = ((step.unit, step.change) for plan in plans for step in plan.steps)
    cut = ((unit, each.address) for unit, each in changes if isinstance(each, BindDriver | Cut))
    return frozenset(place for places in cut for place in places if place is not None)


def _keep_spec(
    wanted: Wanted,
    journal: Journal,
    system: System,
    read_host: Callable[[], Host],
    watch: Watch,
    begun: frozenset[Place],
) -> Kept:
    def look() -> State:
        return state_of(wanted, read_host(), system)

    outcomes: list[Outcome] = []
    failed: set[Place] = set(begun)
    waits = iter(range(WAITS))
    for _ in range(ROUNDS):
        any(system.settles(lambda: not look().is_awaited) for _ in waits)
        plans = [plan for plan in look().plans if failed.isdisjoint(_places(plan))]
        for plan in plans:
            outcome = apply(replace(plan, is_of_a_start=True), system, journal, watch)
            outcomes.append(outcome)
            failed.update(_places(plan) if outcome.failure else ())
        if not plans:
            break
    spec, name = wanted_of(wanted)
    beside = tuple(hands_beside(read_host(), spec, name, read_hands(system)))
    return Kept(tuple(outcomes), look().missing, beside)


def _places(plan: Plan) -> tuple[Place, ...]:
    """What it changes: its units, and parents that are none."""
    cuts = (step.change for step in plan.steps)
    return (*plan.units, *(each.address for each in cuts if isinstance(each, MakeMdev)))


def wanted_of(wanted: Wanted) -> tuple[Spec, str | Unknown]:
    """The spec that was applied, and what it calls this host."""
    return parse_spec(wanted.spec), wanted.host_name or Unknown("the plan was made without it")


def state_of(wanted: Wanted, host: Host, system: System) -> State:
    """What of the running host is not as an applied spec wants it, and can be had, or cannot.

    Raises:
        Failure: the spec contradicts itself on this host.
    """
    spec, name = wanted_of(wanted)
    now = read_now(host, system, cut_units(host, spec, name))
    return plan_state(host, spec, name, now, wanted.taken)


def close_ended(journal: Journal, system: System, read_host: Callable[[], Host]) -> None:
    """Close entries that changed nothing but an earlier start, however far they came.

    Raises:
        Failure: the journal cannot be written.
    """
    for entry in journal.entries():
        stored, status = entry.read_stored(), entry.read_progress().status
        is_over = stored.boot != read_boot(system) and not stored.plan.outlives_boot
        stands = stored.plan.layout is not None and status is Status.APPLIED  # it is made again
        if is_over and not stands and status is not Status.UNDONE:
            undo_entry(entry, system, read_host, is_start=True)


def look_at_start(
    entries: Sequence[Entry], system: System, read_host: Callable[[], Host], waits: int = WAITS
) -> Start | None:
    """Whether the host has started as these entries' last plan wants it; None: not restarted since.

    What is not there yet is waited for.
    """
    entry = entries[-1]
    stored = entry.read_stored()
    if stored.boot == read_boot(system):
        return None

    def find() -> tuple[str, ...]:
        return tuple(wrong_at_start(stored.plan, read_host(), system))

    any(system.settles(lambda: not _is_awaited(find(), read_host())) for _ in range(waits))
    return Start(entry.id, find(), has_network(stored.plan, system))


def _is_awaited(wrong: Sequence[str], host: Host) -> bool:
    """Without groups no binding can come, but the network can: it decides whether the host starts again."""
    of_network = [each for each in wrong if each.startswith((_NO_ROUTE, _NO_NETWORK))]
    return bool(of_network if has_no_groups(host) else wrong)


def has_network(plan: Plan, reader: Reader) -> bool:
    """Claims a default route where the host had its own when it was planned for, or one of its networks."""
    if has_default_route(reader, of_any_table=Fact(ROUTE, ELSEWHERE) in plan.facts):
        return True
    return len(missing_networks(plan, reader)) < len(networks_of(plan))


def networks_of(plan: Plan) -> tuple[str, ...]:
    """Networks by which a host without a default route was reached when it was planned for."""
    keys = (fact.key for fact in plan.facts if fact.key.startswith(NETWORK) and fact.is_known)
    return tuple(key.removeprefix(NETWORK) for key in keys)


def missing_networks(plan: Plan, reader: Reader) -> tuple[str, ...]:
    """Those of them that the host is not in; what cannot be read is not there."""
    now = read_on_link(reader)
    return tuple(each for each in networks_of(plan) if isinstance(now, Unknown) or each not in now)


def wrong_at_start(plan: Plan, host: Host, reader: Reader) -> Iterator[str]:
    """What this start did not bring of what the plan wants, one line each."""
    if plan.wanted is None:
        return
    groups = host.iommu.groups
    if plan.units and (isinstance(groups, Unknown) or has_no_groups(host)):
        yield "there are no IOMMU groups"
    spec = parse_spec(plan.wanted.spec)
    name = plan.wanted.host_name or Unknown("the plan was made without it")
    for unit in host.units:
        pool = pool_of(spec, name, unit)
        if pool is not None and pool.use is Use.PASSTHROUGH:
            for function in unit.functions:
                if not is_ready(function):
                    driver = function.driver if isinstance(function.driver, str) else "no driver"
                    yield f"{function.address} is with {driver}"
    had_route = any(fact.key == ROUTE and fact.value in ("there", ELSEWHERE) for fact in plan.facts)
    if had_route and not has_network(plan, reader):
        yield _NO_ROUTE
    if not has_default_route(reader, of_any_table=False):
        yield from (f"{_NO_NETWORK}{each}" for each in missing_networks(plan, reader))


def not_there(plan: Plan, host: Host, system: System) -> Iterator[str]:
    """Cards that are gone since a spec was applied, and what it has cut at every start, one line each.

    Raises:
        Failure: as ``state_of``.
    """
    if plan.wanted is not None:
        state = state_of(plan.wanted, host, system)
        yield from (*state.absent, *state.uncut)
        for step in (step for each in state.plans for step in each.steps if isinstance(step.change, Cut)):
            change = preview(step.change)
            yield f"{change.path} is {change.before or '(none)'}, not {change.after or '(none)'}"
