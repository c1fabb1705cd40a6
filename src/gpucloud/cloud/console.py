"""What a guest printed on its serial console, read from the log while it is written. Hostile input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1 << 16
KEPT_CHARS = 1 << 20
"""How much console text is searched for a report; a report is some kilobytes."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_=>c78])")
"""Control sequences (ECMA-48: CSI), operating system commands (OSC) and two-byte escapes."""


@dataclass(slots=True)
class ConsoleLog:
    """A log that grows, and that starts anew when virtlogd puts a full one aside."""

    path: Path
    _offset: int = 0

    def read_new(self) -> str:
        """Give what came since the last call, at most `CHUNK_BYTES`; empty where nothing did."""
        try:
            size = self.path.stat().st_size
            if size < self._offset:
                self._offset = 0
            with self.path.open("rb") as file:
                file.seek(self._offset)
                new = file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return ""
        self._offset += len(new)
        return new.decode("utf-8", errors="replace")


def read_log(path: Path) -> Iterator[str]:
    """Give all that the log holds, in pieces."""
    log = ConsoleLog(path)
    while piece := log.read_new():
        yield piece


def follow_log(path: Path, is_over: Callable[[], bool], wait: Callable[[], None]) -> Iterator[str]:
    """Give all that the log holds and then what comes, until the guest is over and all is read."""
    log = ConsoleLog(path)
    while True:
        was_over = is_over()
        while piece := log.read_new():
            yield piece
        if was_over:
            return
        wait()


def last_words(text: str, lines: int = 3) -> str:
    """The last lines with something on them, as one line: what a guest said before it fell silent."""
    lines_said = without_escapes(text).splitlines()
    said = ["".join(char for char in line if char.isprintable()).strip() for line in lines_said]
    return " / ".join([line[-160:] for line in said if line][-lines:])


def without_escapes(text: str) -> str:
    """Console text without colours and cursor moves, and with plain line ends. Not yet safe to print."""
    return _ESCAPE.sub("", text).replace("\r", "")
