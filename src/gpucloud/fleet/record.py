"""What a run on many hosts tells, kept as it comes: after a crash it says how far each host is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gpucloud.model.failure import Failure

_KEPT = 50
_ONLY_OURS = 0o700


def records_folder() -> Path:
    """Where the records lie (XDG base directories: state)."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local/state") / "gpucloud/fleet"


@contextmanager
def recording(folder: Path, now: datetime) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A new record, and what adds a line to it; the oldest of many are removed.

    Raises:
        Failure: it cannot be written.
    """
    path = folder / f"{now:%Y-%m-%dT%H-%M-%S-%f}.jsonl"
    try:
        folder.mkdir(_ONLY_OURS, parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.jsonl"))[: -_KEPT + 1]:
            old.unlink()
        file = path.open("x", buffering=1)
    except OSError as error:
        raise Failure(
            f"the record cannot be written: {error}", "set XDG_STATE_HOME to another folder"
        ) from error
    with file:
        yield path, lambda line: file.writelines([line])
