"""What a layout is: a way of deploying nova, with its files and its commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpucloud.nova.render.settings import Settings


@dataclass(frozen=True, slots=True)
class Layout:
    """A way of deploying.

    Args:
        name: what users type.
        says: what it is, and where its files go, in one line.
        files: settings into files by their path below the folder that they are written to.
        restarts: service (``compute``, ``api``, ``conductor``, ``scheduler``, ``placement``) to the command
            that makes it read its files again.
        warns: what this way of deploying lacks for the settings, in words.
        refuses: what this layout cannot hold, in words; None where it can hold the settings.
    """

    name: str
    says: str
    files: Callable[[Settings], Mapping[str, str]]
    restarts: Mapping[str, str]
    warns: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    refuses: Callable[[Settings], str | None] = lambda _: None
