"""MIG instances that a spec wants of its cards: made at every start, named where they are not as wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.doom import dies
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine
from tests.prepare.test_boot_state import give_sriov
from tests.prepare.test_layout import restart
from tests.prepare.test_mig_layout import mig_site, placed, smi_of, vgpu_site
from tests.prepare.test_slices import CARD, VFS, keep, vendor_of

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.apply import apply
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

POOL = "pools:\n  cut:\n    use: vgpu\n    match: {address: '3b:00.0'}\n"
MIX = POOL + "    mig: [{profile: 3g.20gb}, {profile: 1g.5gb, count: 3}]\n"


def started(site: Site, spec: str) -> None:
    """The spec is applied, and the host was restarted: of MIG nothing is left."""
    plan = mine(site.desk.plan_start(parse_spec(spec), "gpu01", force=False))
    assert plan.refusals == ()
    assert apply(plan, site.system, site.journal).failure is None
    again(site)


def again(site: Site, mode: str = "Disabled") -> None:
    restart(site)
    smi_of(site).restart(mode)


def cards_of(site: Site) -> dict[str, str]:
    """How the cards stand, without what a start confirms beside them."""
    return {path: text for path, text in site.picture().items() if path.startswith(("sys/", "mig"))}


def refused(site: Site, spec: str) -> str:
    (refusal,) = site.desk.plan_start(parse_spec(spec), "gpu01", force=False).refusals
    assert refusal.cause == "mig-misfit"
    return refusal.why


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return mig_site(tmp_path)


@pytest.mark.parametrize("mode", ["Disabled", "Enabled"])
def test_mode_and_instances_are_made_at_every_start(site: Site, mode: str) -> None:
    started(site, MIX)
    for _ in range(2):
        assert call(["boot"], site.desk) == Exit.FINE
        assert placed(site) == {"0": 9, "4": 19, "5": 19, "6": 19}
        assert keep(site) == []
        assert call(["verify"], site.desk) == Exit.FINE
        again(site, mode)


def test_a_cut_while_instances_are_made_leaves_none_that_the_next_start_does_not_have(site: Site) -> None:
    started(site, MIX)
    moment, is_cut = 0, True
    while is_cut:
        is_cut = dies(site, moment, lambda doomed: doomed.desk.keep())
        again(site)
        assert set(keep(site)) == {None}
        assert placed(site) == {"0": 9, "4": 19, "5": 19, "6": 19}
        assert site.journal.unfinished() == ()
        again(site)
        moment += 3
    assert moment > 20


def test_the_plan_shows_what_a_start_will_make(site: Site) -> None:
    plan = site.desk.plan_start(parse_spec(MIX), "gpu01", force=False)
    shown = [step.change.kind for step in plan.at_start]
    assert shown == ["set-mig-mode", *["make-gpu-instance"] * 4]
    assert plan.notes == ()


def test_one_that_somebody_removed_is_named_and_made_again(site: Site) -> None:
    started(site, MIX)
    assert call(["boot"], site.desk) == Exit.FINE
    made = dict(smi_of(site).made)
    del made["5"]
    smi_of(site).keep(made)
    (mismatch,) = site.desk.verify(None)
    assert mismatch.seen.endswith("is (none), not 1g.5gb")
    assert keep(site) == [None]
    assert placed(site) == {"0": 9, "4": 19, "5": 19, "6": 19}


def test_what_somebody_made_beside_them_stays(site: Site) -> None:
    started(site, POOL + "    mig: {profile: 3g.20gb}\n")
    (site.root / "mig").write_text("Enabled\n")
    smi_of(site).ask(("nvidia-smi", "mig", "-i", CARD, "-cgi", "9:0", "-C"))
    smi_of(site).ask(("nvidia-smi", "mig", "-i", CARD, "-cgi", "14:4", "-C"))
    assert keep(site) == []
    assert placed(site) == {"0": 9, "4": 14}


def test_what_has_no_room_beside_others_is_named(site: Site) -> None:
    started(site, POOL + "    mig: {profile: 4g.20gb}\n")
    (site.root / "mig").write_text("Enabled\n")
    smi_of(site).ask(("nvidia-smi", "mig", "-i", CARD, "-cgi", "9:0", "-C"))
    with pytest.raises(Failure, match=r"not all of its MIG instances fit beside what is there: 1 x 4g"):
        call(["boot"], site.desk)


def test_instances_come_after_virtual_functions_and_before_types(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    types = "    mig: {profile: 3g.20gb, count: 2}\n    vgpu_types: {type: NVIDIA A40-1-5C}\n"
    started(site, POOL + types)
    vendor_of(site).runs.clear()
    assert call(["boot"], site.desk) == Exit.FINE
    assert [run.split()[-1] for run in vendor_of(site).runs] == ["1", CARD, "-C", "-C"]
    assert placed(site) == {"0": 9, "4": 9}
    first = site.root / "sys/bus/pci/devices" / VFS[0] / "nvidia/current_vgpu_type"
    assert first.read_text() == "1150\n"


def test_what_a_start_did_is_taken_back_from_the_last_on(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    started(site, POOL + "    mig: {profile: 3g.20gb, count: 2}\n    vgpu_types: {type: NVIDIA A40-1-5C}\n")
    before = cards_of(site)
    assert call(["boot"], site.desk) == Exit.FINE
    cut = cards_of(site)
    own = [each.id for each in site.journal.entries() if each.read_stored().plan.is_of_a_start]
    assert len(own) > 3
    for number, entry in enumerate(own[:-1]):
        if {step.change.kind for step in site.journal.entry(entry).read_stored().plan.steps} <= {
            "set-vgpu-type"
        }:
            continue
        with pytest.raises(Failure, match=r"has cut 3b:00\.0 after entry") as refused:
            call(["undo", entry], site.desk)
        assert any(each in (refused.value.then or "") for each in own[number + 1 :])
        assert cards_of(site) == cut
    for entry in reversed(own):
        assert call(["undo", entry], site.desk) == Exit.FINE
    assert cards_of(site) == before


def test_a_spec_that_changes_only_how_cards_are_cut_takes_the_place_of_the_applied_one(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, MIX)
    assert call(["boot"], site.desk) == Exit.FINE
    file = tmp_path / "gpucloud.yaml"
    file.write_text(POOL + "    mig: {profile: 4g.20gb}\n")
    asked = ["--spec", str(file), "--name", "gpu01"]
    assert call(["plan", *asked, "--check"], site.desk) == Exit.PENDING
    assert "no file changes, cards are cut otherwise" in capsys.readouterr().out
    assert call(["apply", *asked, "--yes"], site.desk) == Exit.FINE
    assert call(["plan", *asked, "--check"], site.desk) == Exit.FINE
    again(site)
    assert call(["boot"], site.desk) == Exit.FINE
    assert placed(site) == {"0": 5}
    assert call(["verify"], site.desk) == Exit.FINE
    assert call(["undo"], site.desk) == Exit.FINE
    again(site)
    assert call(["boot"], site.desk) == Exit.FINE
    assert placed(site) == {"0": 9, "4": 19, "5": 19, "6": 19}


def test_instances_for_containers_need_no_virtual_functions(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    started(site, POOL + "    mig: {profile: 3g.20gb}\n")
    vendor_of(site).runs.clear()
    assert call(["boot"], site.desk) == Exit.FINE
    assert [run.split()[-1] for run in vendor_of(site).runs] == ["1", "-C"]


def test_a_mix_that_does_not_fit_is_refused_before_any_start(site: Site) -> None:
    why = refused(site, POOL + "    mig: [{profile: 4g.20gb}, {profile: 3g.20gb, count: 2}]\n")
    assert "not all of its MIG instances fit: 1 x 3g.20gb left out" in why


def test_a_profile_that_no_table_has_is_left_to_the_driver_and_named(site: Site) -> None:
    plan = site.desk.plan_start(parse_spec(POOL + "    mig: {profile: 1g.10gb+gfx}\n"), "gpu01", force=False)
    assert plan.refusals == ()
    assert "1g.10gb+gfx is none of its MIG profiles: 1g.5gb" in plan.notes[0]


def test_a_wanted_instance_without_compute_instance_gets_it(site: Site) -> None:
    started(site, MIX)
    assert call(["boot"], site.desk) == Exit.FINE
    smi_of(site).keep({start: each[:2] for start, each in smi_of(site).made.items()})
    assert site.desk.verify(None) != ()
    assert call(["boot"], site.desk) == Exit.FINE
    assert placed(site) == {"0": 9, "4": 19, "5": 19, "6": 19}


def test_instances_of_others_are_not_removed_for_virtual_functions(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    started(site, POOL + "    mig: {profile: 3g.20gb}\n    vgpu_types: {type: NVIDIA A40-1-5C}\n")
    (site.root / "mig").write_text("Enabled\n")
    smi_of(site).ask(("nvidia-smi", "mig", "-i", CARD, "-cgi", "19:6", "-C"))
    with pytest.raises(Failure, match="MIG instances are there, which NVIDIA's tool"):
        call(["boot"], site.desk)
    assert placed(site) == {"6": 19}


def test_mode_is_left_while_virtual_functions_are_on(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    started(site, MIX)
    vendor_of(site).manage("-e", CARD)
    with pytest.raises(Failure, match="its virtual functions are on, and keep its MIG mode off"):
        call(["boot"], site.desk)
    assert smi_of(site).mode == "Disabled"


def test_a_card_of_another_vendor_is_refused(site: Site) -> None:
    give_sriov(site.root, "0000:3c:00.0", "1002", "74a1", total=2)
    spec = POOL.replace("3b:00.0", "3c:00.0") + "    mig: {profile: 3g.20gb}\n"
    assert "it is no card of NVIDIA's" in refused(site, spec)
