"""Configuration of kernel modules, as every directive with its file and line."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.inventory.reader import Reader
from gpucloud.model.host import ModuleDirective
from gpucloud.model.unknown import Unknown

_ROOTS = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
"""First wins: a file hides those of its name in later folders (modprobe.d(5), modules-load.d(5))."""
_SINGLE = (
    "/etc/modules",
    "/etc/initramfs-tools/modules",
    "/etc/dracut.conf",
    "/etc/mkinitcpio.conf",
)
_DRACUT = ("/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d")
_MKINITCPIO = ("/etc/mkinitcpio.conf.d",)


def read_configuration(reader: Reader) -> tuple[ModuleDirective, ...] | Unknown:
    """Read all directives, files in the order in which the tools read them.

    Unknown where none of modprobe's folders can be looked at: kmod brings one to every distribution.
    """
    modprobe = tuple(f"{root}/modprobe.d" for root in _ROOTS)
    load = tuple(f"{root}/modules-load.d" for root in _ROOTS)
    looked_at = [reader.list_dir(folder) for folder in modprobe]
    if not any(isinstance(names, tuple) for names in looked_at):
        first = looked_at[0]
        return first if isinstance(first, Unknown) else Unknown(f"{modprobe[0]} is not there")
    paths = [path for folders in (modprobe, load, _DRACUT, _MKINITCPIO) for path in _files(reader, folders)]
    return tuple(directive for path in (*paths, *_SINGLE) for directive in _directives(reader, path))


def parse_directives(path: str, text: str) -> Iterator[ModuleDirective]:
    """Take the lines that say something; one that ends in a backslash goes on in the next.

    ``line`` is the first line of the directive, counted from 1.
    """
    parts: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(), start=1):
        if not parts:
            start = number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        whole = " ".join("".join((*parts, line)).split())
        parts = []
        if whole and not whole.startswith(("#", ";")):
            yield ModuleDirective(path, start, whole)


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
