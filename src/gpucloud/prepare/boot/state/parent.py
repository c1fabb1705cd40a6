"""Parents of mediated devices that are no PCI functions, and what a pool wants of them at a start.

Nothing comes before their types: no virtual functions, no MIG mode, no IOMMU (drivers/vfio/vfio_main.c,
``vfio_register_emulated_iommu_dev``). A parent is there as soon as its driver is loaded, which is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.model.change import MakeMdev
from gpucloud.model.host import Host
from gpucloud.model.pci import MdevParent, ParentName, VgpuType
from gpucloud.model.plan import Step, Taken
from gpucloud.model.spec import Pool, Spec
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.card import Todo
from gpucloud.prepare.boot.state.now import Now
from gpucloud.prepare.boot.wanted import parents_of
from gpucloud.slices.name import mdev_name
from gpucloud.spec.choose import is_on

_MOST = 64
"""Mediated devices of one parent: more than any sample driver makes (samples/vfio-mdev)."""
_SHOWN = 8
_ABSENT = "there is no such parent of mediated devices: its driver is not loaded"


@dataclass(frozen=True, slots=True)
class Beside:
    """A parent with its pool."""

    parent: MdevParent
    pool: Pool
    now: Now
    is_anew: bool
    """It is seen as after a start: without mediated devices."""
    host_name: str | None = None
    """What the spec calls its host; None: it is not known."""


def parents_at_start(host: Host, spec: Spec, host_name: str | Unknown) -> Iterator[tuple[ParentName, Todo]]:
    """What a start makes of parents, as far as the host shows it now; errors as of ``pool_of``."""
    for each in _beside(host, spec, host_name, Now(), is_anew=True):
        yield each.parent.name, _plan(each, spec)


def parents_now(
    host: Host, spec: Spec, host_name: str | Unknown, now: Now, taken: Sequence[Taken]
) -> Iterator[tuple[ParentName, Todo]]:
    """What is to be done about them now, and why not more; errors as of ``pool_of``.

    Args:
        host: the host.
        spec: what is wanted of it.
        host_name: what the spec calls it.
        now: what is made already.
        taken: what pools took when the plan was made: what is not there yet may come.
    """
    there = {each.parent.name: each for each in _beside(host, spec, host_name, now, is_anew=False)}
    for name, each in there.items():
        yield name, _plan(each, spec)
    why = host.mdev_parents.why if isinstance(host.mdev_parents, Unknown) else _ABSENT
    for name in (unit for pool in taken for unit in pool.units if isinstance(unit, ParentName)):
        if name not in there:
            yield name, Todo(missing=[why])


def parents_unfit(host: Host, spec: Spec, host_name: str | Unknown) -> Iterator[str]:
    """What a start may not bring of what pools want of parents, one line each; errors as of ``pool_of``."""
    there = host.mdev_parents
    names = None if isinstance(there, Unknown) else {parent.name for parent in there}
    for pool, parent in _named(spec, host_name):
        if isinstance(there, Unknown):
            yield f"{parent}, pool {pool.name}: whether it is there is not known ({there.why})"
        elif names is not None and parent not in names:
            yield f"{parent}, pool {pool.name}: {_ABSENT}: load it, then plan again"
    for each in _beside(host, spec, host_name, Now(), is_anew=True):
        missing = _plan(each, spec).lacks if each.pool.vgpu_types else ["no vgpu_types are named"]
        yield from (f"{each.parent.name}, pool {each.pool.name}: {why}" for why in missing)


def _named(spec: Spec, host_name: str | Unknown) -> Iterator[tuple[Pool, ParentName]]:
    """Parents that pools name for this host, whether it has them or not."""
    for pool in spec.pools:
        if not pool.hosts or (isinstance(host_name, str) and is_on(spec, pool, host_name)):
            yield from ((pool, parent) for match in pool.matches for parent in match.parents)


def _beside(host: Host, spec: Spec, host_name: str | Unknown, now: Now, *, is_anew: bool) -> Iterator[Beside]:
    known = None if isinstance(host_name, Unknown) else host_name
    for name, parents in parents_of(host, spec, host_name).items():
        pool = spec.pool(name)
        if pool is not None:
            yield from (Beside(parent, pool, now, is_anew, known) for parent in parents)


def _plan(each: Beside, spec: Spec) -> Todo:
    """As many of the type as the parent has room for; none where nova makes them, but the type is there."""
    if not each.pool.vgpu_types:
        return Todo()
    kind = _kind(each)
    if isinstance(kind, str):
        return Todo(never=[kind]) if isinstance(each.parent.types, tuple) else Todo(missing=[kind])
    if spec.openstack is not None:
        return Todo()
    if isinstance(kind.available, Unknown):
        return Todo(missing=[kind.available.why])
    names = [mdev_name(each.host_name, each.parent.name, kind.id, index) for index in range(_MOST)]
    new = [name for name in names if name not in each.now.mdevs][: _room(each, kind, names)]
    because = f"pool {each.pool.name} is cut into vGPUs: {each.parent.name}"
    changes = (MakeMdev(address=each.parent.name, type=kind.id, uuid=name) for name in new)
    return Todo([Step(change, because, None) for change in changes])


def _kind(each: Beside) -> VgpuType | str:
    """The type that the pool wants, or why it cannot be had."""
    types, wanted = each.parent.types, each.pool.vgpu_types[0].type
    if isinstance(types, Unknown):
        return types.why
    found = next((kind for kind in types if wanted in (kind.id, kind.name)), None)
    shown = ", ".join(f"{kind.id} ({kind.name})" if kind.name else kind.id for kind in types[:_SHOWN])
    return found or f"it offers no vGPU type {wanted!r}, but {shown or 'none at all'}"


def _room(each: Beside, kind: VgpuType, names: Sequence[str]) -> int:
    """How many more: what the parent takes, and no more than the pool says with those of others."""
    free = kind.available if isinstance(kind.available, int) else 0
    limit = each.pool.vgpu_types[0].max_instances
    if limit is None:
        return free
    made = () if each.is_anew or isinstance(each.parent.mdevs, Unknown) else each.parent.mdevs
    others = sum(mdev.type == kind.id and mdev.name not in names for mdev in made)
    return max(0, min(free, limit - others - sum(name in each.now.mdevs for name in names)))
