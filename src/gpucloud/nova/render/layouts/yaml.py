"""YAML as layouts write it: in their own order, text of several lines as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from gpucloud.nova.render.conf import HEADING

if TYPE_CHECKING:
    import yaml

Tree: TypeAlias = str | bool | Mapping[str, "Tree"] | Sequence["Tree"]


def render_yaml(tree: Mapping[str, Tree], *remarks: str) -> str:
    """A tree as text, with remarks in front."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes everything out: no anchors, no line folded."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

    Dumper.add_representer(str, _text)
    heading = "".join(f"# {line}\n" for line in (HEADING, *remarks))
    return heading + yaml.dump(
        _bare(tree), Dumper=Dumper, sort_keys=False, default_flow_style=False, width=100_000
    )


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _bare(tree: Tree) -> object:
    """Plain lists and dictionaries, which YAML's dumper takes."""
    if isinstance(tree, str | bool):
        return tree
    if isinstance(tree, Mapping):
        return {key: _bare(value) for key, value in tree.items()}
    return [_bare(value) for value in tree]
