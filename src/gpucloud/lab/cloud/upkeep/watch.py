"""The process that starts services of a cloud again when they have ended. It ends with the cloud.

Bounded: a service that ends again and again is left, and ``gpucloud lab cloud status`` names it.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gpucloud.lab.cloud import daemon, services
from gpucloud.lab.cloud.record import read_record, site_of, write_record
from gpucloud.lab.cloud.upkeep.start import alone, start_service, started_again
from gpucloud.lab.process import undisturbed
from gpucloud.model.failure import Failure

MOST, WITHIN_S = 3, 600.0
"""So many starts again of one service within this time."""
_EVERY_S = 2.0
Say = Callable[[str], None]


def may_start(restarts: Mapping[str, tuple[float, ...]], name: str, now: float) -> bool:
    """Claims that a service has not been started again too often of late."""
    return sum(now - at < WITHIN_S for at in restarts.get(name, ())) < MOST


def revive(folder: Path, now: float) -> tuple[str, ...]:
    """Start again what has ended of a cloud that is up, and write it down; gives the names.

    Raises:
        Failure: what is left of a service does not go away, or it cannot be started.
    """
    with alone(folder):
        record = read_record(folder)
        if record is None or not record.is_up:
            return ()
        site = site_of(folder, record)
        known = {one.name: one for one in services.everything(site)}
        dead = [one for one in record.daemons if one.name in known and not daemon.is_running(one)]
        due = [one for one in dead if may_start(record.restarts, one.name, now)]
        for old in due:
            daemon.end([old], site.tmp)
            with undisturbed():
                new = start_service(site, known[old.name])
                record = started_again(record, old, new, at=now)
                write_record(folder, record)
        return tuple(one.name for one in due)


def look(folder: Path, say: Say, now: float) -> None:
    """Start again what has ended, and tell; what cannot be done now may be at the next look."""
    try:
        for name in revive(folder, now):
            say(f"{name} had ended, and was started again")
    except (Failure, OSError) as error:
        say(f"what has ended is not started again: {error}")


def main(folder: Path) -> None:
    """Look every other second, as long as the cloud is there."""
    while folder.is_dir():
        look(folder, _say, time.time())
        select.select([], [], [], _EVERY_S)


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%F %T')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
