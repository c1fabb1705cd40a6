"""Changed reports through every part of the doctor; ``bench/fuzz.py`` runs as many as one likes."""

from __future__ import annotations

import pytest
from bench.fuzz import PARTS, Tally, run

pytestmark = pytest.mark.proof

FEW = {"whole": 150, "document": 600, "lines": 600, "messages": 150}


@pytest.mark.parametrize("part", PARTS)
def test_no_changed_report_stops_the_doctor(part: str) -> None:
    tally = Tally(
        PARTS[part], limit_s=10
    )  # how fast it is the bench says; here only what would take for ever
    run(tally, FEW[part], seconds=60, seed=2026)
    assert tally.inputs == FEW[part]
