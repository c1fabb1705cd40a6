"""What a layout is: a way of deploying nova, with its files and its commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpucloud.nova.releases.release import Release
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
        restarts_of: the commands that are others in a release.
    """

    name: str
    says: str
    files: Callable[[Settings], Mapping[str, str]]
    restarts: Mapping[str, str]
    warns: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    refuses: Callable[[Settings], str | None] = lambda _: None
    restarts_of: Callable[[Release], Mapping[str, str]] = lambda _: {}

    def restart(self, service: str, release: Release) -> str:
        """The command with which a service of a release reads its files again."""
        return {**self.restarts, **self.restarts_of(release)}[service]
