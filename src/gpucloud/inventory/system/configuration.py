"""Configuration of kernel modules, as every directive with its file and line."""

from __future__ import annotations

from collections.abc import Iterator

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


def read_configuration(reader: Reader) -> tuple[ModuleDirective, ...] | Unknown:
    """Read all directives, files in the order in which the tools read them.

    Unknown where none of modprobe's folders can be looked at: kmod brings one to every distribution.
    """
    looked_at = [reader.list_dir(folder) for folder in _MODPROBE]
    if not any(isinstance(names, tuple) for names in looked_at):
        first = looked_at[0]
        return first if isinstance(first, Unknown) else Unknown(f"{_MODPROBE[0]} is not there")
    paths = [path for folders in _FOLDERS for path in _files(reader, folders)]
    return tuple(directive for path in (*paths, *_FILES) for directive in _directives(reader, path))


def parse_directives(path: str, text: str) -> Iterator[ModuleDirective]:
    """Take the lines that say something; one that ends in a backslash goes on in the next.

    ``line`` is the first line of the directive, counted from 1.
    """
    for number, lines in _statements(text):
        whole = _joined(lines)
        if whole:
            yield ModuleDirective(path, number, whole)


def blank_comments(text: str) -> str:
    """Empty the lines that say nothing, and keep the numbers of all others."""
    return "\n".join(line if _joined(lines) else "" for _, lines in _statements(text) for line in lines)


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        lines.append(line)
        if not line.endswith("\\"):
            yield number - len(lines) + 1, lines
            lines = []
    if lines:
        yield len(text.splitlines()) - len(lines) + 1, lines


def _joined(lines: list[str]) -> str:
    """One statement on one line; empty for a comment."""
    whole = " ".join("".join(line.removesuffix("\\") for line in lines).split())
    return "" if whole.startswith(("#", ";")) else whole


def _files(reader: Reader, folders: tuple[str, ...]) -> list[str]:
    chosen: dict[str, str] = {}
    for folder in folders:
        names = reader.list_dir(folder)
        for name in names if isinstance(names, tuple) else ():
            if name.endswith(".conf"):
                chosen.setdefault(name, f"{folder}/{name}")
    return [chosen[name] for name in sorted(chosen)]


def _directives(reader: Reader, path: str) -> Iterator[ModuleDirective]:
    text = reader.read_text(path)
    if isinstance(text, str):
        yield from parse_directives(path, text)
