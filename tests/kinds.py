"""Which marks a test may have: by them one verb of ``./run`` runs it, and no other."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

KINDS = (
    frozenset[str](),
    frozenset(("proof",)),
    frozenset(("proof", "slow")),
    frozenset(("lab",)),
    frozenset(("lab", "slow")),
    frozenset(("lab", "slow", "long")),
    frozenset(("oracle",)),
)
MARKS = frozenset[str]().union(*KINDS)


def check_kinds(items: Iterable[pytest.Item]) -> None:
    """Refuse marks that no verb of ``./run`` looks for together."""
    for item in items:
        if MARKS.intersection(mark.name for mark in item.iter_markers()) not in KINDS:
            raise pytest.UsageError(f"{item.nodeid}: its marks are none of those in tests/kinds.py")
