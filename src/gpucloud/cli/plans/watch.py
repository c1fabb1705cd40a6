"""What is done to a host, watched from the terminal: told step by step, stopped only between two steps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpucloud.cli.ending import on_wish_to_end
from gpucloud.cli.output import say

if TYPE_CHECKING:
    from types import FrameType

    from gpucloud.prepare.takeback import Watch


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Tell of each step; take Ctrl-C, a closed terminal and a kill for a wish to stop between two steps."""
    from gpucloud.prepare.takeback import Watch

    stopped = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(number)

    def tell(line: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone must not stop the way back
            say(line)

    with on_wish_to_end(stop):
        yield Watch(tell, lambda: bool(stopped))
