"""How much work a regular expression may make on a short text.

Python's matcher tries one way after the other. Fields of an address have one to eight characters, so any
sane pattern is done at once; only repeats inside repeats inside repeats take hours. What is counted here are
the ways in which each part can take each number of characters: never fewer than the matcher can try.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

MOST = 10**9
"""Counting ends here."""
_MOST_TURNS = 64
"""Turns of a group that may be empty and must be repeated; more of them count as ``MOST``."""

Ways: TypeAlias = tuple[int, ...]
"""By the number of characters taken, in how many ways."""
_ONE_CHARACTER = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "RANGE", "CATEGORY")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


@lru_cache(maxsize=1000)
def effort(pattern: str, length: int) -> int:
    """At most so many steps to match a pattern against so many characters; ``MOST`` for more than that.

    Raises:
        re.error: it is no pattern.
    """
    with warnings.catch_warnings():  # what Python finds odd in a pattern is no error
        warnings.simplefilter("ignore")
        parsed = re._parser.parse(pattern)  # type: ignore[attr-defined]  # noqa: SLF001 - no other gives the tree
    try:
        return _sequence(parsed, length)[1]
    except RecursionError:
        return MOST


def _sequence(nodes: Iterable[tuple[Any, Any]], length: int) -> tuple[Ways, int]:
    """The ways of parts one after the other, and the steps that all of them take."""
    ways, steps = _nothing(length), 1
    for sign, value in nodes:
        its_ways, its_steps = _node(str(sign), value, length)
        steps = min(MOST, steps + sum(ways) * its_steps)
        ways = _joined(ways, its_ways)
    return ways, steps


def _node(sign: str, value: Any, length: int) -> tuple[Ways, int]:
    if sign in _ONE_CHARACTER:
        return tuple(int(taken == 1) for taken in range(length + 1)), 1
    if sign == "BRANCH":
        return _either([_sequence(each, length) for each in value[1]])
    if sign == "SUBPATTERN":
        return _sequence(value[3], length)
    if sign == "ATOMIC_GROUP":
        return _sequence(value, length)
    if sign in _REPEATS:
        return _repeated(value[0], value[1], *_sequence(value[2], length), length)
    if sign in ("ASSERT", "ASSERT_NOT"):
        return _nothing(length), _sequence(value[1], length)[1]
    if sign == "GROUPREF":
        return (1,) * (length + 1), 1
    if sign == "GROUPREF_EXISTS":
        return _either([_sequence(each or (), length) for each in value[1:]])
    return _nothing(length), 1  # a place: ^, $, \b


def _either(choices: Sequence[tuple[Ways, int]]) -> tuple[Ways, int]:
    ways = tuple(min(MOST, sum(each)) for each in zip(*(ways for ways, _ in choices), strict=True))
    return ways, min(MOST, sum(steps for _, steps in choices))


def _repeated(least: int, most: int, body: Ways, body_steps: int, length: int) -> tuple[Ways, int]:
    """Turns of a body. Beyond those that must be, an empty turn is the last."""
    if body[0] and least > _MOST_TURNS:
        return (MOST,) * (length + 1), MOST
    turns, steps = _nothing(length), 1
    for _ in range(least):
        steps = min(MOST, steps + sum(turns) * body_steps)
        turns = _joined(turns, body)
        if not any(turns):
            break
    longer = (0, *body[1:])
    ways = turns
    for _ in range(min(most - least, length + 1)):
        steps = min(MOST, steps + sum(turns) * body_steps)
        turns = _joined(turns, longer)
        ways = tuple(min(MOST, one + more) for one, more in zip(ways, turns, strict=True))
        if not any(turns):
            break
    return tuple(min(MOST, one * (1 + body[0])) for one in ways) if most > least else ways, steps


def _joined(first: Ways, second: Ways) -> Ways:
    """Ways to take some characters with one part, and some more with another."""
    return tuple(
        min(MOST, sum(first[part] * second[taken - part] for part in range(taken + 1)))
        for taken in range(len(first))
    )


def _nothing(length: int) -> Ways:
    return (1,) + (0,) * length
