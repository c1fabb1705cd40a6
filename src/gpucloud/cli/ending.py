"""A wish to end, however it comes: Ctrl-C, a kill, a terminal or an ssh session that is gone."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Act = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def on_wish_to_end(act: Act) -> Iterator[None]:
    """Do this at each wish to end, in place of ending; as before once the block is left."""
    before = {number: signal.signal(number, act) for number in _WISHES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Make each wish to end a KeyboardInterrupt, and let nothing stop the way back that it begins.

    A second Ctrl-C would leave half of what is taken back, so after the first all are ignored until the
    block is left.
    """
    with on_wish_to_end(_interrupt):
        yield


def _interrupt(*_: object) -> NoReturn:
    for number in _WISHES:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
