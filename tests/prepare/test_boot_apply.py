"""A host of each family made to start otherwise and given back: byte for byte, wherever it was cut off."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import FAMILIES, Tools, build_family, plan_for
from tests.prepare.doom import dies
from tests.prepare.site import Site

from gpucloud.model.change import WriteFile
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.apply import apply


def mine(plan: Plan) -> Plan:
    """The plan with this user for the owner of new files, who may not be root."""
    return replace(plan, steps=tuple(map(_mine, plan.steps)))


def _mine(step: Step) -> Step:
    if not isinstance(step.change, WriteFile):
        return step
    after = replace(step.change.after, uid=os.getuid(), gid=os.getgid())
    return replace(step, change=replace(step.change, after=after))


def site_of(folder: Path, name: str) -> tuple[Site, Plan]:
    kernel = build_family(folder / "root", name)
    plan = mine(plan_for(kernel))
    assert isinstance(kernel.tools, Tools)
    for program in {step.change.argv[0] for step in plan.steps if step.change.kind == "run-tool"}:
        kernel.tools.make(program)
    return Site(kernel, folder / "state"), plan


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_comes_back_byte_for_byte(name: str, tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, name)
    old = site.picture()
    assert apply(plan, site.system, site.journal).failure is None
    assert site.picture() != old
    assert plan_for(site.kernel).is_empty
    assert isinstance(site.kernel.tools, Tools)
    once = site.kernel.tools.runs
    assert len(once) == len(set(once))
    assert site.desk.verify(None) == ()
    assert site.desk.undo("last", force=False).left == ()
    assert site.picture() == old


@pytest.mark.proof
def test_a_cut_at_any_moment_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "debian-12")
    old = site.picture()
    moment = 0
    while dies(site, moment, lambda doomed: apply(plan, doomed.system, doomed.journal)):
        if site.journal.entries():
            site.desk.undo("last", force=False)
        assert site.picture() == old, moment
        shutil.rmtree(site.state, ignore_errors=True)
        moment += 1
    assert moment > 60
