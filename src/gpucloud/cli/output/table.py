"""Rows under headings: drawn on a terminal, whose width they keep; aligned plain text elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from gpucloud.cli.output.clean import clean

_SHORT = 14
"""A column that is no wider is never broken: addresses, states, numbers. Names and sentences give way."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings."""
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

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, width in zip(columns, _widths([columns, *rows]), strict=True):
        drawn.add_column(heading, no_wrap=width <= _SHORT, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*lines, strict=True)
    ]


def _align(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [list(columns), *map(list, rows)]
    widths = _widths(lines)
    for line in lines:
        parts = [cell.split("\n") for cell in line]
        for number in range(max(map(len, parts))):
            texts = (part[number] if number < len(part) else "" for part in parts)
            print("  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip())
