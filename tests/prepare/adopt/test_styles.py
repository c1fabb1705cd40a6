"""Every way in which hosts were set up by hand: taken over, and given back byte for byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.prepare.adopt.hosts import SPEC, adoption, left, site_of
from tests.prepare.adopt.styles import STYLES
from tests.prepare.doom import dies
from tests.prepare.site import Site

from gpucloud.model.spec import Use
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

OFTEN = ("pci-stub on Debian", "ids on the kernel's line on RHEL 8", "a unit on RHEL 9")


@pytest.mark.parametrize("name", STYLES)
def test_every_style_is_taken_over_for_the_same_use_and_comes_back_byte_for_byte(
    name: str, tmp_path: Path
) -> None:
    style = STYLES[name]
    site = site_of(tmp_path, style)
    old = site.picture()
    plan = adoption(site)
    assert plan.refusals == ()
    assert [reason for reason in left(plan).values() if "stays away" not in reason] == []
    outcome = site.desk.apply(plan)
    assert outcome is not None
    assert outcome.failure is None
    new = site.picture()
    assert {path: new.get(path[1:]) for path in style.left} == dict(style.left)
    assert not [path for path, text in new.items() if "vfio-pci.ids" in text and "made-by" not in path]
    assert goes_to_the_same_use(site)
    assert site.desk.verify(None) == ()
    assert adoption(site).is_empty
    assert site.desk.undo("last", force=False).left == ()
    assert site.picture() == old


def goes_to_the_same_use(site: Site) -> bool:
    """The card is in a pool of this host alone, and a start gives its audio function away, too."""
    (pool,) = parse_spec((site.root / SPEC[1:]).read_text()).pools
    scripts = [text for path, text in site.picture().items() if "gpucloud" in path]
    return (
        (pool.use, pool.hosts) == (Use.PASSTHROUGH, ("gpu01",))
        and pool.matches[0].addresses == ("0000:3b:00.0",)
        and any("claim 0000:3b:00.1" in text for text in scripts)
    )


@pytest.mark.proof
@pytest.mark.parametrize("name", OFTEN)
def test_a_cut_at_any_moment_leaves_the_old_or_the_new(name: str, tmp_path: Path) -> None:
    site = site_of(tmp_path, STYLES[name])
    plan, old, moment = adoption(site), site.picture(), 0
    while dies(site, moment, lambda doomed: doomed.desk.apply(plan)):
        if site.journal.entries():
            site.desk.undo("last", force=False)
        assert site.picture() == old, moment
        shutil.rmtree(site.state, ignore_errors=True)
        moment += 1
    assert moment > 60
