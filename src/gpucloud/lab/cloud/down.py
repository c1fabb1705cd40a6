"""A cloud taken down: every process, and every file but what is cached."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from gpucloud.lab.cache import remove_tree
from gpucloud.lab.cloud import daemon
from gpucloud.lab.cloud.record import read_record
from gpucloud.lab.cloud.site import tmp_of
from gpucloud.model.failure import Exit, Failure

LOGS = "logs"


def down(folder: Path) -> None:
    """End the cloud of this folder and remove the folder.

    Raises:
        Failure: there is none, or a process does not go away.
    """
    if not folder.is_dir():
        raise Failure("there is no cloud", "gpucloud lab cloud up brings one up", code=Exit.USAGE)
    clear_away(folder)


def clear_away(folder: Path) -> None:
    """End all that was started for the cloud of this folder, and remove the folder, as far as it is there.

    Raises:
        Failure: a process does not go away.
    """
    record = read_record(folder)
    if record is not None:
        # The newest first: a service that loses its database would fill its log meanwhile.
        daemon.end(record.daemons[::-1], tmp_of(folder))
    remove_tree(folder)


def keep_logs(folder: Path, clock: Callable[[], float] = time.time) -> Path:
    """Copy the logs beside the folder, where they outlive it; gives that place."""
    kept = folder.parent / "failed" / time.strftime("cloud-%Y%m%d-%H%M%S", time.gmtime(clock()))
    shutil.copytree(folder / LOGS, kept, dirs_exist_ok=True)
    return kept
