"""MIG instances made, removed, kept over a restart and taken back, through a program that acts on files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.doom import dies
from tests.prepare.fake_smi import FakeSmi
from tests.prepare.site import Site
from tests.prepare.test_boot_state import give_sriov
from tests.prepare.test_layout import open_node, restart, vgpu
from tests.prepare.test_slices import CARD, VFS, vendor_of, vendor_site

from gpucloud.cli.main import call
from gpucloud.model.change import MakeGpuInstance, RemoveGpuInstance, SetMigMode
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Layout
from gpucloud.prepare.journal import Status
from gpucloud.prepare.steps import NotAsPlannedError, StepError, do, undo

pytestmark = pytest.mark.proof

MIX = "3b:00.0: 3g.20gb, 2g.10gb, 1g.5gb"
ADDRESS = PciAddress.parse(CARD)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return mig_site(tmp_path)


def mig_site(folder: Path) -> Site:
    """A host with an A100 of 40 GB in MIG mode, whose manager does not run."""
    found = vendor_site(folder)
    give_sriov(found.root, CARD, "10de", "20f1", total=4)
    for name in ("sriov_totalvfs", "sriov_numvfs"):
        (found.root / "sys/bus/pci/devices" / CARD / name).unlink()
    (found.root / "mig").write_text("Enabled\n")
    return found


def vgpu_site(folder: Path) -> Site:
    """The same card with NVIDIA's vGPU manager, and neither MIG mode nor virtual functions on."""
    found = vendor_site(folder)
    give_sriov(found.root, CARD, "10de", "20f1", total=4)
    (found.root / "sys/module/nvidia_vgpu_vfio").mkdir()
    return found


def smi_of(site: Site) -> FakeSmi:
    return vendor_of(site).smi


def placed(site: Site) -> dict[str, int]:
    """Profile ids by the places of what is there, and whole."""
    made = smi_of(site).made
    assert all(len(each) > 2 for each in made.values()), "a GPU instance without compute instance"
    return {start: each[1] for start, each in made.items()}


def instance(kind: int, name: str, start: int, size: int) -> MakeGpuInstance:
    return MakeGpuInstance(address=ADDRESS, profile=kind, name=name, start=start, size=size)


def test_a_mix_is_made_and_taken_back_exactly(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    before = site.picture()
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    assert placed(site) == {"0": 9, "4": 14, "6": 19}
    assert "make the MIG instance 3g.20gb at 0 of 0000:3b:00.0" in capsys.readouterr().err
    assert vendor_of(site).runs == [
        f"nvidia-smi mig -i {CARD} -cgi {each} -C" for each in ("9:0", "14:4", "19:6")
    ]
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    assert len(site.journal.entries()) == 1
    assert call(["verify"], site.desk) == Exit.FINE
    assert vgpu(site, "undo") == Exit.FINE
    assert site.picture() == before


def test_the_mode_comes_first_and_goes_last(site: Site) -> None:
    (site.root / "mig").write_text("Disabled\n")
    before = site.picture()
    vgpu(site, "apply", "3b:00.0: 7g.40gb", "--yes")
    assert smi_of(site).mode == "Enabled"
    assert placed(site) == {"0": 0}
    assert call(["verify"], site.desk) == Exit.FINE
    vgpu(site, "undo")
    assert site.picture() == before


def test_the_mode_stays_while_a_later_layout_has_instances(site: Site) -> None:
    (site.root / "mig").write_text("Disabled\n")
    before = site.picture()
    vgpu(site, "apply", "3b:00.0: 3g.20gb", "--yes")
    vgpu(site, "create", "1g.5gb", "--on", "3b:00.0", "--yes")
    cut = site.picture()
    with pytest.raises(Failure, match=r"entry 0002 has cut 3b:00\.0 after entry 0001") as refused:
        vgpu(site, "undo", "1")
    assert "gpucloud undo 0002" in (refused.value.then or "")
    assert site.picture() == cut
    vgpu(site, "undo", "2")
    vgpu(site, "undo", "1")
    assert site.picture() == before


def test_virtual_functions_come_between_mode_and_instances_which_their_tool_wipes(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    vgpu(site, "apply", "3b:00.0: 2 x 3g.20gb", "--yes")
    assert [run.split()[-1] for run in vendor_of(site).runs] == ["1", CARD, "-C", "-C"]
    assert placed(site) == {"0": 9, "4": 9}
    vgpu(site, "undo")
    assert smi_of(site).mode == "Disabled"


def test_a_line_for_nothing_takes_instances_of_a_card_with_virtual_functions_too(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    vgpu(site, "apply", "3b:00.0: 3g.20gb", "--yes")
    assert placed(site) == {"0": 9}
    vgpu(site, "apply", "3b:00.0: none", "--yes")
    assert placed(site) == {}
    vgpu(site, "undo")
    assert placed(site) == {"0": 9}


@pytest.mark.parametrize("device", ["2941", "2348", "232c"])
def test_a_card_that_no_table_has_is_asked_for(device: str, site: Site) -> None:
    give_sriov(site.root, CARD, "10de", device, total=4)
    for name in ("sriov_totalvfs", "sriov_numvfs"):
        (site.root / "sys/bus/pci/devices" / CARD / name).unlink()
    vgpu(site, "apply", "3b:00.0: 3g.20gb", "--yes")
    assert placed(site) == {"0": 9}


def test_one_more_is_created_and_one_of_several_alike_deleted(site: Site) -> None:
    for _ in range(3):
        vgpu(site, "create", "1g.5gb", "--on", "3b:00.0", "--yes")
    assert sorted(placed(site)) == ["0", "1", "2"]
    vgpu(site, "delete", "3b:00.0/8", "--yes")
    assert sorted(placed(site)) == ["0", "2"]
    vgpu(site, "undo")
    assert sorted(placed(site)) == ["0", "1", "2"]


def test_the_last_one_goes_from_a_card_that_has_virtual_functions_too(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    vgpu(site, "apply", "3b:00.0: 7g.40gb", "--yes")
    vgpu(site, "delete", "3b:00.0/0", "--yes")
    assert smi_of(site).made == {}
    vgpu(site, "undo")
    assert placed(site) == {"0": 0}


def test_what_was_in_an_instance_that_went_is_in_it_again_after_undo(site: Site) -> None:
    smi_of(site).keep({"0": [2, 9, 1, 0], "4": [1, 9]})
    before = site.picture()
    vgpu(site, "apply", "3b:00.0: none", "--yes")
    assert smi_of(site).made == {}
    vgpu(site, "undo")
    assert site.picture() == before


def test_instances_are_known_by_their_places_whatever_the_driver_calls_them(site: Site) -> None:
    vgpu(site, "apply", MIX, "--yes")
    smi = smi_of(site)
    smi.keep({start: [each[0] + 40, *each[1:]] for start, each in smi.made.items()})
    vgpu(site, "undo")
    assert smi.made == {}


@pytest.mark.proof
@pytest.mark.parametrize("line", [MIX, "3b:00.0: 7g.40gb", "3b:00.0: 2 x 3g.20gb", "3b:00.0: none"])
def test_cut_off_anywhere_it_is_as_before_after_undo_and_as_wanted_after_resume(
    tmp_path: Path, line: str
) -> None:
    site = mig_site(tmp_path)
    smi_of(site).keep({"0": [3, 14, 1], "2": [9, 19, 0]})
    before = site.picture()
    plan = site.desk.plan_cut(Layout((line,), "gpu01"))
    moment = 0
    while dies(site, moment, lambda doomed: doomed.desk.apply(plan)):
        if site.journal.unfinished() and moment % 2:
            assert site.desk.resume().failure is None
            placed(site)
        if site.journal.entries() and site.journal.entries()[-1].read_progress().status != Status.UNDONE:
            assert site.desk.undo("last", force=False).left == ()
        assert site.picture() == before, moment
        moment += 1
    assert moment >= 15


def test_an_instance_whose_inside_was_not_made_any_more_is_filled_or_taken_back(site: Site) -> None:
    smi = smi_of(site)
    change = instance(9, "3g.20gb", 0, 4)
    smi.keep({"0": [2, 9]})
    do(change, site.system)
    assert smi.made == {"0": [2, 9, 2]}
    smi.keep({"0": [2, 9]})
    undo(change, site.system)
    assert smi.made == {}
    smi.torn = True
    with pytest.raises(Failure, match="everything was taken back and the host is as before"):
        vgpu(site, "apply", "3b:00.0: 3g.20gb", "--yes")
    assert smi.made == {}


def test_a_place_that_somebody_else_has_taken_is_left(site: Site) -> None:
    smi_of(site).keep({"0": [1, 5, 3]})
    with pytest.raises(NotAsPlannedError, match=r"GPU instance 1 of .*, of profile 5 at 0, has the place"):
        do(instance(9, "3g.20gb", 0, 4), site.system)
    gone = RemoveGpuInstance(address=ADDRESS, id=1, profile=9, name="3g.20gb", start=0, size=4, compute=(2,))
    with pytest.raises(NotAsPlannedError):
        do(gone, site.system)
    assert smi_of(site).made == {"0": [1, 5, 3]}


def test_an_instance_with_a_program_in_it_stays(site: Site) -> None:
    vgpu(site, "apply", "3b:00.0: 2 x 3g.20gb", "--yes")
    before = site.picture()
    open_node(site, "/dev/nvidia-caps/nvidia-cap21")  # 3 + 9 * 2 is of GPU instance 2
    with pytest.raises(Failure, match=r"stays for now: guest desk uses GPU instance 2 of 0000:3b:00\.0"):
        vgpu(site, "undo")
    with pytest.raises(StepError, match="guest desk uses GPU instance 2"):
        undo(instance(9, "3g.20gb", 0, 4), site.system)
    undo(instance(9, "3g.20gb", 4, 4), site.system)
    do(instance(9, "3g.20gb", 4, 4), site.system)
    after = site.picture()
    assert {path: text for path, text in after.items() if not path.startswith("proc/4711")} == before


def test_what_the_driver_will_not_let_go_is_said_and_the_rest_put_back(site: Site) -> None:
    smi = smi_of(site)
    smi.keep({"0": [2, 9, 2], "4": [1, 9, 2]})
    smi.busy = frozenset({4})
    before = site.picture()
    with pytest.raises(Failure, match=r"In use by another client.*; everything was taken back"):
        vgpu(site, "apply", "3b:00.0: 7g.40gb", "--yes")
    assert site.picture() == before


def test_a_card_that_somebody_has_open_keeps_its_mode(site: Site) -> None:
    (site.root / "mig").write_text("Disabled\n")
    open_node(site, f"/dev/nvidia{0x3B}")
    with pytest.raises(Failure, match="guest desk has it open, and its mode could not change"):
        vgpu(site, "apply", MIX, "--yes")
    with pytest.raises(StepError, match=r"guest desk uses 0000:3b:00\.0, so it stays"):
        do(SetMigMode(address=ADDRESS, before=False, after=True), site.system)
    assert smi_of(site).pending == "Disabled"


def test_nvidias_daemon_that_keeps_cards_is_in_nobodys_way(site: Site) -> None:
    (site.root / "mig").write_text("Disabled\n")
    open_node(site, f"/dev/nvidia{0x3B}")
    (site.root / "proc/4711/comm").write_text("nvidia-persiste\n")
    (site.root / "proc/4711/cmdline").write_text("/usr/bin/nvidia-persistenced\0")
    vgpu(site, "apply", MIX, "--yes")
    vgpu(site, "apply", "3b:00.0: 7g.40gb", "--yes")
    assert placed(site) == {"0": 0}


def test_a_mode_that_waits_for_a_reset_is_not_left_waiting(site: Site) -> None:
    (site.root / "mig").write_text("Disabled\n")
    before = site.picture()
    smi_of(site).held = True
    with pytest.raises(Failure, match=r"MIG mode of 0000:3b:00\.0 is not on yet: .*--gpu-reset.*taken back"):
        vgpu(site, "apply", MIX, "--yes")
    assert site.picture() == before


@pytest.mark.parametrize("mode", ["Enabled", "Disabled"])
def test_after_a_restart_mode_and_instances_are_there_again_in_their_order(site: Site, mode: str) -> None:
    (site.root / "mig").write_text("Disabled\n")
    vgpu(site, "apply", MIX, "--yes")
    vgpu(site, "delete", "3b:00.0/13", "--yes")
    for _ in range(2):
        restart(site)
        smi_of(site).restart(mode)
        assert call(["boot"], site.desk) == Exit.FINE
        assert placed(site) == {"0": 9, "4": 14}
    vgpu(site, "undo")
    assert placed(site) == {"0": 9, "4": 14, "6": 19}
    vgpu(site, "undo")
    assert smi_of(site).made == {}
    assert smi_of(site).mode == "Disabled"


def test_types_of_vgpus_follow_the_instances_at_a_start(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    vgpu(site, "apply", "3b:00.0: 2 x 3g.20gb", "--yes")
    vgpu(site, "apply", "3b:00.0: 2 x A40-1-5C", "--yes")
    for vf in VFS:
        site.kernel.vgpu_type_store(site.root / "sys/bus/pci/devices" / vf / "nvidia/current_vgpu_type", 0)
    vendor_of(site).manage("-d", CARD)
    restart(site)
    smi_of(site).restart("Disabled")
    vendor_of(site).runs.clear()
    assert call(["boot"], site.desk) == Exit.FINE
    assert [run.split()[-1] for run in vendor_of(site).runs] == ["1", CARD, "-C", "-C"]
    assert placed(site) == {"0": 9, "4": 9}
    assert (site.root / "sys/bus/pci/devices" / VFS[1] / "nvidia/current_vgpu_type").read_text() == "1150\n"


def test_an_undo_that_a_restart_cut_off_is_gone_on_with(site: Site) -> None:
    vgpu(site, "apply", MIX, "--yes")
    assert dies(site, 12, lambda doomed: doomed.desk.undo("last", force=False))
    restart(site)
    smi_of(site).restart()
    assert call(["boot"], site.desk) == Exit.FINE
    vgpu(site, "undo") if site.journal.unfinished() else None
    assert smi_of(site).made == {}


def test_the_program_may_be_elsewhere_and_a_start_finds_it_there(site: Site, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    vgpu(site, "apply", MIX, "--yes", "--smi", str(program))
    assert all(run.startswith(f"{program} ") for run in vendor_of(site).runs)
    restart(site)
    smi_of(site).restart()
    call(["boot"], site.desk)
    assert len(vendor_of(site).runs) == 6
    assert all(run.startswith(f"{program} ") for run in vendor_of(site).runs)
    vgpu(site, "undo")
    assert smi_of(site).made == {}
    program.chmod(0o644)
    with pytest.raises(Failure, match="is no program; give NVIDIA's nvidia-smi"):
        vgpu(site, "apply", MIX, "--yes", "--smi", str(program))


def test_without_the_program_its_lack_is_the_reason(site: Site) -> None:
    def none(argv: object) -> str:
        raise FileNotFoundError(2, "No such file or directory", "nvidia-smi")

    site.kernel.ask = none
    with pytest.raises(Failure, match=r"MIG mode cannot be told \(nvidia-smi could not be asked: .*No such"):
        vgpu(site, "apply", MIX, "--yes")


def test_the_mode_of_a_card_with_virtual_functions_is_left(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    vendor_of(site).manage("-e", CARD)
    with pytest.raises(StepError, match=r"keep its MIG mode as it is: /usr/lib/nvidia/sriov-manage -d 0000"):
        do(SetMigMode(address=ADDRESS, before=False, after=True), site.system)
    assert smi_of(site).mode == "Disabled"


def test_a_card_is_whole_again_without_mig_mode(site: Site) -> None:
    assert vgpu(site, "apply", MIX, "--yes") == Exit.FINE
    before = site.picture()
    vendor_of(site).runs.clear()
    assert vgpu(site, "apply", "3b:00.0: whole", "--yes") == Exit.FINE
    assert (smi_of(site).mode, placed(site)) == ("Disabled", {})
    assert vendor_of(site).runs[-1] == f"nvidia-smi -i {CARD} -mig 0"
    assert vgpu(site, "apply", "3b:00.0: whole", "--yes") == Exit.FINE
    restart(site)
    smi_of(site).restart("Disabled")
    assert call(["boot"], site.desk) == Exit.FINE
    assert smi_of(site).mode == "Disabled"
    assert vgpu(site, "undo") == Exit.FINE
    assert smi_of(site).mode == "Enabled"
    assert {path for path in site.picture() if path.startswith("sys/")} == {
        path for path in before if path.startswith("sys/")
    }


def test_virtual_functions_go_before_the_mode_and_come_back_before_instances(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    assert vgpu(site, "apply", "3b:00.0: 3g.20gb", "--yes") == Exit.FINE
    before = site.picture()
    vendor_of(site).runs.clear()
    assert vgpu(site, "apply", "3b:00.0: whole", "--yes") == Exit.FINE
    assert [run.split()[-1] for run in vendor_of(site).runs] == ["-dci", "-dgi", CARD, "0"]
    assert smi_of(site).mode == "Disabled"
    assert vgpu(site, "undo") == Exit.FINE
    assert site.picture() == before


def test_a_mode_that_somebody_holds_is_not_turned_off(site: Site) -> None:
    open_node(site, f"/dev/nvidia{0x3B}")
    with pytest.raises(Failure, match=r"has it open, and its mode could not change: end that first"):
        vgpu(site, "apply", "3b:00.0: whole", "--yes")
    assert smi_of(site).mode == "Enabled"


def test_a_cut_while_a_card_is_made_whole_is_gone_on_with_or_taken_back(tmp_path: Path) -> None:
    site = vgpu_site(tmp_path)
    vendor_of(site).manage("-e", CARD)
    (site.root / "mig").write_text("Enabled\n")
    smi_of(site).keep({"0": [2, 9, 2], "4": [1, 9, 2]})
    before = site.picture()
    plan = site.desk.plan_cut(Layout(("3b:00.0: whole",), "gpu01"))
    kinds = [step.change.kind for step in plan.steps]
    assert kinds == ["remove-gpu-instance", "remove-gpu-instance", "switch-vfs", "set-mig-mode"]
    moment = 0
    while dies(site, moment, lambda doomed: doomed.desk.apply(plan)):
        if site.journal.unfinished() and moment % 2:
            assert site.desk.resume().failure is None
            assert smi_of(site).mode == "Disabled"
        if site.journal.entries() and site.journal.entries()[-1].read_progress().status != Status.UNDONE:
            assert site.desk.undo("last", force=False).left == ()
        assert site.picture() == before, moment
        moment += 1
    assert moment >= 15
