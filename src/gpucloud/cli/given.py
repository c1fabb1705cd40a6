"""Files that the user names: a text may come through a pipe, ``<(COMMAND)`` too; none waits in silence."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from gpucloud.cli.output import say
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from gpucloud.model.spec import Spec

STANDARD_INPUT = Path("-")
_PATIENCE_S = 2.0


@contextlib.contextmanager
def waiting(path: Path, *, tell: Callable[[str], None] = say, after_s: float = _PATIENCE_S) -> Iterator[None]:
    """While a text is opened and read: say so where nobody has written it into its pipe for a while.

    A pipe without a writer keeps its reader waiting for ever (fifo(7)); who wants that ends it with Ctrl-C.

    Args:
        path: what is read; ``-`` is standard input.
        tell: takes the line.
        after_s: how long nothing is said.
    """
    if not is_pipe(path):
        yield
        return
    name = "standard input" if path == STANDARD_INPUT else str(path)
    timer = Timer(after_s, tell, (f"waiting for what is written into {name}; Ctrl-C ends it",))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_pipe(path: Path) -> bool:
    """Claims a pipe, named or not; False where it cannot be told."""
    try:
        status = os.fstat(sys.stdin.fileno()) if path == STANDARD_INPUT else path.stat()
    except (OSError, ValueError):  # ValueError: a name with NUL; standard input that is no file, as in tests
        return False
    return stat.S_ISFIFO(status.st_mode)


def refuse_pipe(path: Path, why: str) -> None:
    """A pipe gives its text once, and takes none in its place; so does standard input, whatever it is.

    Raises:
        Failure: the path names one.
    """
    if path == STANDARD_INPUT:
        raise Failure(
            f"- is standard input: {why}", "put the text into a file, and name that", code=Exit.USAGE
        )
    if is_pipe(path):
        raise Failure(f"{path} is a pipe: {why}", "put the text into a file, and name that", code=Exit.USAGE)


def spec_given(path: Path) -> Spec:
    """The spec that the user names; ``-`` is standard input.

    Raises:
        Failure: it cannot be read, a line of it is wrong, or names a release, layout or pool that is not.
    """
    from gpucloud.nova.named import unknown_names
    from gpucloud.spec import load_spec

    if path == STANDARD_INPUT:
        return _spec_of_standard_input()
    with waiting(path):
        return load_spec(path, unknown_names)


def _spec_of_standard_input() -> Spec:
    from gpucloud.nova.named import unknown_names
    from gpucloud.spec import parse_spec
    from gpucloud.spec.file import decode_spec
    from gpucloud.spec.nodes import TEXT_LIMIT

    name = "standard input"
    if sys.stdin.isatty():
        say("type the spec, then press Ctrl-D on a line of its own")
    with waiting(STANDARD_INPUT):
        data = sys.stdin.buffer.read(TEXT_LIMIT + 1)
    return parse_spec(decode_spec(data, name), name, unknown_names)
