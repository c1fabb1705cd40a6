"""One input of pasted evidence, before anything is read into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

NEVER_READ = frozenset({"observations", "workaround_commands", "expected"})
"""Keys that hold what a person concluded: reading them would be copying the answer."""
UNSTRUCTURED = "text"
"""The key of text that was pasted without any."""
MOST_KEYS = 60
"""Keys of one document that are told apart; what stands under further ones is read as one text."""
_DEEPEST = 40
_MOST_LINES = 200_000
"""Entries of lists and maps that are read of one key."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """Texts under keys, as pieces of any size, and what is said of the environment."""

    source: str
    texts: Iterable[tuple[str, Iterable[str]]]
    environment: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What was left out, in words; complete when all texts were read."""


def from_mapping(source: str, document: Mapping[str, object]) -> Pasted:
    """Read a document with the maps ``environment`` and ``evidence``; a document without takes its own keys.

    Maps and lists inside evidence become lines: a flavor's ``{name: value}`` reads as ``name: value``.
    """
    evidence = document.get("evidence", document)
    environment = document.get("environment")
    notes: list[str] = []
    found = list(_texts(evidence, notes))
    texts: list[tuple[str, Iterable[str]]] = [(key, (text,)) for key, text in found[:MOST_KEYS]]
    if len(found) > MOST_KEYS:
        texts.append((UNSTRUCTURED, (f"{text}\n" for _, text in found[MOST_KEYS:])))
    return Pasted(source, texts, dict(_words(environment)), notes)


def from_text(source: str, pieces: Iterable[str]) -> Pasted:
    """Text without structure: every parser looks at every line."""
    return Pasted(source, [(UNSTRUCTURED, pieces)])


def _texts(evidence: object, notes: list[str]) -> Iterator[tuple[str, str]]:
    if isinstance(evidence, Mapping):
        for key, value in evidence.items():
            if str(key) not in NEVER_READ:
                yield str(key), _text(str(key), value, notes)
    elif evidence is not None:
        yield UNSTRUCTURED, _text(UNSTRUCTURED, evidence, notes)


def _text(key: str, value: object, notes: list[str]) -> str:
    lines = _lines(value)
    text = "\n".join(islice(lines, _MOST_LINES))
    if next(lines, None) is not None:
        notes.append(f"{key}: entries after the first {_MOST_LINES}")
    return text


def _lines(value: object, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping | list):
                yield f"{key}:"
                yield from _lines(item, depth + 1)
            else:
                yield f"{key}: {item}"
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _lines(item, depth + 1)
    elif value is not None:
        yield str(value)


def _words(environment: object) -> Iterator[tuple[str, str]]:
    if isinstance(environment, Mapping):
        for key, value in environment.items():
            yield str(key), str(value)[:1000]
