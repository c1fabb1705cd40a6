"""One card, one memory: what an applied spec cuts is no layout's, and what a layout has cut is no spec's.

Both are had again at every start; two that speak of one card would undo each other there.
"""

from __future__ import annotations

from gpucloud.model.change import MakeMdev, RemoveMdev, SetVgpuType
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import Place
from gpucloud.model.plan import Plan, Wanted
from gpucloud.model.spec import Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.wanted import parents_of, pools_of
from gpucloud.prepare.journal import Journal, Status
from gpucloud.prepare.layout.kept import standing_cuts
from gpucloud.spec import parse_spec

_CUT = (Use.VGPU, Use.SRIOV)


def last_wanted(journal: Journal) -> Wanted | None:
    """The spec of the last plan for the start that is applied."""
    applied = (entry for entry in journal.entries() if entry.read_progress().status is Status.APPLIED)
    plans = [plan for entry in applied if (plan := entry.read_stored().plan).outlives_boot]
    specs = [plan.wanted for plan in plans if plan.wanted is not None]
    return specs[-1] if specs else None


def cuts_wanted(journal: Journal, host: Host) -> dict[Place, str]:
    """Cards, and parents that are none, that the applied spec has cut at every start, and their pools.

    Raises:
        Failure: the journal cannot be read, or the spec contradicts itself on this host.
    """
    wanted = last_wanted(journal)
    if wanted is None:
        return {}
    name = wanted.host_name or Unknown("the plan was made without it")
    return _cut_by(host, parse_spec(wanted.spec), name)


def is_news(plan: Plan, journal: Journal, host: Host) -> bool:
    """Claims that the plan's spec has the host's cards cut otherwise than the applied one, or than none.

    A journal that may not be read tells of none: only who may read it applies a plan.
    """
    if plan.wanted is None:
        return False
    try:
        last = last_wanted(journal)
        before = {} if last is None else _cuts_of(host, last)
    except Failure:
        return True
    return _cuts_of(host, plan.wanted) != before


def _cuts_of(host: Host, wanted: Wanted) -> dict[Place, object]:
    """What starts make of each card, or parent that is none, as far as the spec says."""
    spec = parse_spec(wanted.spec)
    name = wanted.host_name or Unknown("the plan was made without it")
    pools = {pool.name: pool for pool in spec.pools}
    cut = {place: pools[pool] for place, pool in _cut_by(host, spec, name).items()}
    is_novas = spec.openstack is not None
    return {place: (pool.use, pool.vfs, pool.mig, pool.vgpu_types, is_novas) for place, pool in cut.items()}


def refuse_cut_by_spec(plan: Plan, journal: Journal, host: Host) -> None:
    """Leave cards to the applied spec that cuts them.

    Raises:
        Failure: the layout changes one of them.
    """
    wanted = last_wanted(journal) if plan.steps else None
    if wanted is None:
        return
    name = wanted.host_name or Unknown("the plan was made without it")
    cut = _cut_by(host, parse_spec(wanted.spec), name)
    steps = (step.change for step in plan.steps)
    parents = (each.address for each in steps if isinstance(each, MakeMdev | RemoveMdev))
    for unit in dict.fromkeys((*plan.units, *parents)):
        if unit in cut:
            raise Failure(
                f"{unit.short} is in pool {cut[unit]} of the applied spec, which cuts it at every start",
                "write there what it is to be cut into: gpucloud apply --spec FILE",
            )


def refuse_cut_by_layout(spec: Spec, host_name: str | Unknown, journal: Journal, host: Host) -> None:
    """Leave cards to the applied layouts that have cut them.

    Raises:
        Failure: a pool of the spec cuts one of them, too.
    """
    standing = {change.address if unit is None else unit for unit, change in standing_cuts(journal)}
    for unit, pool in _cut_by(host, spec, host_name).items() if standing else ():
        if unit in standing:
            raise Failure(
                f"{unit.short} of pool {pool} is cut by an applied layout, which is had again at every start",
                "take that back first: gpucloud vgpu undo; or take the card out of the pool",
            )


def _cut_by(host: Host, spec: Spec, host_name: str | Unknown) -> dict[Place, str]:
    """Cards, and parents that are none, that the spec cuts, and their pools."""
    uses = {pool.name: pool.use for pool in spec.pools}
    found = pools_of(host, spec, host_name)
    parents = parents_of(host, spec, host_name)
    cut: dict[Place, str] = {each.name: name for name, beside in parents.items() for each in beside}
    cut.update({unit.address: name for name, units in found.items() if uses[name] in _CUT for unit in units})
    return cut


def type_names_in(journal: Journal) -> dict[str, str]:
    """What cards called the types of vGPUs that were ever made here, by number: full cards list none.

    A journal that may not be read tells none: only who may read it applies a plan.
    """
    try:
        steps = [step for entry in journal.entries() for step in entry.read_stored().plan.steps]
    except Failure:
        return {}
    made = (step.change for step in steps if isinstance(step.change, SetVgpuType))
    return {str(each.after): each.name for each in made if each.name is not None}
