"""Evidence written from the manuals and sources of the programs, over all causes, with near misses.

Each file names where its message is written. A file with ``cause`` must give it first; a file without is
a near miss, in which nothing may be said at warning or above.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gpucloud.doctor import CAUSES, diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping
from gpucloud.model.finding import Finding, Level

FILES = {
    path.stem: yaml.load(path.read_bytes(), yaml.CSafeLoader)
    for path in sorted((Path(__file__).parent / "synthetic").glob("*.yaml"))
}
FAULTS = [name for name, case in FILES.items() if "cause" in case]
NEAR_MISSES = [name for name, case in FILES.items() if "cause" not in case]
WITHOUT_RULE = {
    *("no-gpu", "acs-override", "iommu-argument-ignored", "vgpu-no-mdev-types", "group-not-viable"),
    *("compute-service-down", "no-room-on-hosts"),
}
"""Shown by the facts of a host or of a cloud, or only ever a second answer."""


def found_in(name: str) -> tuple[Finding, ...]:
    return diagnose(gather(from_mapping(name, FILES[name]))).findings


@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_of_a_message_comes_first(name: str) -> None:
    accepted = {FILES[name]["cause"], *FILES[name].get("also", ())}
    found = [f.cause for f in found_in(name)]
    assert found[:1], "nothing found"
    assert found[0] in accepted, found


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_a_near_miss_raises_no_alarm(name: str) -> None:
    assert [f.cause for f in found_in(name) if f.level is not Level.INFO] == []


def test_there_is_evidence_for_every_cause() -> None:
    assert {FILES[name]["cause"] for name in FAULTS} == set(CAUSES) - WITHOUT_RULE
