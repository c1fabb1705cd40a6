"""Printing: results on standard output, progress on standard error, nothing untrusted raw."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum

from gpucloud.model.plain import to_plain


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"


class Shape(StrEnum):
    """How anything else is printed."""

    TEXT = "text"
    JSON = "json"


def has_colours() -> bool:
    """Claims a terminal on standard output whose user has not declined colours.

    Source: https://no-color.org (any value but the empty one); terminfo(5) for ``dumb``.
    """
    declined = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return sys.stdout.isatty() and not declined


def clean(text: str) -> str:
    """Make text from a host, a guest or a log safe to print: control characters become ``?``.

    Terminals act on escape sequences; a console log or a device name may hold any bytes.
    """
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)


def one_line(text: str) -> str:
    """Make a name from a host fit for one line of a table: it may not begin a line of its own."""
    return clean(text.replace("\n", "?").replace("\t", " "))


def print_json(value: object) -> None:
    """Print a value of the model as JSON: indented for a person at a terminal, on one line for a program.

    What is not ASCII is escaped, control characters too.
    """
    print(json.dumps(to_plain(value), indent=2 if sys.stdout.isatty() else None))


def print_text(text: str) -> None:
    """Print a result as text, at once: a log file then holds it in order with what ``say`` says."""
    print(clean(text), flush=True)


def say(line: str) -> None:
    """Tell the user what is going on, without mixing it into the result."""
    print(clean(line), file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings: drawn on a terminal, aligned plain text elsewhere."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, cells)
    else:
        _align(columns, cells)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _align(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [list(columns), *map(list, rows)]
    widths = [
        max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*lines, strict=True)
    ]
    for line in lines:
        parts = [cell.split("\n") for cell in line]
        for number in range(max(map(len, parts))):
            texts = (part[number] if number < len(part) else "" for part in parts)
            print("  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip())
