"""What a terminal is like: how wide, and whether its user wants colours."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_WIDEST = 100
"""Longer lines of prose are hard to read, however wide the terminal is."""
_NARROWEST = 40


def has_colours() -> bool:
    """Claims a terminal on standard output whose user has not declined colours.

    Source: https://no-color.org (any value but the empty one); terminfo(5) for ``dumb``.
    """
    declined = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return sys.stdout.isatty() and not declined


def prose_width(stream: TextIO) -> int | None:
    """How long a line of prose may be there; None for a file, a pipe or a program, where none is broken.

    ``grep`` and ``less`` then have each sentence whole, as with gh, kubectl and cargo. COLUMNS counts on a
    terminal only: programs that have loaded readline hand it on to all they start.
    """
    return min(terminal_width(stream), _WIDEST) if stream.isatty() else None


def terminal_width(stream: TextIO) -> int:
    """Columns as COLUMNS says, as for ls(1), or the terminal; 80 where it knows none (a serial line)."""
    return max(_NARROWEST, _told_columns() or _columns(stream) or 80)


def _told_columns() -> int:
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0


def _columns(stream: TextIO) -> int:
    """What the terminal says; 0 where it says nothing."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0
