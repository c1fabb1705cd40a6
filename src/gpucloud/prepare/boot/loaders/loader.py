"""What every boot loader can do for a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from gpucloud.inventory.system.kernel import before_init, parse_arguments
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


def in_all(said: Sequence[tuple[Argument, ...]]) -> tuple[Argument, ...]:
    """Arguments that every place has, and those that switch something off in any of them."""
    common = set.intersection(*({argument.text for argument in each} for each in said))
    merged = {argument.text: argument for each in said for argument in each}
    return tuple(a for a in merged.values() if a.text in common or "off" in a.values)


_WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
"""As the kernel parts words (``parse_arguments``), with their places."""


def kernel_words(line: str, *, is_grubs: bool = False) -> tuple[str, ...]:
    """Arguments that reach the kernel itself.

    Args:
        line: the arguments as a boot loader's file has them.
        is_grubs: the line becomes a command of GRUB's language, where ``#`` before a word begins a comment.
    """
    return parse_arguments(line[: end_of_arguments(line)]) if is_grubs else before_init(parse_arguments(line))


def add_words(line: str, words: Sequence[str]) -> str:
    """Arguments with those of the words added that are not there, where every reader takes them as arguments.

    That is before ``--``, before what GRUB takes as a comment, and before a quote without its end.
    """
    end = end_of_arguments(line)
    have = parse_arguments(line[:end])
    missing = [word for word in words if word not in have]
    return " ".join(filter(None, (line[:end].strip(), *missing, line[end:].strip()))) if missing else line


def end_of_arguments(line: str) -> int:
    """Where the first word stands that ends what every reader takes for the kernel's; else the line's end."""
    return next((word.start() for word in _WORD.finditer(line) if ends_arguments(word[0])), len(line))


def ends_arguments(word: str) -> bool:
    """Claims ``--``, what begins a comment of GRUB's, or a quote without its end."""
    return word == "--" or word.startswith("#") or word.count('"') % 2 == 1


def cmdline_lines(text: str) -> str:
    """/etc/kernel/cmdline without lines that are comments.

    kernel-install before 257 takes these for arguments, too (systemd's pull request 34008).
    """
    return "\n".join(line for line in text.split("\n") if not _is_comment(line))


def add_to_cmdline(text: str, words: Sequence[str]) -> str:
    """/etc/kernel/cmdline with words added to its first line: some of its readers take no other."""
    have = kernel_words(cmdline_lines(text), is_grubs=True)
    missing = [word for word in words if word not in have]
    if not missing:
        return text
    lines = text.rstrip("\n").split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip() and not _is_comment(line)), None)
    if first is None:
        lines = [*filter(None, lines), " ".join(missing)]
    else:
        lines[first] = add_words(lines[first], missing)
    return "\n".join(lines) + "\n"


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
