"""A spec that a person wrote, edited: what is wanted changes, comments and all else stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from gpucloud.model.failure import Failure
from gpucloud.model.spec import Spec
from gpucloud.spec.read import parse_spec
from gpucloud.spec.write import make_yaml, plain_of, render_spec

_DASH = re.compile(r"- {1,4}(?=\S)")


def edit_spec(text: str, wanted: Spec, name: str = "gpucloud.yaml") -> str:
    """The text changed so that it says what is wanted, and no more than that.

    Values that say the same in other words stay as they are written, and line ends as they are.

    Raises:
        Failure: the text is no spec, or is written so that it cannot be changed without harm.
    """
    before = parse_spec(text, name)
    if before == wanted:
        return text
    if "\r\n" in text:  # the file keeps the line ends that it has
        return edit_spec(text.replace("\r\n", "\n"), wanted, name).replace("\n", "\r\n")
    yaml = make_yaml(*_list_layout(text))
    document = yaml.load(text)
    if document is None:
        edited = _without_values(text) + render_spec(wanted)
    else:
        _merge(document, plain_of(before), plain_of(wanted))
        stream = StringIO()
        yaml.dump(document, stream)
        edited = stream.getvalue()
    if plain_of(parse_spec(edited, name)) != plain_of(wanted):
        raise Failure(f"{name} could not be changed with its comments kept", "change it by hand")
    return edited


def _without_values(text: str) -> str:
    """Comments of a file that says nothing; a bare ``null`` says that, too, and would stand in the way."""
    kept = (line for line in text.splitlines() if not line.strip() or line.lstrip().startswith(("#", "---")))
    return "".join(f"{line}\n" for line in kept)


def _list_layout(text: str) -> tuple[int, int]:
    """How lists stand under their keys here: columns to the value, and to the dash."""
    key = 0
    for line in text.splitlines():
        bare = line.lstrip()
        if match := _DASH.match(bare):
            dash = len(line) - len(bare) - key
            if 0 <= dash <= 8:
                return dash + match.end(), dash
        elif bare and not bare.startswith("#"):
            key = len(line) - len(bare)
    return 4, 2


def _merge(table: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for key in before.keys() - after.keys():
        del table[key]
    for key, value in after.items():
        old = before.get(key)
        if old == value:
            continue
        if isinstance(old, dict) and isinstance(value, dict) and hasattr(table.get(key), "keys"):
            _merge(table[key], old, value)
        elif isinstance(old, list) and isinstance(value, list):
            table[key] = _merged_list(table[key], old, value)
        else:
            table[key] = _grown(table.get(key), old, value)


def _merged_list(items: Any, before: list[Any], after: list[Any]) -> Any:
    """The list with the same items left in place, so that their comments stay; one item may stand alone."""
    if not isinstance(items, list) and len(after) == 1 and hasattr(items, "keys"):
        _merge(items, before[0], after[0])
        return items
    if not isinstance(items, list):
        items = [items]
    if len(items) != len(before):
        return after
    for number, (old, new) in enumerate(zip(before, after, strict=False)):
        if isinstance(old, dict) and isinstance(new, dict) and hasattr(items[number], "keys"):
            _merge(items[number], old, new)
        elif old != new:
            items[number] = new
    del items[len(after) :]
    items.extend(after[len(before) :])
    return items


def _grown(items: Any, old: Any, value: Any) -> Any:
    """A list of one, which says the same as the one alone, that gets more."""
    if isinstance(items, list) and len(items) == 1 and isinstance(value, list) and value[:1] == [old]:
        items.extend(value[1:])
        return items
    return value
