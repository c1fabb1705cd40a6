"""One option's text into its value, in oslo.config's way and with its complaints.

Source: oslo.config, oslo_config/types.py, and cfg.py: ``_substitute``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

_YES = ("true", "1", "on", "yes")
_NO = ("false", "0", "off", "no")
_PLACEHOLDER = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[_a-z][._a-z0-9]*)|\{(?P<braced>[_a-z][._a-z0-9]*)\})", re.IGNORECASE
)

Value: TypeAlias = bool | int | float | str | tuple[str, ...] | None


def read_value(kind: str, text: str) -> Value:
    """Read a value.

    Args:
        kind: the type, as ``releases.known`` writes it.
        text: the value as it stands in the file.

    Raises:
        ValueError: oslo refuses it; the text is oslo's.
    """
    name, _, limits = kind.partition(":")
    match name:
        case "bool":
            return read_bool(text)
        case "int":
            return _within(int(text), limits) if text.strip() else None
        case "float":
            return _within(float(text), limits) if text.strip() else None
        case "one":
            return _choice(text, limits)
        case "list":
            return read_list(text)
        case _:
            return text


def read_bool(text: str) -> bool:
    """Read a yes or a no.

    Raises:
        ValueError: it is neither.
    """
    word = text.lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError(f"Unexpected boolean value {text!r}")


def read_list(text: str) -> tuple[str, ...]:
    """Read values with commas between them; commas at the end do not count."""
    trimmed = text.strip().rstrip(",")
    return tuple(part.strip() for part in trimmed.split(",")) if trimmed else ()


def substitute(text: str, look_up: Callable[[str], str | None]) -> str:
    """Put values of other options where ``$name`` and ``${name}`` stand; ``$$`` is a dollar.

    Args:
        text: the value.
        look_up: the value of an option by its name; None where it is only known when nova runs.

    Raises:
        KeyError: there is no option of a name.
    """
    if "$" not in text:
        return text

    def put(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        value = look_up(found["bare"] or found["braced"])
        return found[0] if value is None else value

    return _PLACEHOLDER.sub(put, text.replace(r"\$", "$$"))


def _within(number: float, limits: str) -> float:
    least, _, most = limits.partition(":")
    if least and number < float(least):
        raise ValueError(f"Should be greater than or equal to {least}")
    if most and number > float(most):
        raise ValueError(f"Should be less than or equal to {most}")
    return number


def _choice(text: str, choices: str) -> str:
    known = choices.split("|")
    if text in known:
        return text
    raise ValueError(f"Valid values are [{', '.join(known)}], but found {text!r}")
