"""Names in a spec that stand for what it has elsewhere: the pools that flavors and quotas ask for."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.spec import Spec
from gpucloud.spec.error import SpecError, suggest
from gpucloud.spec.nodes import Node, Table


def unknown_pools(spec: Spec, root: Table) -> Iterator[SpecError]:
    """Each ``POOL`` or ``POOL/TYPE`` of the section ``publish`` that no pool of the spec is, or is cut into.

    Args:
        spec: what was read.
        root: the text that it was read of, for the lines.
    """
    for where, gpus in _asked(root):
        for name, line in gpus.key_lines.items():
            wrong = _wrong(spec, name)
            if wrong is not None:
                yield SpecError(line, f"{where}: {wrong[0]}", wrong[1])


def _asked(root: Table) -> Iterator[tuple[str, Table]]:
    """Every table ``gpus`` with what errors call it."""
    flavors = _under(root, "publish", "flavors")
    quotas = _under(root, "publish", "quotas")
    projects = _under(quotas, "projects")
    holders = [
        *((f"publish.flavors.{name}.gpus", flavor) for name, flavor in flavors.entries.items()),
        ("publish.quotas.default.gpus", _under(quotas, "default")),
        *((f"publish.quotas.projects.{name}.gpus", quota) for name, quota in projects.entries.items()),
    ]
    for where, holder in holders:
        yield where, _under(holder, "gpus")


def _under(node: Node, *keys: str) -> Table:
    """The table under some keys; an empty one where there is none."""
    for key in keys:
        node = node.entries.get(key, Table(0)) if isinstance(node, Table) else Table(0)
    return node if isinstance(node, Table) else Table(0)


def _wrong(spec: Spec, name: str) -> tuple[str, str] | None:
    said, _, kind = name.partition("/")
    pool = spec.pool(said)
    if pool is None:
        known = [each.name for each in spec.pools]
        return f"there is no pool {said!r}", suggest(said, known) if known else "the file has no pools"
    types = [choice.type for choice in pool.vgpu_types]
    if kind and kind not in types:
        then = suggest(kind, types) if types else "it has no vgpu_types"
        return f"pool {said} has no vGPU type {kind!r}", then
    return None
