"""YAML and JSON into plain maps, lists and texts, as written: nothing is converted, expanded or constructed.

A value stays the text that it is: for YAML 1.1 ``01:00.0`` would be the number 60. The nesting is followed in
a loop and bounded, since PyYAML's own composer overruns the stack of the process. A map that has a key twice
keeps both values; an alias of a map or list is not followed, so that no document grows while it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaml import Event

DOCUMENT_SUFFIXES = (".yaml", ".yml", ".json")
LARGEST_DOCUMENT_CHARACTERS = 32 << 20
_DEEPEST = 100
_MOST_EVENTS = 100_000
"""Values, keys, maps and lists of one YAML document: it takes a third of a second to compose so many."""
_LONGEST_KEY = 200
_HEAD_CHARACTERS = 20_000
_HEADING = re.compile(r"^(?:\{\s*)?[\"']?(?:environment|evidence)[\"']?\s*:", re.MULTILINE)


def looks_like_document(head: str) -> bool:
    """Claims text with the heading of a document of evidence, under whatever name it comes."""
    return _HEADING.search(head[:_HEAD_CHARACTERS]) is not None


def parse_document(text: str, *, is_json: bool) -> Mapping[str, object] | None:
    """The map that a document is; None where it is none, or is broken."""
    parsed = _parse_json(text) if is_json else _parse_yaml(text)
    return parsed if isinstance(parsed, Mapping) else None


def _parse_json(text: str) -> object:
    try:
        return json.loads(
            text, strict=False, object_pairs_hook=_merged, parse_int=str, parse_float=str, parse_constant=str
        )
    except (ValueError, RecursionError):
        return None


def _parse_yaml(text: str) -> object:
    import yaml

    try:
        return _compose(yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except (yaml.YAMLError, _TooMuch):
        return None


class _TooMuch(Exception):  # noqa: N818 - it never leaves this file
    """Deeper or longer than any report, or several documents."""


class _Composer:
    """The events of one document, put together."""

    def __init__(self) -> None:
        self.result: object = None
        self._open: list[tuple[bool, list[object]]] = []
        self._anchors: dict[str, str] = {}

    def open(self, is_map: bool) -> None:
        if len(self._open) >= _DEEPEST:
            raise _TooMuch
        self._open.append((is_map, []))

    def close(self) -> None:
        is_map, parts = self._open.pop()
        self.put(_merged(zip(parts[::2], parts[1::2], strict=False)) if is_map else parts)

    def scalar(self, value: str, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = value
        self.put(value)

    def alias(self, anchor: str) -> None:
        self.put(self._anchors.get(anchor, f"*{anchor}"))

    def put(self, value: object) -> None:
        if self._open:
            self._open[-1][1].append(value)
        elif self.result is not None:
            raise _TooMuch
        else:
            self.result = value


def _compose(events: Iterable[Event]) -> object:
    import yaml

    composer = _Composer()
    for number, event in enumerate(events):
        if number > _MOST_EVENTS:
            raise _TooMuch
        if isinstance(event, yaml.ScalarEvent):
            composer.scalar(event.value, event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            composer.open(isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, yaml.CollectionEndEvent):
            composer.close()
        elif isinstance(event, yaml.AliasEvent):
            composer.alias(event.anchor or "")
    return composer.result


def _merged(pairs: Iterable[tuple[object, object]]) -> dict[str, object]:
    """A map of pairs in which a key may be twice: maps are joined, other values become a list."""
    found: dict[str, object] = {}
    for key, value in pairs:
        name = str(key)[:_LONGEST_KEY]
        found[name] = _both(found[name], value) if name in found else value
    return found


def _both(first: object, second: object) -> object:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return _merged([*first.items(), *second.items()])
    return [*(first if isinstance(first, list) else [first]), second]
