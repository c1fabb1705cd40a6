"""Text into a `Spec`: each value by the schema, then what concerns several values at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Match, Pool, Spec, Use
from gpucloud.spec.error import SpecError
from gpucloud.spec.nodes import Scalar, Table, parse_nodes
from gpucloud.spec.schema import SPEC

_OF_PCI = ("alias", "device_type", "numa_policy", "managed", "one_time_use")

Judge = Callable[[Spec, Table], Iterator[SpecError]]
"""Finds what is wrong with a spec, given with the text's tree for the lines."""


def approve(spec: Spec, root: Table) -> Iterator[SpecError]:
    """Find nothing: a spec that was applied once stays readable, whatever its names stand for now."""
    del spec, root
    return iter(())


def parse_spec(text: str, name: str = "gpucloud.yaml", judge: Judge = approve) -> Spec:
    """Read a spec.

    Args:
        text: YAML.
        name: what errors call the file.
        judge: knows more of what its names stand for than this package does.

    Raises:
        Failure: naming the first line that is wrong, and what would be right. Exit code 2.
    """
    try:
        root = parse_nodes(text)
        if root is None or (isinstance(root, Scalar) and root.is_null):
            return Spec()
        spec = SPEC.read(root, "")
        for error in _contradictions(spec, root):
            raise error
        for error in judge(spec, root) if isinstance(root, Table) else ():
            raise error
    except SpecError as error:
        raise Failure(f"{name}, line {error.line}: {error.what}", error.then, code=Exit.USAGE) from error
    return spec


def _contradictions(spec: Spec, root: object) -> Iterator[SpecError]:
    """What is wrong though each value alone is right."""
    pools = root.entries.get("pools") if isinstance(root, Table) else None
    lines = pools.key_lines if isinstance(pools, Table) else {}
    for pool in spec.pools:
        for what, then in _of_pool(pool):
            yield SpecError(lines.get(pool.name, 1), f"pools.{pool.name}: {what}", then)


def _of_pool(pool: Pool) -> Iterator[tuple[str, str]]:
    if Match() in pool.matches:
        yield (
            "an entry of match has no condition",
            "name a model, ids, address or group; `model: '*'` is every card",
        )
    if any(match.parents for match in pool.matches):
        yield from _of_parents(pool)
    if pool.vgpu_types and pool.use is not Use.VGPU:
        yield f"vgpu_types with use: {pool.use.value}", "leave them out, or write use: vgpu"
    if pool.mig and pool.use is not Use.VGPU:
        yield f"mig with use: {pool.use.value}", "leave it out, or write use: vgpu"
    if pool.vfs is not None and pool.use not in (Use.VGPU, Use.SRIOV):
        yield f"vfs with use: {pool.use.value}", "leave it out, or write use: sriov or use: vgpu"
    if pool.nova.companions and pool.use is not Use.PASSTHROUGH:
        yield f"nova.companions with use: {pool.use.value}", "leave it out: slices have no sound of their own"
    if len([choice for choice in pool.vgpu_types if not choice.addresses]) > 1:
        yield "two vGPU types without address", "say with address which card or VF gets which type"
    if pool.use is Use.HOST and pool.nova.alias is not None:
        yield "nova.alias with use: host", "OpenStack offers nothing that the host keeps: leave it out"


def _of_parents(pool: Pool) -> Iterator[tuple[str, str]]:
    """What a pool of parents says that only cards have."""
    if pool.use is not Use.VGPU:
        yield (
            f"match.parent with use: {pool.use.value}",
            "write use: vgpu: mediated devices alone are made of it",
        )
    if any(replace(match, parents=()) != Match() or not match.parents for match in pool.matches):
        yield "match.parent beside cards", "make a pool of its own for it: it is no PCI function"
    if pool.mig:
        yield "mig with match.parent", "leave it out: it is no card"
    if pool.vfs is not None or any(choice.addresses for choice in pool.vgpu_types):
        yield "vfs or vgpu_types.address with match.parent", "leave them out: it is no PCI function"
    unfit = [key for key in _OF_PCI if getattr(pool.nova, key) is not None]
    if unfit:
        yield f"nova.{unfit[0]} with match.parent", "leave it out: nova reads it of PCI functions alone"
