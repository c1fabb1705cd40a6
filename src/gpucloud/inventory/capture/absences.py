"""What a missing path means: it was not on the host, or it is not in the capture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol

from gpucloud.inventory.capture.allowlist import KVM_ANSWER, is_always_there
from gpucloud.model.unknown import Unknown


class Absences(Protocol):
    """Decides what a path that a capture lacks means."""

    def why(self, path: str, *, has_folder: bool) -> Unknown | None:
        """None: the host did not have it. ``has_folder``: the folder it would be in is there."""

    def unread(self, folder: str) -> tuple[str, ...]:
        """Names in a folder that were there on the host and could not be read."""


class ByRule:
    """For captures without a manifest; the rule is in the package's docstring."""

    def why(self, path: str, *, has_folder: bool) -> Unknown | None:
        if path == KVM_ANSWER:  # nobody but gpucloud asks
            return None
        if is_always_there(path) or not has_folder:
            return Unknown(f"{path[1:]} is not in the capture")
        return None

    def unread(self, folder: str) -> tuple[str, ...]:  # noqa: ARG002 - nothing says what could not be read
        return ()


class ByManifest:
    """For captures with a manifest.

    Args:
        collected: the patterns that were collected, ``@release`` included.
        unread: paths that could not be read, with the reason.
    """

    def __init__(self, collected: Iterable[str], unread: Mapping[str, str]) -> None:
        self._unread = unread
        self._names: dict[str, list[str]] = {}
        for path in unread:
            self._names.setdefault(path.rpartition("/")[0], []).append(path.rpartition("/")[2])
        self._collected = _patterns(tuple(collected))

    def why(self, path: str, *, has_folder: bool) -> Unknown | None:  # noqa: ARG002 - the manifest knows
        above = path
        while above:
            if above in self._unread:
                return Unknown(f"{self._unread[above]}: {path}")
            above = above.rpartition("/")[0]
        if self._collected.matches(path.split("/")[1:]):
            return None
        return Unknown(f"{path[1:]} is not in the capture")

    def unread(self, folder: str) -> tuple[str, ...]:
        return tuple(self._names.get(folder, ()))


class _Node:
    """Patterns by component. A pattern covers its folders too: they are listed to expand it."""

    def __init__(self) -> None:
        self._exact: dict[str, _Node] = {}
        self._globs: dict[str, _Node] = {}

    def add(self, parts: list[str]) -> None:
        node = self
        for part in parts:
            is_glob = part == "@release" or any(character in part for character in "*?[")
            branch = node._globs if is_glob else node._exact
            node = branch.setdefault("*" if part == "@release" else part, _Node())

    def matches(self, parts: list[str]) -> bool:
        if not parts:
            return True
        exact = self._exact.get(parts[0])
        if exact is not None and exact.matches(parts[1:]):
            return True
        return any(
            node.matches(parts[1:]) for glob, node in self._globs.items() if fnmatchcase(parts[0], glob)
        )


@lru_cache(maxsize=4)
def _patterns(collected: tuple[str, ...]) -> _Node:
    """All patterns of a manifest; those of one release of gpucloud collected the same."""
    node = _Node()
    for pattern in collected:
        node.add(pattern.split("/")[1:])
    return node
