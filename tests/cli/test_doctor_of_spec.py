"""The doctor on a host whose applied spec cuts its cards: what is wanted needs no other sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.boot_hosts import build_family, plan_for
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine

from gpucloud.cli.doctor import sliced_by_spec
from gpucloud.doctor import Case, diagnose
from gpucloud.model.finding import Finding, Level
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.apply import apply

CUT = "pools:\n  a: {use: vgpu, match: {address: '3b:00.0'}, vgpu_types: [{type: NVIDIA A100-8C}]}\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(build_family(tmp_path / "root", "debian-12"), tmp_path / "state")


def of_slices(site: Site) -> list[Finding]:
    case = Case(site.host(), sliced=sliced_by_spec(site.host(), site.state))
    return [each for each in diagnose(case).findings if any("pool a" in line.key for line in each.evidence)]


def test_a_card_that_the_spec_cuts_and_that_offers_nothing_is_named_with_the_reason(site: Site) -> None:
    assert of_slices(site) == []
    plan = mine(plan_for(site.kernel, CUT))
    assert apply(plan, site.system, site.journal).failure is None
    (found,) = of_slices(site)
    assert (found.cause, found.level) == ("vgpu-manager-not-loaded", Level.WARNING)
    assert [str(unit) for unit in found.units] == ["0000:3b:00.0"]
    assert site.desk.undo("last", force=False).left == ()
    assert of_slices(site) == []


def test_a_journal_that_cannot_be_read_is_said_and_is_no_wish(site: Site) -> None:
    folder = site.state / "journal"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder\n")
    sliced = sliced_by_spec(site.host(), site.state)
    assert isinstance(sliced, Unknown)
    seen = diagnose(Case(site.host(), sliced=sliced))
    assert any(each.fact == "which cards the applied spec cuts" for each in seen.blind)
