"""A `Spec` as text: what the reader reads back as the same."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from io import StringIO
from typing import TYPE_CHECKING, Any

from gpucloud.model.pci import ParentName, PciId
from gpucloud.model.spec import Spec
from gpucloud.spec.kinds import Many, Named, Record
from gpucloud.spec.schema import SPEC

if TYPE_CHECKING:
    from ruamel.yaml import YAML


def render_spec(spec: Spec) -> str:
    """The text of a new ``gpucloud.yaml``."""
    stream = StringIO()
    make_yaml().dump(plain_of(spec), stream)
    return stream.getvalue()


def make_yaml(value_column: int = 4, dash_column: int = 2) -> YAML:
    """A reader and writer that keeps comments, quotes and the layout of lists."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=value_column, offset=dash_column)
    return yaml


def plain_of(spec: Spec) -> dict[str, Any]:
    """The spec as tables, lists and text by the schema; what was left open is left out."""
    plain: dict[str, Any] = _plain(SPEC, spec)
    return plain


def _plain(kind: object, value: Any) -> Any:
    if isinstance(kind, Record):
        unsaid = {field.name: field.default for field in fields(value)}
        parts = ((key, key.field or key.name) for key in kind.keys)
        filled = {
            key.name: _plain(key.kind, getattr(value, name))
            for key, name in parts
            if getattr(value, name) not in (None, ()) and getattr(value, name) is not unsaid[name]
        }
        return {name: plain for name, plain in filled.items() if plain != {}}
    if isinstance(kind, Named):
        return {
            item.name: _plain(kind.kind, getattr(item, kind.part) if kind.part else item) for item in value
        }
    if isinstance(kind, Many):
        items = [_plain(kind.kind, item) for item in value]
        return items[0] if len(items) == 1 and not isinstance(items[0], dict) else items
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, ParentName | PciId) else value
