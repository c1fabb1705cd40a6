"""Rendered files below a folder of the user's: written where nothing of anybody else lies, or compared."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.nova.render import Rendered


def write_below(folder: Path, found: Rendered) -> list[str]:
    """Write all files, or none where one would take the place of somebody else's.

    Raises:
        Failure: a file that is there was not written by gpucloud.
    """
    from gpucloud.nova.render import is_ours

    for path in found.files:
        known = _text_of(folder / path)
        if known is not None and not is_ours(known):
            raise Failure(
                f"{folder / path} is there, and gpucloud did not write it",
                "see what differs with --diff, and put it in by hand, or write to an empty folder",
            )
    for path, text in found.files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.gpucloud")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(place)
    return [str(folder / path) for path in found.files]


def _text_of(path: Path) -> str | None:
    """The text of a file; None where there is none. Of a longer one than any nova.conf, the beginning."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(1 << 20).decode(errors="replace")


def differences(folder: Path, found: Rendered) -> list[str]:
    """What differs from the files below the folder, as unified diffs."""
    lines: list[str] = []
    for path, text in found.files.items():
        known = (_text_of(folder / path) or "").splitlines()
        lines += unified_diff(known, text.splitlines(), str(folder / path), path, lineterm="")
    return lines
