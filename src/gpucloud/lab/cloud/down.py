"""A cloud taken down: every process, and every file but what is cached."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gpucloud.lab.cache import remove_tree
from gpucloud.lab.cloud import daemon
from gpucloud.lab.cloud.daemon import Daemon
from gpucloud.lab.cloud.record import read_record
from gpucloud.lab.cloud.site import alone, tmp_of
from gpucloud.lab.cloud.upkeep import start
from gpucloud.lab.host import clear_away as end_server
from gpucloud.lab.lab import HOSTS
from gpucloud.model.failure import Exit, Failure

LOGS = "logs"
KEPT = 5
"""Of how many clouds that did not come up the logs are kept."""

Keep = Callable[[Path], Path]


def down(folder: Path) -> None:
    """End the cloud of this folder and remove the folder.

    Raises:
        Failure: there is none, it is coming up or going down now, or a process does not go away.
    """
    if not folder.is_dir():
        raise Failure("there is no cloud", "gpucloud lab cloud up brings one up", code=Exit.USAGE)
    with alone(folder, _refuse):
        clear_away(folder)


def _refuse() -> None:
    raise Failure(
        "the cloud is coming up, or going down; it is left alone",
        "end the command that is at it with Ctrl-C: nothing of the cloud is left then",
    )


def clear_away(folder: Path, started: Sequence[Daemon] = ()) -> None:
    """End all that was started for the cloud of this folder, and remove the folder, as far as it is there.

    Args:
        folder: of the cloud.
        started: what may have been started and not written down.

    Raises:
        Failure: a process does not go away.
    """
    if folder.is_dir():
        # Nobody starts a process meanwhile, and all that were started are written down.
        with start.alone(folder):
            record = read_record(folder)
            known = dict.fromkeys([*(record.daemons if record else ()), *started])
            # The newest first: a service that loses its database would fill its log meanwhile.
            daemon.end(list(known)[::-1], tmp_of(folder))
            for name in record.hosts if record else ():
                end_server(folder.parent / HOSTS / name)
    remove_tree(folder)


def keep_logs(folder: Path, clock: Callable[[], float] = time.time) -> Path:
    """Copy the logs beside the folder, where they outlive it; gives that place. Of others the newest stay."""
    kept = folder.parent / "failed" / time.strftime("cloud-%Y%m%d-%H%M%S", time.gmtime(clock()))
    shutil.copytree(folder / LOGS, kept, dirs_exist_ok=True)
    for old in sorted(kept.parent.glob("cloud-*"))[:-KEPT]:
        remove_tree(old)
    return kept


def give_up(
    folder: Path, started: Sequence[Daemon], why: Failure | OSError, keep: Keep = keep_logs
) -> Failure:
    """End what has come up of a cloud, whatever becomes of its logs, and say why it did not come up.

    Args:
        folder: of the cloud.
        started: as for `clear_away`.
        why: what ended it.
        keep: keeps its logs.

    Raises:
        Failure: a process does not go away.
    """
    what = f"the cloud did not come up: {why.what if isinstance(why, Failure) else why}"
    try:
        then = f"the logs are in {keep(folder)}"
    except OSError as error:
        then = f"its logs cannot be kept: {error}"
    finally:
        clear_away(folder, started)
    return Failure(what, then)
