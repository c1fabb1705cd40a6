"""Rows under headings: within the width of a terminal, aligned plain text elsewhere."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from gpucloud.cli.output.clean import clean
from gpucloud.cli.output.streams import reader_may_leave
from gpucloud.cli.output.terminal import terminal_width
from gpucloud.cli.output.wrap import wrap

_GAP = 2
_LONGEST_WORD = 24
"""Words that are longer, paths mostly, are broken before a table is given up."""

Row = Sequence[str]


def table(columns: Row, rows: Iterable[Row]) -> None:
    """Print rows under headings; where the terminal is too narrow, row by row in place of side by side."""
    cells = [[clean(cell) for cell in row] for row in rows]
    with reader_may_leave(sys.stdout):
        if sys.stdout.isatty():
            _fit_in(columns, cells, terminal_width(sys.stdout))
        else:
            _align(columns, cells)


def _fit_in(columns: Row, cells: Sequence[Row], width: int) -> None:
    widths = fit([columns, *cells], width)
    if widths is None:
        print("\n\n".join("\n".join(_block(columns, row, width)) for row in cells))
    else:
        _draw(columns, cells, widths)


def fit(lines: Sequence[Row], width: int) -> list[int] | None:
    """How wide each column is drawn so that all are within the width; None where they cannot be.

    The widest gives way first, down to its longest word. A column with a cell of several lines keeps its
    width: its lines belong to those beside them.
    """
    widths = _widths(lines)
    least = [_least(column) for column in zip(*lines, strict=True)]
    room = width - _GAP * (len(widths) - 1)

    def capped(cap: int) -> list[int]:
        return [max(low, min(now, cap)) for now, low in zip(widths, least, strict=True)]

    cap = bisect_right(range(max(widths) + 1), room, key=lambda cap: sum(capped(cap))) - 1
    if cap < 0:
        return None
    fitted, wider = capped(cap), capped(cap + 1)
    spare = room - sum(fitted)  # too little for all that would be wider by one
    for number in reversed(range(len(fitted))):
        given = min(spare, wider[number] - fitted[number])
        fitted[number] += given
        spare -= given
    return fitted


def _least(column: Row) -> int:
    if any("\n" in cell for cell in column):
        return max(len(part) for cell in column for part in cell.split("\n"))
    return max(min(len(word), _LONGEST_WORD) for cell in column for word in cell.split() or [""])


def _widths(lines: Sequence[Row]) -> list[int]:
    return [
        max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*lines, strict=True)
    ]


def _draw(columns: Row, rows: Sequence[Row], widths: Sequence[int]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for heading, width in zip(columns, widths, strict=True):
        drawn.add_column(heading, width=width, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(width=sum(widths) + _GAP * len(widths)).print(drawn)


def _block(columns: Row, row: Row, width: int) -> Iterator[str]:
    """One row, each cell on a line of its own after its heading."""
    label = max(map(len, columns)) + _GAP
    for heading, cell in zip(columns, row, strict=True):
        for number, part in enumerate(cell.split("\n")):
            yield wrap(f"{'' if number else heading:<{label}}{part}".rstrip(), width)


def _align(columns: Row, rows: Sequence[Row]) -> None:
    lines = [columns, *rows]
    widths = _widths(lines)
    for line in lines:
        parts = [cell.split("\n") for cell in line]
        for number in range(max(map(len, parts))):
            texts = (part[number] if number < len(part) else "" for part in parts)
            print("  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip())
