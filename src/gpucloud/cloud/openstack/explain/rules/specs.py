"""How nova-scheduler weighs a value against what an extra spec wants."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_WORDS: Mapping[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": operator.contains,
}


def meets(value: str, wanted: str) -> bool:
    """Claims that a value of an aggregate or a host is what an extra spec wants.

    Source: nova/scheduler/filters/extra_specs_ops.py, ``match``; ``=`` is "at least" there.
    """
    sign, *words = wanted.split() or [""]
    if sign == "<or>":
        return value in words[::2]
    if sign == "<all-in>":
        return bool(words) and all(word in value for word in words)
    if sign in _WORDS:
        return bool(words) and _WORDS[sign](value, words[0])
    if sign not in _NUMBERS:
        return value == wanted
    try:
        return bool(words) and _NUMBERS[sign](float(value), float(words[0]))
    except ValueError:
        return False
