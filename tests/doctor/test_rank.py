"""What a symptom suggests is folded under the cause that is sure, and stands where none is."""

from __future__ import annotations

import pytest

from gpucloud.doctor.rank import rank_report
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.model.finding import Evidence, Finding, Level


def found(cause: str, confidence: float, level: Level = Level.BLOCKER) -> Finding:
    return known(cause, cause, (Evidence("dmesg", f"a line of {cause}"),), confidence, level=level)


@pytest.mark.parametrize(
    ("root", "symptom"),
    [
        ("gpu-fell-off-bus", "power-state-d3"),
        ("rmrr-ineligible", "interrupt-remapping-missing"),
        ("whitelist-mismatch", "not-enough-devices"),
        ("pci-in-placement", "alias-device-type-mismatch"),
    ],
)
def test_what_is_only_supposed_goes_under_what_is_sure_with_its_lines(root: str, symptom: str) -> None:
    (one,) = rank_report([found(symptom, 0.6), found(root, 0.95)])
    assert one.cause == root
    assert [line.text for line in one.evidence] == [f"a line of {root}", f"a line of {symptom}"]


@pytest.mark.parametrize(
    ("of_root", "of_symptom", "level"),
    [
        (0.7, 0.62, Level.BLOCKER),  # a card that reads as ones, and nothing that says why
        (0.95, 0.9, Level.BLOCKER),  # both are shown by what is their own
        (0.95, 0.6, Level.INFO),
    ],
)
def test_what_is_not_sure_hides_nothing(of_root: float, of_symptom: float, level: Level) -> None:
    ranked = rank_report([found("gpu-fell-off-bus", of_root, level), found("power-state-d3", of_symptom)])
    assert len(ranked) == 2


def test_a_cause_of_another_kind_hides_nothing() -> None:
    assert len(rank_report([found("rmrr-ineligible", 0.95), found("not-enough-devices", 0.5)])) == 2
