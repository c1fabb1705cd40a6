"""YAML text into a tree of text, lists and tables with their lines: nothing guessed, everything bounded.

Scalars stay the text that was written: ``2025.10`` keeps its last digit, and ``12:00`` is no number. Read
event by event: nesting costs no stack, and aliases, by which a few lines can stand for billions, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpucloud.spec.error import SpecError

if TYPE_CHECKING:
    from yaml.events import Event

TEXT_LIMIT = 512 * 1024
"""Characters: several thousand pools."""
_DEPTH_LIMIT = 16
_NODE_LIMIT = 50_000
_QUOTES = ("'", '"', "|", ">")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it was written. ``is_quoted`` keeps ``"null"`` apart from null."""

    line: int
    text: str
    is_quoted: bool = False

    @property
    def is_null(self) -> bool:
        return not self.is_quoted and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(slots=True)
class Items:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Keys with values, in order. No key is there twice."""

    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | Items | Table


def parse_nodes(text: str) -> Node | None:
    """Read one YAML document; None where it is empty.

    Raises:
        SpecError: it is no YAML, too large, or uses what a spec has no need of.
    """
    import yaml

    if len(text) > TEXT_LIMIT:
        raise SpecError(
            1, f"it is longer than {TEXT_LIMIT} characters", "no spec is so long: choose another file"
        )
    builder = _Builder()
    try:
        for event in _events(text):
            builder.hear(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark if error.problem_mark is not None else error.context_mark
        raise SpecError(
            mark.line + 1 if mark is not None else 1, f"it is not YAML: {error.problem}", "correct it"
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        why = getattr(error, "reason", None) or "characters that no text holds"
        raise SpecError(1, f"it is not YAML: {why}", "correct it") from error
    return builder.root


def _events(text: str) -> Iterator[Event]:
    import yaml

    return iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


class _Builder:
    """The tree while it grows."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Items | Table] = []
        self._keys: list[Scalar | None] = []
        self._count = 0
        self._documents = 0

    def hear(self, event: Event) -> None:
        import yaml

        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        match event:
            case yaml.ScalarEvent():
                _refuse_extras(event, line)
                self._put(Scalar(line, event.value, event.style in _QUOTES))
            case yaml.SequenceStartEvent():
                _refuse_extras(event, line)
                self._descend(Items(line))
            case yaml.MappingStartEvent():
                _refuse_extras(event, line)
                self._descend(Table(line))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()
                self._keys.pop()
            case yaml.AliasEvent():
                raise SpecError(line, f"*{event.anchor} refers to another place", "write the value out")
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise SpecError(line, "a second document begins (---)", "keep one document in the file")

    def _descend(self, node: Items | Table) -> None:
        self._put(node)
        self._open.append(node)
        self._keys.append(None)
        if len(self._open) > _DEPTH_LIMIT:
            raise SpecError(node.line, "it is nested too deeply", f"at most {_DEPTH_LIMIT} levels are read")

    def _put(self, node: Node) -> None:
        self._count += 1
        if self._count > _NODE_LIMIT:
            raise SpecError(node.line, f"there are more than {_NODE_LIMIT} values", "divide the file")
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Items):
            parent.items.append(node)
        else:
            self._put_in_table(parent, node)

    def _put_in_table(self, table: Table, node: Node) -> None:
        key = self._keys[-1]
        if key is not None:
            table.entries[key.text] = node
            self._keys[-1] = None
            return
        if not isinstance(node, Scalar):
            raise SpecError(node.line, "a key is a list or a table", "write a word before the colon")
        if node.text in table.entries:
            raise SpecError(
                node.line,
                f"the key {node.text!r} is there twice",
                f"it is already on line {table.key_lines[node.text]}",
            )
        self._keys[-1] = node
        table.key_lines[node.text] = node.line


def _refuse_extras(event: Event, line: int) -> None:
    anchor = getattr(event, "anchor", None)
    if anchor is not None:
        raise SpecError(line, f"&{anchor} names a value for later", "write values out where they are needed")
    tag = getattr(event, "tag", None)
    if tag is not None and tag != "!":
        raise SpecError(line, f"the tag {tag!r} is not read", "leave it out")
