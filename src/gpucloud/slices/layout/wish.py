"""Layouts as they are written: one line says of which cards what is cut.

``gpu01 3b:00.0: 4 x T4-4Q``, ``every T4: 2 x 8Q``, ``every A100: 3g.20gb, 2 x 2g.10gb``, ``3b:00.0: none``,
``3b:00.0: whole``.
A line for a card by its address holds against one for every card of its model. ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gpucloud.model.pci import ParentName, PciAddress, Place

_LINE = re.compile(r"(?P<cards>[^\s#].{0,200}?):\s+(?P<items>\S.{0,400})", re.ASCII)
_ITEM = re.compile(
    r"(?:(?P<count>[0-9]{1,4})\s{0,4}[x\u00d7*]\s{0,4})?(?P<type>[A-Za-z][\w.+ -]{0,80}|[0-9]\w[\w.+-]{0,80})"
)
_EVERY = "every "
_NONE = "none"
_WHOLE = "whole"
_MOST_LINES = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """So many slices of a type."""

    count: int
    type: str
    """As written: a whole name, its end (``4Q``), an id, or a MIG profile."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One line."""

    text: str
    """As written, for messages."""
    host: str | None
    """Name or pattern of hosts; None: all."""
    address: Place | None
    """The card, or a parent that is no PCI device; None: every card of the model."""
    model: str
    """A word of the card's name; empty: every card."""
    items: tuple[Item, ...]
    """Empty: nothing is to be cut of it."""
    uuid: str | None = None
    """What the first slice that is made is called; None: after host, card and number."""
    gone: str | None = None
    """A slice that does not stay, though others of its type do."""
    is_whole: bool = False
    """It is to be fit for use whole: without virtual functions and MIG mode, too."""

    def is_for(self, host: str | None, unit: Place, name: str) -> bool:
        """Claims a card: by its host, and its address or its model; what is no card by its name alone."""
        if self.host is not None and (host is None or not fnmatchcase(host, self.host)):
            return False
        if self.address is not None:
            return unit == self.address
        if isinstance(unit, ParentName):
            return False
        word = re.escape(self.model.lower())
        return not word or re.search(rf"(?<!\w){word}(?!\w)", name.lower()) is not None


def parse_layout(lines: Iterable[str]) -> tuple[Wish, ...]:
    """Read the lines of a layout.

    Raises:
        ValueError: a line is none, with its number.
    """
    return tuple(_wishes(lines))


def _wishes(lines: Iterable[str]) -> Iterator[Wish]:
    for number, line in enumerate(lines, 1):
        if number > _MOST_LINES:
            raise ValueError(f"a layout has {_MOST_LINES} lines at most")
        text = line.partition("#")[0].strip()
        if text:
            try:
                yield _parse(text)
            except ValueError as error:
                raise ValueError(f"line {number} of the layout: {error}") from None


def _parse(text: str) -> Wish:
    match = _LINE.fullmatch(text)
    if match is None:
        raise ValueError(f"wants CARDS: N x TYPE, such as 3b:00.0: 4 x T4-4Q, not {text[:80]!r}")
    host, address, model = _cards(match["cards"].strip())
    items = match["items"].strip()
    found = () if items in (_NONE, _WHOLE) else tuple(_item(part.strip()) for part in items.split(","))
    return Wish(text, host, address, model, found, is_whole=items == _WHOLE)


def _cards(text: str) -> tuple[str | None, Place | None, str]:
    """Host, address and model of ``[HOST] ADDRESS`` or ``[HOST] every MODEL``."""
    before, every, model = text.rpartition(_EVERY) if _EVERY in f" {text}" else (text, "", "")
    if every and (not before or before.endswith(" ")):
        host = before.strip() or None
        return _host(host), None, "" if model.strip() == "card" else model.strip()
    host_part, _, place = text.rpartition(" ")
    return _host(host_part.strip() or None), parse_place(place), ""


def parse_place(text: str) -> Place:
    """Read what slices are cut of: a card's address, with or without its function, or a parent's name.

    Raises:
        ValueError: it is neither; a name has no colon.
    """
    if ":" in text:
        return PciAddress.parse_typed(text if "." in text else f"{text}.0")
    return ParentName.parse(text)


def _host(text: str | None) -> str | None:
    if text is not None and " " in text:
        raise ValueError(f"wants one host before the cards, not {text[:60]!r}")
    return text


def _item(text: str) -> Item:
    match = _ITEM.fullmatch(text)
    if match is None:
        raise ValueError(f"wants N x TYPE, such as 4 x T4-4Q or 3g.20gb, not {text[:60]!r}")
    count = int(match["count"] or 1)
    if count == 0:
        raise ValueError(f"wants at least one of {match['type']}: leave it out, or write none")
    return Item(count, match["type"].strip())
