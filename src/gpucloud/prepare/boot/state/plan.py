"""What a spec wants of the running host at every start: virtual functions made, cards with VFIO.

The early script has bound the cards that were there; a card that came later (behind VMD, or plugged in) is
bound here. NVIDIA's virtual functions are made by its own tool only: writing ``sriov_numvfs`` is refused by
its driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gpucloud.model.gpu import GpuUnit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciId, Sriov
from gpucloud.model.plan import Plan, SetVfs, Step
from gpucloud.model.spec import Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.wanted import pools_of
from gpucloud.prepare.plan.passthrough import plan_passthrough
from gpucloud.prepare.plan.vfio import is_ready
from gpucloud.prepare.plan.wording import call_unit

_NVIDIA = 0x10DE


@dataclass(frozen=True, slots=True)
class State:
    """What can be done now, and what cannot."""

    plan: Plan
    """Without refusals; empty where all is as wanted."""
    missing: tuple[str, ...]
    """Units that cannot be as wanted, one line each."""


def plan_state(host: Host, spec: Spec, host_name: str | Unknown) -> State:
    """Steps that give each unit what its pool wants of the running host.

    Raises:
        Failure: as ``pool_of``.
    """
    pools = pools_of(host, spec, host_name)
    refused = {unit.address: why for unit, why in _refused(host, spec, pools)}
    given = [unit for unit in _of(spec, pools, Use.PASSTHROUGH) if unit.address not in refused]
    plan = plan_passthrough(host, given)
    cut = [(unit, pool) for unit, pool in _with_pool(spec, pools, Use.SRIOV) if unit.address not in refused]
    steps = tuple(step for unit, pool in cut for step in _vfs(unit, pool))
    units = (*plan.units, *(unit.address for unit, _ in cut))
    return State(replace(plan, units=units, steps=(*steps, *plan.steps)), tuple(refused.values()))


def _refused(
    host: Host, spec: Spec, pools: Mapping[str, tuple[GpuUnit, ...]]
) -> Iterator[tuple[GpuUnit, str]]:
    for unit in _of(spec, pools, Use.PASSTHROUGH):
        if not all(map(is_ready, unit.functions)) and (reasons := plan_passthrough(host, [unit]).refusals):
            yield unit, f"{reasons[0].why}; {reasons[0].instead}"
    for unit, pool in _with_pool(spec, pools, Use.SRIOV):
        if (why := _no_vfs(unit, pool)) is not None:
            yield unit, f"{call_unit(unit)}: {why}"


def _no_vfs(unit: GpuUnit, pool: Pool) -> str | None:
    sriov = unit.primary.sriov
    if isinstance(unit.primary.id, PciId) and unit.primary.id.vendor == _NVIDIA:
        return "NVIDIA's virtual functions are made by /usr/lib/nvidia/sriov-manage only"
    if isinstance(sriov, Unknown):
        return f"its virtual functions are not known ({sriov.why})"
    if sriov is None or isinstance(sriov.total, Unknown) or isinstance(sriov.enabled, Unknown):
        return "it has no virtual functions, or they cannot be read"
    if pool.vfs is not None and pool.vfs > sriov.total:
        return f"it can have {sriov.total} virtual functions, not {pool.vfs}"
    return None if unit.primary.driver is not None else "it has no driver that could make virtual functions"


def _vfs(unit: GpuUnit, pool: Pool) -> Iterator[Step]:
    sriov = unit.primary.sriov
    if not isinstance(sriov, Sriov) or isinstance(sriov.enabled, Unknown) or isinstance(sriov.total, Unknown):
        return
    wanted = pool.vfs if pool.vfs is not None else sriov.total
    if sriov.enabled != wanted:
        change = SetVfs(address=unit.address, before=sriov.enabled, after=wanted)
        yield Step(change, f"pool {pool.name} offers virtual functions of {call_unit(unit)}", unit.address)


def _of(spec: Spec, pools: Mapping[str, tuple[GpuUnit, ...]], use: Use) -> list[GpuUnit]:
    return [unit for unit, _ in _with_pool(spec, pools, use)]


def _with_pool(
    spec: Spec, pools: Mapping[str, tuple[GpuUnit, ...]], use: Use
) -> Iterator[tuple[GpuUnit, Pool]]:
    return ((unit, pool) for pool in spec.pools if pool.use is use for unit in pools.get(pool.name, ()))
