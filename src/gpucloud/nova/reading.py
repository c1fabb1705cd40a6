"""Values of nova.conf as nova reads them: JSON by Python's parser, yes and no by oslo's."""

from __future__ import annotations

import json
from typing import TypeAlias

from gpucloud.nova.refusal import NovaRaises

Json: TypeAlias = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_YES = ("1", "t", "true", "on", "y", "yes")
_NO = ("0", "f", "false", "off", "n", "no")


def load_json(text: str) -> Json:
    """Read JSON as Python does: the last of repeated keys counts, NaN is a number.

    The words of an error are those of the Python that runs this; 3.13 says some things otherwise than 3.11.

    Raises:
        ValueError: it is no JSON; the text is Python's.
        NovaRaises: it is nested too deep, which no release of nova foresees.
    """
    try:
        loaded: Json = json.loads(text)
    except RecursionError as error:
        raise NovaRaises("RecursionError", str(error)) from error
    return loaded


def is_yes(value: Json) -> bool:
    """Whether oslo's lenient reading takes it for a yes; anything unknown is a no."""
    return value if isinstance(value, bool) else str(value).strip().lower() in _YES


def is_no(value: Json) -> bool:
    """Whether it is one of oslo's words for no."""
    return str(value).strip().lower() in _NO


def strict_yes(value: Json) -> bool:
    """Oslo's strict reading.

    Raises:
        ValueError: it is neither a yes nor a no; the text is oslo's.
    """
    if is_yes(value):
        return True
    if is_no(value):
        return False
    acceptable = ", ".join(f"'{word}'" for word in sorted(_YES + _NO))
    raise ValueError(f"Unrecognized value '{value}', acceptable values are: {acceptable}")
