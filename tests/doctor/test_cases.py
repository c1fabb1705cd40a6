"""Reports of real failures: a floor under the doctor's accuracy. ``bench/cases.py`` prints the figures.

Each file names its source. They are the development set: rules are not fitted to their wording.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gpucloud.doctor import CAUSES, diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping
from gpucloud.model.finding import Level

FILES = sorted((Path(__file__).parents[1] / "cases").glob("*.yaml"))
CASES = [yaml.load(path.read_bytes(), yaml.CSafeLoader) for path in FILES]
RAW = [case for case in CASES if case["has_raw_evidence"]]
CONFIRMED = [case for case in RAW if case["confidence"].startswith("confirmed")]


@pytest.mark.parametrize(
    "case", [c for c in CONFIRMED if c["expected"]["cause_id"] != "no-fault"], ids=lambda c: c["id"]
)
def test_the_right_cause_of_a_confirmed_report_is_among_the_first_three(case: dict) -> None:  # type: ignore[type-arg]
    accepted = {case["expected"]["cause_id"], *case["expected"].get("also_acceptable", ())}
    found = [f.cause for f in diagnose(gather(from_mapping(case["id"], case))).findings[:3]]
    assert accepted & set(found), found


@pytest.mark.parametrize(
    "case", [c for c in RAW if c["expected"]["cause_id"] == "no-fault"], ids=lambda c: c["id"]
)
def test_a_working_set_up_raises_no_alarm(case: dict) -> None:  # type: ignore[type-arg]
    found = diagnose(gather(from_mapping(case["id"], case))).findings
    assert [f.cause for f in found if f.level is not Level.INFO] == []


def test_every_cause_of_the_reports_is_registered() -> None:
    assert {case["expected"]["cause_id"] for case in CASES} - {"no-fault"} <= set(CAUSES)
