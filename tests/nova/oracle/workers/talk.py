"""How every worker talks: JSON lines in, JSON lines out. Runs in the environment."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]


def quieten() -> None:
    """Only answers are printed."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)


def heard() -> Any:
    """The next line."""
    return json.loads(sys.stdin.readline())


def say(answer: object) -> None:
    """One line of the answer; what JSON cannot hold is told as text."""
    sys.stdout.write(json.dumps(answer, default=str) + "\n")


def serve(answer: Callable[[Any], object]) -> None:
    """Answer until there are no more cases."""
    for line in sys.stdin:
        say(answer(json.loads(line)))


def raised(error: Exception) -> Answer:
    """An exception with its text."""
    return {"raises": [type(error).__name__, str(error)]}


def attempt(action: Callable[[], Any]) -> Answer:
    """What the action gives, or what it raises."""
    try:
        return {"gives": action()}
    except Exception as error:  # noqa: BLE001 - whatever nova raises is the answer
        return raised(error)
