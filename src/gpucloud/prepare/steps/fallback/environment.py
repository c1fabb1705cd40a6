"""GRUB's environment block as text: one variable read, set and taken away, all others as they are.

The block is a file of 1024 bytes, filled up with ``#``: GRUB writes into its place on the disk from its own
code and can make no file longer (grub-core/lib/envblk.c).
"""

from __future__ import annotations

from collections.abc import Iterator

VARIABLE = "gpucloud_tries"
_FILL = "#"


def read_variable(block: str) -> str | None:
    """What the block says of the variable; None where it does not name it."""
    for line in _lines(block):
        name, is_set, value = line.rstrip("\n").partition("=")
        if is_set and name == VARIABLE:
            return value
    return None


def with_variable(block: str, value: str | None) -> str:
    """The block with the variable set, or without it; as long as before.

    Raises:
        ValueError: there is no room for it.
    """
    kept = [line for line in _lines(block) if not line.startswith(f"{VARIABLE}=")]
    text = "".join(kept if value is None else [*kept, f"{VARIABLE}={value}\n"])
    if len(text) > len(block):
        raise ValueError("there is no room left in the environment block")
    return text.ljust(len(block), _FILL)


def _lines(block: str) -> Iterator[str]:
    return iter(block.rstrip(_FILL).splitlines(keepends=True))
