"""Every host here is what its golden files say: facts, findings, plans. ``REGEN=1`` writes them anew."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import fields

import pytest
from tests.hosts.catalogue import HOSTS, NAMES, host_of, look_at

from gpucloud.doctor import Case, diagnose
from gpucloud.model.finding import Finding, Level
from gpucloud.model.host import Host
from gpucloud.model.plain import Plain, to_plain
from gpucloud.model.spec import Match, Pool, Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import plan_boot
from gpucloud.prepare.plan import plan_passthrough, render_plan

_LEFT_OUT = {"source", "functions", "units", "kernel"}
"""The path of the test, and lists that are tested elsewhere and would drown the rest."""
ALARMS = {"board-am5-rtx4070mobile-regrouped": ["acs-missing"]}
"""Hosts on which something is wrong, by name: on all others the doctor has only notes."""


def compare(name: str, file: str, found: str) -> None:
    """Compare with a golden file, in which the host's path is not that of the test."""
    golden = HOSTS / name / file
    shown = found.replace(host_of(name).source, "CAPTURE") + "\n"
    if os.environ.get("REGEN") == "1":
        golden.write_text(shown)
    assert shown == golden.read_text()


def facts_of(host: Host) -> Plain:
    facts: dict[str, object] = {
        field.name: getattr(host, field.name) for field in fields(host) if field.name not in _LEFT_OUT
    }
    facts["kernel"] = {"release": host.kernel.release, "arguments": host.kernel.arguments}
    return to_plain({"host": facts, "units": host.units})


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_read_as_its_golden_facts_say(name: str) -> None:
    compare(name, "facts.json", json.dumps(facts_of(host_of(name)), indent=1))


@pytest.mark.parametrize("name", NAMES)
def test_the_doctor_finds_on_a_host_what_its_golden_findings_say(name: str) -> None:
    found = diagnose(Case(host_of(name)))
    lines = [line for finding in found.findings for line in lines_of(finding)]
    lines += [f"could not look: {blind.cause}: {blind.fact}: {blind.why}" for blind in found.blind]
    compare(name, "findings.txt", "\n".join(lines))


def lines_of(finding: Finding) -> Iterator[str]:
    yield f"{finding.level.value} {finding.cause} {finding.confidence:g}: {finding.title}"
    yield from (f"  {one.key}: {one.text}" for one in finding.evidence)


@pytest.mark.parametrize("name", NAMES)
def test_a_host_raises_the_alarms_that_it_should(name: str) -> None:
    found = diagnose(Case(host_of(name))).findings
    assert [one.cause for one in found if one.level is not Level.INFO] == ALARMS.get(name, [])


def everything(host: Host) -> Spec:
    """Every card that could go whole to a guest goes."""
    cards = tuple(
        str(unit.address)
        for unit in host.units
        if not isinstance(unit.uses, Unknown) and "passthrough" in unit.uses
    )
    pool = Pool("all", Use.PASSTHROUGH, (Match(addresses=cards or ("0000:ff:1f.7",)),))
    return Spec(pools=(pool,))


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_planned_for_as_its_golden_plans_say(name: str) -> None:
    host, boot = host_of(name), look_at(name).boot
    now = [plan_passthrough(host, [unit], is_captured=True) for unit in host.units]
    start = plan_boot(host, boot, everything(host), "gpu01", is_captured=True)
    compare(name, "plan-now.txt", "\n\n".join(map(render_plan, now)))
    compare(name, "plan.txt", render_plan(start))


@pytest.mark.parametrize("name", NAMES)
def test_a_host_says_where_it_comes_from(name: str) -> None:
    assert len((HOSTS / name / "README.md").read_text().splitlines()) >= 3
