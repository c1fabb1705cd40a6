"""Amounts as people type them, strictly: memory (``4G``) and times (``1h30m``), both ways."""

from __future__ import annotations

import re

_MEMORY = re.compile(r"([0-9]{1,9})([MGT])(?:iB)?", re.ASCII)
_TIME = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?", re.ASCII)
_MIB = {"M": 1, "G": 1024, "T": 1024 * 1024}
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_memory_mib(text: str) -> int:
    """Read an amount of memory, ``512M``, ``4G`` or ``4GiB``, in MiB. The unit is never guessed.

    Raises:
        ValueError: the text is no such amount, or it is nothing.
    """
    match = _MEMORY.fullmatch(text)
    amount = int(match[1]) * _MIB[match[2]] if match else 0
    if not amount:
        raise ValueError(f"{text!r} is no amount of memory: write 512M, 4G or 1T")
    return amount


def format_memory(mib: int) -> str:
    """Write an amount of memory in the largest unit that needs no fraction."""
    unit = max((name for name, size in _MIB.items() if mib % size == 0), key=_MIB.__getitem__)
    return f"{mib // _MIB[unit]}{unit}"


def parse_duration_s(text: str) -> int:
    """Read a time, ``90s``, ``20m``, ``2h`` or ``1d12h``, in seconds: larger units first, each once.

    Raises:
        ValueError: the text is no such time, or it is nothing.
    """
    match = _TIME.fullmatch(text)
    parts = match.groups(default="0") if match else ()
    seconds = sum(int(part) * size for part, size in zip(parts, _SECONDS.values(), strict=bool(parts)))
    if not seconds:
        raise ValueError(f"{text!r} is no time: write 90s, 20m, 2h or 1d12h")
    return seconds


def format_duration(seconds: int) -> str:
    """Write a time in days, hours, minutes and seconds, leaving out what is nothing."""
    text, rest = "", seconds
    for unit, size in _SECONDS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
