"""Rendered files below a folder of the user's: compared with what lies there, written, and merged into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from gpucloud.cli.writing import keep_copy, replace_whole
from gpucloud.model.failure import Failure

if TYPE_CHECKING:
    from gpucloud.nova.render import Rendered

_MOST = 1 << 20
"""Bytes of a file; no nova.conf is longer."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file with what it holds now and what it is to hold.

    Args:
        path: where it is.
        known: its text; None where there is no file.
        text: what it becomes.
        replaced: lines of somebody else's that it loses.
        is_ours: gpucloud wrote what is there, or nothing is there.
    """

    path: Path
    known: str | None
    text: str
    replaced: tuple[str, ...]
    is_ours: bool


def places(folder: Path, found: Rendered) -> tuple[Place, ...]:
    """The rendered files where they belong: a nova.conf of somebody else keeps its own lines.

    Raises:
        Failure: a file is too long, no text, or not in nova.conf's format.
    """
    return tuple(_place(folder / path, text, found) for path, text in found.files.items())


def write_below(planned: tuple[Place, ...]) -> list[str]:
    """Write all files, or none where one cannot be merged. What somebody else wrote is kept beside it.

    Raises:
        Failure: a file that is there was not written by gpucloud, and is no nova.conf.
    """
    for place in planned:
        if not place.is_ours and not _is_nova_conf(place.path):
            raise Failure(
                f"{place.path} is there, and gpucloud did not write it",
                "see what differs with --diff, and put it in by hand, or write to an empty folder",
            )
    return [line for place in planned for line in _write(place)]


def differences(planned: tuple[Place, ...]) -> list[str]:
    """What would change in the files, as unified diffs."""
    return [line for place in planned for line in _difference(place)]


def _difference(place: Place) -> Iterator[str]:
    known = (place.known or "").splitlines()
    return unified_diff(known, place.text.splitlines(), str(place.path), f"{place.path} (new)", lineterm="")


def _place(path: Path, rendered: str, found: Rendered) -> Place:
    from gpucloud.nova.render import is_ours, merge

    known = _text_of(path)
    if known is None or is_ours(known):
        return Place(path, known, rendered, (), is_ours=True)
    if not _is_nova_conf(path):
        return Place(path, known, rendered, (), is_ours=False)
    merged = merge(str(path), known, rendered, found.release)
    return Place(path, known, merged.text, merged.replaced, is_ours=False)


def _is_nova_conf(path: Path) -> bool:
    """By its name; DevStack's local.conf is a script's, with sections of its own kind."""
    return path.suffix == ".conf" and path.name != "local.conf"


def _text_of(path: Path) -> str | None:
    """The text of a file; None where there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        found = file.read(_MOST + 1)
    if len(found) > _MOST:
        raise Failure(f"{path} is longer than a megabyte", "is it a nova.conf?")
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is no text in UTF-8", "write to an empty folder") from error


def _write(place: Place) -> Iterator[str]:
    """Write a file that changes; somebody else's is copied first."""
    if place.known is not None and not place.is_ours:
        if place.known == place.text:
            return
        yield str(keep_copy(place.path))
    place.path.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(place.path, place.text.encode())
    yield str(place.path)
