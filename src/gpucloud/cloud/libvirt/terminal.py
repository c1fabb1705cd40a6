"""The caller's terminal joined to a guest's console, as a serial cable would."""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from gpucloud.cloud.libvirt.connection import ConsoleStream
from gpucloud.model.failure import Exit, Failure

LEAVE = b"\x1d"
"""Control and ], as in virsh and telnet."""
_BYTES = 4096


def check_terminal(keyboard: int) -> None:
    """Refuse to join a console from what is no terminal.

    Raises:
        Failure: it is none.
    """
    if not os.isatty(keyboard):
        raise Failure(
            "a console is joined from a terminal, and this is none",
            "--log prints what was said, --follow goes on",
            code=Exit.USAGE,
        )


def attach(stream: ConsoleStream, keyboard: int, screen: int) -> None:
    """Pass keys to the guest and its output to the screen, raw, until the user leaves or the guest ends.

    Args:
        stream: the guest's console; it is closed at the end.
        keyboard: file descriptor of a terminal.
        screen: file descriptor that output goes to.
    """
    over, ended = os.pipe()
    output = threading.Thread(target=_show, args=(stream, screen, ended), daemon=True)
    try:
        with _raw(keyboard):
            output.start()
            _type(stream, keyboard, over)
    finally:
        stream.abort()
        output.join(timeout=2)
        os.close(over)


@contextmanager
def _raw(keyboard: int) -> Iterator[None]:
    kept = termios.tcgetattr(keyboard)
    tty.setraw(keyboard)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, kept)


def _show(stream: ConsoleStream, screen: int, ended: int) -> None:
    """Copy the guest's output until there is no more, then say so by closing the pipe."""
    try:
        while said := stream.recv(_BYTES):
            os.write(screen, said)
    finally:
        os.close(ended)


def _type(stream: ConsoleStream, keyboard: int, over: int) -> None:
    while True:
        ready, _, _ = select.select([keyboard, over], [], [])
        if over in ready:
            return
        keys = os.read(keyboard, _BYTES)
        if not keys or LEAVE in keys:
            return
        stream.send(keys)
