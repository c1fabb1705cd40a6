"""Results as JSON: what a verb found, or the error that kept it from finding anything."""

from __future__ import annotations

import json
import sys
from contextvars import ContextVar
from enum import StrEnum

from gpucloud.cli.output.streams import reader_may_leave
from gpucloud.model.failure import Exit
from gpucloud.model.plain import to_plain


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"


class Shape(StrEnum):
    """How anything else is printed."""

    TEXT = "text"
    JSON = "json"


_has_printed: ContextVar[bool] = ContextVar("has_printed", default=False)
"""A verb prints what it has before it fails; its readers must not find two documents then."""


def begin_output() -> None:
    """A command begins: it has printed no document."""
    _has_printed.set(False)


def print_document(text: str) -> None:
    """Print a JSON document that is written already."""
    _has_printed.set(True)
    with reader_may_leave(sys.stdout):
        print(text)


def print_json(value: object) -> None:
    """Print a value of the model as JSON: indented for a person at a terminal, on one line for a program.

    What is not ASCII is escaped, control characters too.
    """
    print_document(json.dumps(to_plain(value), indent=2 if sys.stdout.isatty() else None))


def print_line_of_json(value: object) -> None:
    """Print one of several values, each on a line of its own.

    Raises:
        BrokenPipeError: its reader has gone; the others need not be found.
    """
    _has_printed.set(True)
    print(json.dumps(to_plain(value)))


def print_error(line: str, code: Exit) -> None:
    """Print why there is no result: the line that standard error has, and the exit code.

    After a result nothing more is printed: it says itself what is wrong (a refused plan, a failed change).
    """
    if not _has_printed.get():
        print_json({"error": line, "code": code})
