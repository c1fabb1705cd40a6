"""Files of the user's, replaced whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path


def replace_whole(path: Path, data: bytes) -> None:
    """Write a file beside it, then put that in its place with its mode; a link still leads to it.

    Raises:
        OSError: it cannot be written; what was there is as before.
    """
    place = path.resolve()
    fresh = place.with_name(f".{place.name}.gpucloud-new")
    try:
        fresh.write_bytes(data)
        if place.exists():
            shutil.copymode(place, fresh)
        fresh.replace(place)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
