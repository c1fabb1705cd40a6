"""Entries of the Boot Loader Specification: Red Hat's family with GRUB, and systemd-boot everywhere.

The entries are the menu: no tool has to run. Entries that will be made later get their arguments from
/etc/kernel/cmdline (kernel-install(8)) and, in Red Hat's family, from /etc/default/grub (grub2-mkconfig) or
``kernelopts`` in grubenv, to which entries of RHEL 8 refer; so the words are added wherever those are kept.
Entries of the rescue system are left as they are: one way to start is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from gpucloud.inventory.system.boot import starts_linux
from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.grub import add_to_file, makes_entries, why_not_told
from gpucloud.prepare.boot.loaders.loader import (
    Texts,
    add_to_cmdline,
    add_words,
    ends_arguments,
    in_all,
    kernel_words,
)
from gpucloud.prepare.boot.paths import ENTRIES, GRUB, GRUB_ENVIRONMENT, KERNEL_CMDLINE
from gpucloud.prepare.steps.fallback.environment import read_variable, with_variable

_OPTIONS = re.compile(r"^([ \t]*options[ \t]+)(.*)$", re.MULTILINE)
KERNELOPTS = "kernelopts"
"""The variable in GRUB's environment to which entries of RHEL 8 refer. Where it is lost, grub.cfg's
``default_kernelopts`` stands for it (Fedora's grub-core/commands/blscfg.c): words go behind the reference."""
_REFERENCE = f"${KERNELOPTS}"


@dataclass(frozen=True, slots=True)
class BootEntries:
    """Entries below the boot partition or the EFI system partition."""

    has_grub: bool
    """New entries also take what /etc/default/grub says."""
    tools: tuple[tuple[str, ...], ...] = ()
    name: str = (
        "boot entries but for the rescue system's, `/etc/kernel/cmdline`, GRUB's files where it has any"
    )
    own: tuple[str, ...] = ()

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        paths = _entries(files)
        why = why_not_told(files) if self.has_grub else None
        if isinstance(paths, Unknown) or why is not None:
            return paths if isinstance(paths, Unknown) else Unknown(why or "")
        if self.has_grub and makes_entries(files):
            return Unknown(
                f"{GRUB} says GRUB_ENABLE_BLSCFG=false, so boot entries are not in GRUB's menu: say true, "
                "then make it anew: grub2-mkconfig -o /boot/grub2/grub.cfg"
            )
        found: list[tuple[Argument, ...]] = []
        for path in paths:
            text = files.text(path)
            if isinstance(text, Unknown):
                return text
            found += self._readings(path, text or "", files)
        return in_all(found)

    def _readings(self, path: str, text: str, files: BootFiles) -> Iterator[tuple[Argument, ...]]:
        """What the kernel is told by systemd-boot, which joins all lines, and by GRUB, which takes the first.

        Source: systemd's src/boot/efi/boot.c, Fedora's grub-core/commands/blscfg.c (bls_get_val).
        """
        lines = [match[2] for match in _OPTIONS.finditer(text)]
        every = _arguments(path, " ".join(lines), files)
        yield tuple(takewhile(lambda each: each.text != "--", every))
        if self.has_grub:
            first = _arguments(path, "".join(lines[:1]), files)
            yield tuple(takewhile(lambda each: not ends_arguments(each.text), first))

    def by_entry(self, files: BootFiles) -> dict[str, tuple[str, ...]]:
        """The words of each entry, with those for init, as far as they can be read."""
        entries = _entries(files)
        texts = {path: files.text(path) for path in (entries if isinstance(entries, tuple) else ())}
        found = {path: text for path, text in texts.items() if isinstance(text, str)}
        lines = {path: " ".join(match[2] for match in _OPTIONS.finditer(found[path])) for path in found}
        return {path: tuple(a.text for a in _arguments(path, line, files)) for path, line in lines.items()}

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        return dict(self._changed(files, words)) if words else {}

    def _changed(self, files: BootFiles, words: Sequence[str]) -> Iterator[tuple[str, str]]:
        block, entries = files.text(GRUB_ENVIRONMENT), _entries(files)
        said = read_variable(block, KERNELOPTS) if isinstance(block, str) else None
        for path in entries if isinstance(entries, tuple) else ():
            text = files.text(path)
            if isinstance(text, str) and (said is None or not _refers(text)):
                yield path, _OPTIONS.sub(lambda match: match[1] + add_words(match[2], words), text, count=1)
        if isinstance(block, str) and said is not None:
            yield GRUB_ENVIRONMENT, with_variable(block, add_words(said, words), KERNELOPTS)
        if isinstance(text := files.text(KERNEL_CMDLINE), str):
            yield KERNEL_CMDLINE, add_to_cmdline(text, words)
        if self.has_grub:
            for path, text in add_to_file(files, "GRUB_CMDLINE_LINUX", words).items():
                if text is not None:
                    yield path, text


def _entries(files: BootFiles) -> tuple[str, ...] | Unknown:
    """Entries that start this system; Unknown where there is none that could be changed."""
    found: list[str] = []
    for folder in ENTRIES:
        paths = files.matching(folder, ".conf")
        if isinstance(paths, Unknown):
            return paths
        found += paths
    with_options = [
        path
        for path in found
        if isinstance(text := files.text(path), str) and _OPTIONS.search(text) and starts_linux(path, text)
    ]
    if not with_options:
        return Unknown("there is no boot entry with options: unified kernel images keep theirs inside")
    return tuple(with_options)


def _refers(text: str) -> bool:
    """Claims that an entry takes its kernel's arguments from GRUB's environment."""
    line = _OPTIONS.search(text)
    return line is not None and _REFERENCE in kernel_words(line[2], is_grubs=True)


def _arguments(path: str, line: str, files: BootFiles) -> Iterator[Argument]:
    """The words, with those of GRUB's environment where its variables stand for them, as tuned's do."""
    block = files.text(GRUB_ENVIRONMENT)
    for word in parse_arguments(line):
        said = read_variable(block, word[1:]) if word.startswith("$") and isinstance(block, str) else None
        if said is None and word != _REFERENCE:
            yield Argument(word, path)
        for each in parse_arguments(said or ""):
            yield Argument(each, GRUB_ENVIRONMENT)
