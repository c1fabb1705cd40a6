"""What takes longer than two seconds says how far it is, again and again, on standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from threading import Event, Thread

_EVERY_S = 2.0


@contextlib.contextmanager
def telling(
    progress: Callable[[], str], tell: Callable[[str], None], *, every_s: float = _EVERY_S
) -> Iterator[None]:
    """While the block runs: a line after each so many seconds.

    Args:
        progress: how far it is, in words.
        tell: takes the line.
        every_s: between lines, and before the first.
    """
    over = Event()

    def repeat() -> None:
        while not over.wait(every_s):
            tell(progress())

    thread = Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
