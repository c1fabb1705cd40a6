"""What every start does: virtual functions made, cards that came late bound, each once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import count as count_up
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import build_family
from tests.prepare.doom import dies
from tests.prepare.fake_host import drivers_of
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine

from gpucloud.cli.main import call
from gpucloud.model.change import SetVfs
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot.state import plan_state
from gpucloud.prepare.journal import Status
from gpucloud.prepare.plan import render_plan
from gpucloud.spec import parse_spec

AMD = "0000:3b:00.0"
SPEC = """\
pools:
  mxgpu: {use: sriov, vfs: 4, match: {ids: 1002:74a1}}
  whole: {use: passthrough, match: {ids: 10de:20b5}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A host with an AMD card that can have eight virtual functions, and an NVIDIA card."""
    kernel = build_family(tmp_path / "root", "debian-12")
    give_sriov(kernel.root, AMD, "1002", "74a1", total=8)
    return Site(kernel, tmp_path / "state")


def give_sriov(root: Path, address: str, vendor: str, device: str, *, total: int) -> None:
    place = root / "sys/bus/pci/devices" / address
    (place / "vendor").write_text(f"0x{vendor}\n")
    (place / "device").write_text(f"0x{device}\n")
    alias = (place / "modalias").read_text()
    (place / "modalias").write_text(f"pci:v0000{vendor.upper()}d0000{device.upper()}{alias[22:]}")
    (place / "sriov_totalvfs").write_text(f"{total}\n")
    (place / "sriov_numvfs").write_text("0\n")


def count(site: Site) -> str:
    return (site.root / "sys/bus/pci/devices" / AMD / "sriov_numvfs").read_text().strip()


def started(site: Site, spec: str = SPEC) -> None:
    """The spec's plan is applied, and the host was restarted without the early script."""
    plan = mine(site.desk.plan_start(parse_spec(spec), "gpu01", force=False))
    assert apply(plan, site.system, site.journal).failure is None
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another boot\n")


def test_virtual_functions_are_made_and_late_cards_bound(site: Site) -> None:
    started(site)
    kept = site.desk.keep()
    assert kept is not None
    assert kept.missing == ()
    assert [outcome.failure for outcome in kept.outcomes] == [None, None]
    assert count(site) == "4"
    assert drivers_of(site.root)["0000:3c:00.0"] == "vfio-pci"


def test_what_is_so_already_is_not_done_twice(site: Site) -> None:
    started(site)
    site.desk.keep()
    entries = len(site.journal.entries())
    kept = site.desk.keep()
    assert kept is not None
    assert kept.outcomes == ()
    assert len(site.journal.entries()) == entries


def test_another_number_goes_through_none_as_the_kernel_wants(site: Site) -> None:
    started(site)
    (site.root / "sys/bus/pci/devices" / AMD / "sriov_numvfs").write_text("8\n")
    site.desk.keep()
    assert count(site) == "4"
    assert site.desk.undo("2", force=False).left == ()
    assert count(site) == "8"


def test_all_that_a_card_can_have_is_made_where_no_number_is_wanted(site: Site) -> None:
    started(site, SPEC.replace(" vfs: 4,", ""))
    site.desk.keep()
    assert count(site) == "8"


@pytest.mark.parametrize(
    ("vendor", "wanted", "why"),
    [
        ("10de", 9, "it can have 8 virtual functions, not 9"),
        ("1002", 9, "it can have 8 virtual functions, not 9"),
    ],
)
def test_a_card_that_cannot_is_named(site: Site, vendor: str, wanted: int, why: str) -> None:
    give_sriov(site.root, AMD, vendor, "74a1", total=8)
    spec = parse_spec(f"pools: {{a: {{use: sriov, vfs: {wanted}, match: {{ids: '{vendor}:74a1'}}}}}}\n")
    state = plan_state(site.host(), spec, "gpu01")
    assert state.plans == ()
    assert "GPU 3b:00.0" in state.missing[0]
    assert why in state.missing[0]


def planned(site: Site, pool: str) -> Plan:
    return site.desk.plan_start(parse_spec(f"pools: {{a: {{{pool}}}}}\n"), "gpu01", force=False)


def test_a_card_without_sriov_is_refused_to_a_pool_that_cuts(site: Site) -> None:
    plan = planned(site, "use: sriov, vfs: 4, match: {ids: '10de:20b5'}")
    assert plan.steps == ()
    assert plan.refusals[0].cause == "no-sriov"
    assert "GPU 3c:00.0" in plan.refusals[0].why
    assert "no sriov_totalvfs" in plan.refusals[0].why


def test_more_virtual_functions_than_there_can_be_are_noted_in_the_plan(site: Site) -> None:
    (note,) = planned(site, "use: sriov, vfs: 9, match: {ids: '1002:74a1'}").notes
    assert note.endswith("pool a: it can have 8 virtual functions, not 9")


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("", "no vgpu_types are named, so a start makes no vGPUs of it"),
        ("vgpu_types: {type: nvidia-558},", "it shows no vGPU types now"),
    ],
)
def test_vgpus_that_nobody_can_promise_are_noted_in_the_plan(site: Site, types: str, said: str) -> None:
    plan = planned(site, f"use: vgpu, {types} match: {{ids: '10de:20b5'}}")
    assert plan.refusals == ()
    assert said in plan.notes[0]
    assert f"note: {plan.notes[0]}" in render_plan(plan)


def test_nvidia_makes_all_and_the_plan_says_so(site: Site) -> None:
    give_sriov(site.root, AMD, "10de", "25b6", total=16)
    plan = planned(site, "use: sriov, vfs: 4, match: {ids: '10de:25b6'}")
    assert plan.at_start[0].because.endswith("; NVIDIA's tool makes all 16 of a card, not vfs: 4")


def test_an_unbound_card_is_waited_for_and_named(site: Site) -> None:
    spec = parse_spec(SPEC)
    (site.root / "sys/bus/pci/devices" / AMD / "driver").unlink()
    state = plan_state(site.host(), spec, "gpu01")
    assert state.missing[0].endswith("it has no driver that could make virtual functions")


def test_entries_that_ended_with_earlier_starts_are_closed(site: Site) -> None:
    started(site)
    site.desk.keep()
    (site.root / "proc/sys/kernel/random/boot_id").write_text("a third boot\n")
    (site.root / "sys/bus/pci/devices" / AMD / "sriov_numvfs").write_text("0\n")
    site.desk.keep()
    assert [entry.read_progress().status for entry in site.journal.entries()] == [
        Status.APPLIED,
        Status.UNDONE,
        Status.UNDONE,
        Status.APPLIED,
    ]


@pytest.mark.proof
def test_power_that_fails_while_a_start_cuts_cards_is_made_up_for_by_the_next_start(site: Site) -> None:
    """The entry that was cut off would otherwise keep every later start from it, and from being judged."""
    started(site, SPEC.partition("  whole")[0])
    applied, boots, moment = site.state.with_name("applied"), count_up(), 0
    site.state.rename(applied)
    is_cut = True
    while is_cut:
        shutil.rmtree(site.state, ignore_errors=True)
        shutil.copytree(applied, site.state)
        restart(site, next(boots))
        is_cut = dies(site, moment, lambda doomed: doomed.desk.keep())
        restart(site, next(boots))
        kept = site.desk.keep()
        assert kept is not None
        assert [outcome.failure for outcome in kept.outcomes] == [None], moment
        assert count(site) == "4"
        assert site.journal.unfinished() == ()
        moment += 1
    assert moment > 10


@pytest.mark.parametrize("moment", [12, 15])
def test_what_was_cut_off_while_a_card_was_cut_is_gone_on_with(site: Site, moment: int) -> None:
    started(site, SPEC.partition("  whole")[0])
    assert dies(site, moment, lambda doomed: doomed.desk.keep())
    assert site.journal.unfinished()
    assert site.desk.resume().failure is None
    assert count(site) == "4"


def test_what_was_cut_off_keeps_no_other_card_from_being_cut(site: Site) -> None:
    """A change of the start that lost power half way is on the disk alone: this start is the last spec's."""
    started(site, SPEC.partition("  whole")[0])
    assert site.desk.keep() is not None
    more = mine(site.desk.plan_start(parse_spec(SPEC), "gpu01", force=False))
    assert dies(site, 25, lambda doomed: apply(more, doomed.system, doomed.journal))
    (cut_off,) = site.journal.unfinished()
    restart(site, 7)
    with pytest.raises(Failure, match=f"journal entry {cut_off.id} is unfinished"):
        call(["boot"], site.desk)
    assert count(site) == "4"
    assert [entry.id for entry in site.journal.unfinished()] == [cut_off.id]


def test_starts_that_are_over_are_forgotten_but_for_the_last(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpucloud.prepare.forget.KEPT", 3)
    started(site, SPEC.partition("  whole")[0])
    for number in range(8):
        assert site.desk.keep() is not None
        restart(site, number)
    ids = [entry.id for entry in site.journal.entries()]
    assert ids == ["0001", "0006", "0007", "0008", "0009"]
    assert site.journal.entry("1").read_progress().status is Status.APPLIED
    assert site.desk.keep() is not None
    assert site.journal.entries()[-1].id == "0010"


def restart(site: Site, boot: int) -> None:
    """Another boot, in which the card is whole."""
    (site.root / "proc/sys/kernel/random/boot_id").write_text(f"boot {boot}\n")
    (site.root / "sys/bus/pci/devices" / AMD / "sriov_numvfs").write_text("0\n")


def test_without_a_spec_nothing_is_done(site: Site) -> None:
    assert site.desk.keep() is None


def test_the_unit_names_what_is_not_as_wanted(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    started(site)
    assert call(["boot"], site.desk) == Exit.FINE
    assert capsys.readouterr().out.endswith("the running host is as its spec and its layouts want it\n")
    (site.root / "sys/bus/pci/devices" / AMD / "sriov_totalvfs").write_text("2\n")
    with pytest.raises(Failure, match=r"1 GPUs or slices are not as wanted: GPU 3b:00\.0"):
        call(["boot"], site.desk)


def test_a_cut_while_virtual_functions_are_made_leaves_the_old_or_the_new(site: Site) -> None:
    site.kernel.sriov_numvfs_store(site.root / "sys/bus/pci/devices" / AMD / "sriov_numvfs", 8)
    unit = site.host().units[1].address
    step = Step(SetVfs(address=unit, before=8, after=4), "it is wanted", unit)
    plan = replace(Plan("this host", (unit,), False, (), ()), steps=(step,))
    assert str(unit) == AMD
    moment = 0
    while dies(site, moment, lambda doomed: apply(plan, doomed.system, doomed.journal)):
        if site.journal.entries():
            site.desk.undo("last", force=False)
        assert count(site) == "8", moment
        for entry in site.journal.entries():
            assert entry.read_progress().status is Status.UNDONE
        moment += 1
    assert moment > 10
    assert count(site) == "4"
