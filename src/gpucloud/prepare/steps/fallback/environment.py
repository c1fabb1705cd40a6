"""GRUB's environment block as text: one variable read, set and taken away, all others as they are.

The block is a file of 1024 bytes, filled up with ``#``: GRUB writes into its place on the disk from its own
code and can make no file longer (grub-core/lib/envblk.c).
"""

from __future__ import annotations

from collections.abc import Iterator

VARIABLE = "gpucloud_tries"
_FILL = "#"


def read_variable(block: str, variable: str = VARIABLE) -> str | None:
    """What the block says of the variable; None where it does not name it."""
    for line in _lines(block):
        name, is_set, value = line.rstrip("\n").partition("=")
        if is_set and name == variable:
            return value
    return None


def with_variable(block: str, value: str | None, variable: str = VARIABLE) -> str:
    """The block with the variable set where it stands or at the end, or without it.

    As long as before, or longer: then there is no room for it, and GRUB would not read it.
    """
    line = "" if value is None else f"{variable}={value}\n"
    lines = list(_lines(block))
    places = [number for number, each in enumerate(lines) if each.startswith(f"{variable}=")]
    if places:
        lines[places[0]] = line
    else:
        lines.append(line)
    text = "".join(lines)
    return text + _FILL * (len(block.encode()) - len(text.encode()))


def _lines(block: str) -> Iterator[str]:
    return iter(block.rstrip(_FILL).splitlines(keepends=True))
