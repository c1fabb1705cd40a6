"""Things that are made once and kept: each is made whole under a temporary name, then takes its place."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gpucloud.lab.process import run


def cache_folder() -> Path:
    """Where the laboratory keeps what it can make again: ``$XDG_CACHE_HOME/gpucloud/lab``."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "gpucloud" / "lab"


def state_folder() -> Path:
    """Where the laboratory keeps its running servers: ``$XDG_STATE_HOME/gpucloud/lab``."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "gpucloud" / "lab"


def _xdg(variable: str, default: str) -> Path:
    named = os.environ.get(variable, "")
    # The XDG specification: a relative path is to be ignored.
    return Path(named) if named.startswith("/") else Path.home() / default


def ensure(place: Path, make: Callable[[Path], None], busy: Callable[[], None] = lambda: None) -> Path:
    """Give the folder at ``place``, made by ``make(temporary folder)`` if it is not there.

    Whoever is killed while making leaves nothing at ``place``; two that want the same wait for each other:
    ``busy`` is called before.
    """
    if place.is_dir():
        os.utime(place)
        return place
    with locked(place, busy):
        if not place.is_dir():
            part = place.with_name(f"{place.name}.part")
            remove_tree(part)
            part.mkdir(mode=0o700)
            try:
                make(part)
                # On disk before it has its name: a power cut must not leave an image that is not whole.
                run(["sync", "--file-system", str(part)], timeout_s=300)
                part.rename(place)
            finally:
                remove_tree(part)
    return place


@contextmanager
def locked(place: Path, busy: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Be the only one at work on ``place``; the kernel gives the lock back when its holder dies.

    Args:
        place: need not be there.
        busy: called before another one is waited for; what it raises ends the wait.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f".{place.name}.lock").open("w") as lock:
        take(lock.fileno(), busy)
        yield


def take(handle: int, busy: Callable[[], None]) -> None:
    """Lock an open file or folder until it is closed; ``busy`` is as for `locked`."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        busy()
        fcntl.flock(handle, fcntl.LOCK_EX)


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the folders that were used last. A server that runs keeps the files it has open."""
    known = sorted(
        (entry for entry in folder.iterdir() if entry.is_dir() and entry.suffix != ".part"),
        key=lambda entry: entry.stat().st_mtime,
    )
    for old in known[: max(0, len(known) - count)]:
        remove_tree(old)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it, but nothing of another file system mounted there."""
    if folder.exists():
        run(["rm", "-rf", "--one-file-system", "--", str(folder)], timeout_s=300)
