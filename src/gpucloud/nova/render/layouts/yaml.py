"""YAML as layouts write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gpucloud.nova.render.conf import HEADING

Tree: TypeAlias = str | bool | Mapping[str, "Tree"] | Sequence["Tree"]


def render_yaml(tree: Mapping[str, Tree], *remarks: str) -> str:
    """A tree as text, in its order, with remarks in front."""
    import yaml

    heading = "".join(f"# {line}\n" for line in (HEADING, *remarks))
    return heading + yaml.dump(_bare(tree), sort_keys=False, default_flow_style=False, width=1000)


def _bare(tree: Tree) -> object:
    """Plain lists and dictionaries, which YAML's dumper takes."""
    if isinstance(tree, str | bool):
        return tree
    if isinstance(tree, Mapping):
        return {key: _bare(value) for key, value in tree.items()}
    return [_bare(value) for value in tree]
