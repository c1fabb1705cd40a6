"""The standard streams made fit for use: none is closed, no character ends a command, a reader may leave."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO


def hold_streams() -> None:
    """Point what the shell has closed at /dev/null, so that no file that is opened takes its number.

    What is written to standard error would else end up in that file; ``print(file=None)`` would even put it
    into the result. ``sys.stdout`` stays None where it was closed: whoever prints refuses that.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one; for what is started, too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open to the end
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end


def escape_what_is_not_encodable() -> None:
    """Print what the user's encoding does not have as an escape: no error may come of a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def reader_may_leave(stream: TextIO) -> Iterator[None]:
    """While a result is printed: where its reader goes away (``| head``), the rest goes nowhere.

    The command then ends with the code that it would have ended with.
    """
    try:
        yield
    except BrokenPipeError:
        drop(stream)


def drop(stream: TextIO) -> None:
    """Point a stream at nothing, so that what is left in its buffer makes no noise at the end."""
    with contextlib.suppress(OSError, ValueError):  # under a test it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
