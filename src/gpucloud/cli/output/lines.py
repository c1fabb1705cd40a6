"""Lines on standard output and standard error: prose fits the terminal, what is to be copied stays whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TextIO

from gpucloud.cli.output.clean import clean, one_line
from gpucloud.cli.output.document import Shape
from gpucloud.cli.output.streams import drop, reader_may_leave
from gpucloud.cli.output.terminal import has_colours, prose_width
from gpucloud.cli.output.wrap import wrap
from gpucloud.model.line import Copied

_COLOURS = {"BLOCKER": "\x1b[1;31m", "WARNING": "\x1b[1;33m", "INFO": "\x1b[1;36m"}
"""Levels of findings as terminals show them: bold red, yellow, cyan (ECMA-48, SGR)."""

Paint = Callable[[str, str], str]
"""A line as it was given and, clean, as it is shown; into what is printed, which may have colours."""


def _plain(line: str, shown: str) -> str:
    del line
    return shown


def print_lines(lines: Iterable[str], paint: Paint = _plain) -> None:
    """Print lines of a result; those that are ``Copied`` as they are, prose broken to fit a terminal."""
    _print_to(sys.stdout, lines, paint)


def print_beside(lines: Iterable[str], shape: Shape) -> None:
    """Print lines that are to be read before something is done; beside JSON, to the user alone."""
    _print_to(sys.stdout if shape is Shape.TEXT else sys.stderr, lines, _plain)


def _print_to(stream: TextIO, lines: Iterable[str], paint: Paint) -> None:
    width = prose_width(stream)
    with reader_may_leave(stream):
        for line in lines:
            print(paint(line, _shown(line, width)), file=stream)
        stream.flush()  # a log file then holds it in order with what `say` says


def _shown(line: str, width: int | None) -> str:
    """A line of prose is one, whatever name is in it; a ``Copied`` one may be a whole file."""
    if isinstance(line, Copied):
        return clean(line)
    return one_line(line) if width is None else wrap(one_line(line), width)


def paint_level(line: str, shown: str) -> str:
    """A level in colour at the begin of a finding, where a person reads it."""
    del line
    word, space, rest = shown.partition(" ")
    colour = _COLOURS.get(word) if has_colours() else None
    return f"{colour}{word}\x1b[0m{space}{rest}" if colour else shown


def print_text(text: str) -> None:
    """Print a result of prose alone, at once."""
    print_lines(text.split("\n"))


def note(line: str) -> None:
    """Tell the user what is to be known or done beside the result, in prose that fits the terminal."""
    _tell(_shown(line, prose_width(sys.stderr)))


def say(line: str) -> None:
    """Tell the user what is going on, in one line, without mixing it into the result."""
    _tell(one_line(line))


def _tell(line: str) -> None:
    """A terminal that went away ends nothing: what is under way ends well, or is taken back to its end."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        drop(sys.stderr)
