"""Configuration of kernel modules, as every directive with its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gpucloud.inventory.reader import Reader
from gpucloud.model.host import ModuleDirective
from gpucloud.model.unknown import Unknown

_ROOTS = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
"""First wins: a file hides those of its name in later folders (modprobe.d(5), modules-load.d(5))."""
_MODPROBE = tuple(f"{root}/modprobe.d" for root in _ROOTS)
_LOAD = tuple(f"{root}/modules-load.d" for root in _ROOTS)
_DRACUT = ("/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d")
_MKINITCPIO = ("/etc/mkinitcpio.conf.d",)
_FOLDERS = (_MODPROBE, _LOAD, _DRACUT, _MKINITCPIO)
_FILES = ("/etc/modules", "/etc/initramfs-tools/modules", "/etc/dracut.conf", "/etc/mkinitcpio.conf")

CONFIGURATION = (*(f"{folder}/*.conf" for folders in _FOLDERS for folder in folders), *_FILES)
"""Patterns of all files that are read here. A capture keeps nothing of them but directives."""


class Configuration(NamedTuple):
    """All directives, files in the order in which the tools read them, and why some could not be read."""

    directives: tuple[ModuleDirective, ...] | Unknown
    """Unknown where none of modprobe's folders can be looked at: kmod brings one to every distribution."""
    unread: tuple[Unknown, ...]


def read_configuration(reader: Reader) -> Configuration:
    """Read the configuration of modprobe, modules-load, dracut, mkinitcpio and initramfs-tools."""
    looked_at = {folder: reader.list_dir(folder) for folders in _FOLDERS for folder in folders}
    modprobe = [looked_at[folder] for folder in _MODPROBE]
    if not any(isinstance(names, tuple) for names in modprobe):
        first = modprobe[0]
        missing = first if isinstance(first, Unknown) else Unknown(f"{_MODPROBE[0]} is not there")
        return Configuration(missing, ())
    paths = [path for folders in _FOLDERS for path in _chosen(folders, looked_at)]
    texts = {path: reader.read_text(path) for path in (*paths, *_FILES)}
    directives = [
        each for path, text in texts.items() if isinstance(text, str) for each in parse_directives(path, text)
    ]
    answers = (*looked_at.values(), *texts.values())
    return Configuration(tuple(directives), tuple(each for each in answers if isinstance(each, Unknown)))


def parse_directives(path: str, text: str) -> Iterator[ModuleDirective]:
    """Take the lines that say something; one that ends in a backslash goes on in the next.

    ``line`` is the first line of the directive, counted from 1.
    """
    for number, lines in statements(text):
        whole = joined(lines)
        if whole:
            yield ModuleDirective(path, number, whole)


def blank_comments(text: str) -> str:
    """Empty the lines that say nothing, and keep the numbers of all others."""
    return "\n".join(line if joined(lines) else "" for _, lines in statements(text) for line in lines)


def statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that belong together, with the number of the first: one that ends in a backslash goes on."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        lines.append(line)
        if not line.endswith("\\"):
            yield number - len(lines) + 1, lines
            lines = []
    if lines:
        yield len(text.splitlines()) - len(lines) + 1, lines


def joined(lines: list[str]) -> str:
    """One statement on one line; empty for a comment."""
    whole = " ".join("".join(line.removesuffix("\\") for line in lines).split())
    return "" if whole.startswith(("#", ";")) else whole


def _chosen(folders: tuple[str, ...], looked_at: Mapping[str, tuple[str, ...] | None | Unknown]) -> list[str]:
    """Files of several folders in the order of their names; the first of a name hides the others."""
    chosen: dict[str, str] = {}
    for folder in folders:
        names = looked_at[folder]
        for name in names if isinstance(names, tuple) else ():
            if name.endswith(".conf"):
                chosen.setdefault(name, f"{folder}/{name}")
    return [chosen[name] for name in sorted(chosen)]
