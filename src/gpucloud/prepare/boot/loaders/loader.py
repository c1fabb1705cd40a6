"""What every boot loader can do for a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument

Texts = Mapping[str, str | None]
"""New texts of files by their paths; None: the file goes."""


class Loader(Protocol):
    """One way in which kernel arguments are kept."""

    @property
    def name(self) -> str:
        """Where arguments are kept, for the reference page."""

    @property
    def tools(self) -> tuple[tuple[str, ...], ...]:
        """Commands that make the boot menu of the files; none where the files are the menu."""

    @property
    def own(self) -> tuple[str, ...]:
        """Files that are gpucloud's own and nobody else's."""

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        """What the next start gets, in order, but for gpucloud's own drop-in."""

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        """The files with these words added; files that need no change are not named."""


def add_words(line: str, words: Sequence[str]) -> str:
    """Arguments with those of the words added that are not there."""
    have = line.split()
    return " ".join([line.rstrip(), *(word for word in words if word not in have)]).lstrip()


def cmdline_words(text: str) -> tuple[str, ...]:
    """Arguments in /etc/kernel/cmdline, but for lines that are comments."""
    return tuple(word for line in text.split("\n") if not _is_comment(line) for word in line.split())


def add_to_cmdline(text: str, words: Sequence[str]) -> str:
    """/etc/kernel/cmdline with words added to its first line: some of its readers take no other."""
    missing = [word for word in words if word not in cmdline_words(text)]
    lines = text.rstrip("\n").split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip() and not _is_comment(line)), None)
    if first is None:
        lines = [*filter(None, lines), " ".join(missing)]
    else:
        lines[first] = add_words(lines[first], missing)
    return "\n".join(lines) + "\n"


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
