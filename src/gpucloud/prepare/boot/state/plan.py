"""Which cards a spec wants cut or given away at a start, each with a plan of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.plan import Plan, Step, Taken
from gpucloud.model.spec import Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.absent import absent_cards
from gpucloud.prepare.boot.state.card import Card, Todo
from gpucloud.prepare.boot.state.now import NOTHING, Now, ToCut
from gpucloud.prepare.boot.state.parent import parents_at_start, parents_now
from gpucloud.prepare.boot.state.vfs import plan_vfs
from gpucloud.prepare.boot.state.vgpu import needs_mig, plan_vgpus
from gpucloud.prepare.boot.wanted import pools_of
from gpucloud.prepare.plan.group import has_no_groups
from gpucloud.prepare.plan.passthrough import plan_passthrough
from gpucloud.prepare.plan.vfio import is_ready
from gpucloud.prepare.plan.wording import call_unit


@dataclass(frozen=True, slots=True)
class State:
    """What can be done now, and what cannot."""

    plans: tuple[Plan, ...]
    """None of them empty, none with refusals: one for each that is cut, and one for all that go whole.
    A card that fails leaves the others as they are wanted."""
    refused: tuple[str, ...]
    """Units that cannot go whole as wanted, one line each."""
    uncut: tuple[str, ...]
    """What cannot be cut as wanted, one line each."""
    absent: tuple[str, ...]
    """Cards that are gone since the plan was made, one line each."""
    is_awaited: bool
    """Something of what is missing may still come: a driver, a card; groups do not, where there are none, nor
    what a card has not got."""

    @property
    def missing(self) -> tuple[str, ...]:
        """All that cannot be as wanted, one line each."""
        return self.absent + self.refused + self.uncut


def plan_state(
    host: Host, spec: Spec, host_name: str | Unknown, now: Now = NOTHING, taken: Sequence[Taken] = ()
) -> State:
    """Steps that give each unit what its pool wants of the running host next.

    Args:
        host: the host.
        spec: what is wanted of it.
        host_name: what the spec calls it.
        now: what is made already.
        taken: what pools took when the plan was made.

    Raises:
        Failure: as ``pool_of``.
    """
    pools = pools_of(host, spec, host_name)
    plans, uncut, is_coming = [], [], False
    for card in _cards(host, spec, pools, now, host_name, is_anew=False):
        todo = _todo(card, spec)
        uncut += [f"{call_unit(card.unit)}: {why}" for why in todo.lacks]
        is_coming |= bool(todo.missing)
        if todo.steps:
            plans.append(_plan(host, card.unit, todo))
    for name, todo in parents_now(host, spec, host_name, now, taken):
        uncut += [f"{name}: {why}" for why in todo.lacks]
        is_coming |= bool(todo.missing)
        plans += [replace(plan_passthrough(host, ()), steps=tuple(todo.steps))] if todo.steps else []
    refused = dict(_refused(host, _of(spec, pools, Use.PASSTHROUGH)))
    given = [unit for unit in _of(spec, pools, Use.PASSTHROUGH) if unit not in refused]
    whole = plan_passthrough(host, given)
    plans += [whole] if whole.steps else []
    absent = tuple(absent_cards(host, taken))
    is_awaited = bool(absent or is_coming) or (bool(refused) and not has_no_groups(host))
    return State(tuple(plans), tuple(refused.values()), tuple(uncut), absent, is_awaited)


def steps_at_start(host: Host, spec: Spec, host_name: str | Unknown) -> tuple[Step, ...]:
    """What every start does to cards that are cut, as far as the host shows it now.

    Raises:
        Failure: as ``pool_of``.
    """
    cards = (_todo(card, spec) for card in cards_at_start(host, spec, host_name))
    parents = (todo for _, todo in parents_at_start(host, spec, host_name))
    return tuple(step for todo in (*cards, *parents) for step in todo.steps)


def cards_at_start(host: Host, spec: Spec, host_name: str | Unknown) -> tuple[Card, ...]:
    """Cards that are to be cut, as a start sees them.

    Raises:
        Failure: as ``pool_of``.
    """
    return tuple(_cards(host, spec, pools_of(host, spec, host_name), NOTHING, host_name, is_anew=True))


def cut_units(host: Host, spec: Spec, host_name: str | Unknown) -> ToCut:
    """Units that are cut into vGPUs.

    Raises:
        Failure: as ``pool_of``.
    """
    cards = list(_cards(host, spec, pools_of(host, spec, host_name), NOTHING, host_name, is_anew=False))
    cards = [card for card in cards if card.pool.use is Use.VGPU]
    in_mig = [card.unit for card in cards if card.is_nvidias and needs_mig(card)]
    return ToCut([card.unit for card in cards], in_mig)


def _todo(card: Card, spec: Spec) -> Todo:
    if card.pool.use is Use.SRIOV:
        return plan_vfs(card)
    return plan_vgpus(card, is_novas=spec.openstack is not None)


def _plan(host: Host, unit: GpuUnit, todo: Todo) -> Plan:
    return replace(plan_passthrough(host, ()), units=(unit.address,), steps=tuple(todo.steps))


def _refused(host: Host, units: list[GpuUnit]) -> Iterator[tuple[GpuUnit, str]]:
    for unit in units:
        if not all(map(is_ready, unit.functions)) and (reasons := plan_passthrough(host, [unit]).refusals):
            yield unit, f"{reasons[0].why}; {reasons[0].instead}"


def _cards(
    host: Host,
    spec: Spec,
    pools: Mapping[str, tuple[GpuUnit, ...]],
    now: Now,
    host_name: str | Unknown,
    *,
    is_anew: bool,
) -> Iterator[Card]:
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    for unit, pool in _with_pool(spec, pools, Use.SRIOV, Use.VGPU):
        yield Card(unit, pool, functions, now, is_anew, None if isinstance(host_name, Unknown) else host_name)


def _of(spec: Spec, pools: Mapping[str, tuple[GpuUnit, ...]], use: Use) -> list[GpuUnit]:
    return [unit for unit, _ in _with_pool(spec, pools, use)]


def _with_pool(
    spec: Spec, pools: Mapping[str, tuple[GpuUnit, ...]], *uses: Use
) -> Iterator[tuple[GpuUnit, Pool]]:
    return ((unit, pool) for pool in spec.pools if pool.use in uses for unit in pools.get(pool.name, ()))
