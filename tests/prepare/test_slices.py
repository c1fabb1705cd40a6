"""Cards cut into slices at every start: in the right order, each once, and by its name what fails."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import Tools, build_family
from tests.prepare.fake_smi import FakeSmi
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine
from tests.prepare.test_boot_state import give_sriov, started

from gpucloud.cli.main import call
from gpucloud.model.change import Cut, MakeMdev
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot.state import plan_state
from gpucloud.prepare.guard import WAITS
from gpucloud.prepare.guard import keep as keep_wanted
from gpucloud.prepare.plan import render_plan
from gpucloud.prepare.takeback import Watch
from gpucloud.prepare.undo import find_standing
from gpucloud.prepare.verify import THIS_START
from gpucloud.slices.layout.draft import function_of
from gpucloud.spec import parse_spec

CARD, OTHER = "0000:3b:00.0", "0000:3c:00.0"
VFS = tuple(f"0000:3b:00.{number}" for number in range(4, 8))
TYPES = "ID    : vGPU Name\n1145  : NVIDIA A40-8Q\n1150  : NVIDIA A40-1-5C\n"
VENDOR = "pools: {a: {use: vgpu, match: {address: '3b:00.0'}, vgpu_types: [{type: NVIDIA A40-8Q}]}}\n"
MEDIATED = VENDOR.replace("type: NVIDIA A40-8Q", "type: nvidia-35, max_instances: 3")


@dataclass
class Vendor(Tools):
    """NVIDIA's tools: virtual functions made and taken away, MIG mode set and shown."""

    busy: int = 0
    """So many runs end with the card open elsewhere, and the card without driver."""

    def __post_init__(self) -> None:
        self.smi = FakeSmi(self.root, CARD)

    def __call__(self, argv: Sequence[str]) -> None:
        self.runs.append(" ".join(argv))
        if argv[0] == "/usr/lib/nvidia/sriov-manage":
            self.manage(argv[1], argv[2])
        elif argv[0].rpartition("/")[2] == "nvidia-smi":
            self.smi.ask(argv)
        else:
            self.make(argv[0])

    def manage(self, what: str, address: str) -> None:
        card = self.root / "sys/bus/pci/devices" / address
        self.smi.wipe()  # the driver lets the card go for a moment
        if self.busy:
            self.busy -= 1
            (card / "driver").unlink()
            (self.root / "sys/bus/pci/drivers/nvidia" / address).unlink()
            shutil.rmtree(self.root / "proc/driver/nvidia/gpus" / address)
            raise OSError("sriov-manage ended with 1: Cannot obtain unbindLock")
        (card / "sriov_numvfs").write_text("4\n" if what == "-e" else "0\n")
        if what == "-e":
            make_vfs(self.root)
        else:
            take_vfs(self.root)

    def ask(self, argv: Sequence[str]) -> str:
        assert argv[0].rpartition("/")[2] == "nvidia-smi"
        return self.smi.ask(argv)


def make_vfs(root: Path, types: str = TYPES) -> None:
    """What the kernel and NVIDIA's driver show of four virtual functions."""
    pf = (root / "sys/bus/pci/devices" / CARD).resolve()
    for number, name in enumerate(VFS):
        vf = pf.parent / name
        shutil.copytree(pf, vf, symlinks=True, ignore=shutil.ignore_patterns("sriov_*", "virtfn*"))
        (vf / "nvidia").mkdir()
        (vf / "nvidia/current_vgpu_type").write_text("0\n")
        (vf / "nvidia/creatable_vgpu_types").write_text(types)
        (vf / "physfn").symlink_to(f"../{CARD}")
        (pf / f"virtfn{number}").symlink_to(f"../{name}")
        (root / "sys/bus/pci/devices" / name).symlink_to(f"../../../devices/pci0000:00/{name}")


def take_vfs(root: Path) -> None:
    pf = (root / "sys/bus/pci/devices" / CARD).resolve()
    for number, name in enumerate(VFS):
        (pf / f"virtfn{number}").unlink(missing_ok=True)
        (root / "sys/bus/pci/devices" / name).unlink(missing_ok=True)
        shutil.rmtree(pf.parent / name, ignore_errors=True)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return vendor_site(tmp_path)


def vendor_site(folder: Path) -> Site:
    """A host with an NVIDIA card of four virtual functions, that has room for three vGPUs."""
    kernel = build_family(folder / "root", "debian-12")
    give_sriov(kernel.root, CARD, "10de", "20b5", total=4)
    vendor = Vendor(kernel.root, [])
    kernel.tools, kernel.ask, kernel.room, kernel.vgpu_types = vendor, vendor.ask, 3, TYPES
    (kernel.root / "mig").write_text("Disabled\n")
    return Site(kernel, folder / "state")


def vendor_of(site: Site) -> Vendor:
    assert isinstance(site.kernel.tools, Vendor)
    return site.kernel.tools


def types_of(site: Site) -> list[str]:
    folder = site.root / "sys/bus/pci/devices"
    return [(folder / vf / "nvidia/current_vgpu_type").read_text().strip() for vf in VFS]


def mdevs_of(site: Site) -> list[str]:
    folder = site.root / "sys/bus/mdev/devices"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def mediated(site: Site, room: int = 4) -> None:
    """The card offers a mediated type itself."""
    place = site.root / "sys/bus/pci/devices" / CARD / "mdev_supported_types/nvidia-35"
    place.mkdir(parents=True)
    for name, text in {"name": "GRID T4-4Q\n", "available_instances": f"{room}\n", "create": ""}.items():
        (place / name).write_text(text)


def several_sizes(site: Site) -> None:
    """The card has its virtual functions, and can have vGPUs of several sizes: that is off."""
    site.kernel.vgpu_types = TYPES + "1147  : NVIDIA A40-12Q\n1160  : NVIDIA A40-48Q\n"
    make_vfs(site.root, site.kernel.vgpu_types)
    (site.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs").write_text("4\n")
    (site.root / "mixed").write_text("Disabled\n")


def keep(site: Site) -> list[str | None]:
    kept = site.desk.keep()
    assert kept is not None
    assert kept.missing == ()
    return [outcome.failure for outcome in kept.outcomes]


def test_virtual_functions_are_made_first_and_then_as_many_vgpus_as_there_is_room_for(site: Site) -> None:
    started(site, VENDOR)
    assert set(keep(site)) == {None}
    assert types_of(site) == ["1145", "1145", "1145", "0"]
    assert vendor_of(site).runs[-1] == f"/usr/lib/nvidia/sriov-manage -e {CARD}"
    assert keep(site) == []


def test_no_more_vgpus_are_made_than_are_wanted(site: Site) -> None:
    started(site, VENDOR.replace("8Q}", "8Q, max_instances: 2}"))
    assert len(keep(site)) == 2
    assert types_of(site) == ["1145", "1145", "0", "0"]


def test_a_vgpu_that_is_there_stays_as_it_is(site: Site) -> None:
    started(site, VENDOR)
    vendor_of(site)(("/usr/lib/nvidia/sriov-manage", "-e", CARD))
    first = site.root / "sys/bus/pci/devices" / VFS[1] / "nvidia"
    (first / "current_vgpu_type").write_text("1150\n")
    (first / "creatable_vgpu_types").write_text("")
    keep(site)
    assert types_of(site) == ["1145", "1150", "1145", "0"]


def test_a_type_that_no_function_offers_is_named(site: Site) -> None:
    started(site, VENDOR.replace("A40-8Q", "A40-9Q"))
    kept = site.desk.keep()
    assert kept is not None
    assert "GPU 3b:00.0" in kept.missing[0]
    assert "offers no vGPU type 'NVIDIA A40-9Q', but 1145 (NVIDIA A40-8Q), 1150" in kept.missing[0]


def test_a_card_that_is_open_for_a_moment_is_given_back_and_tried_again(site: Site) -> None:
    started(site, VENDOR)
    vendor_of(site).busy = 2
    assert set(keep(site)) == {None}
    assert types_of(site)[0] == "1145"


def test_a_card_that_stays_open_is_named_and_has_its_driver_again(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    started(site, VENDOR)
    vendor_of(site).busy = 99
    with pytest.raises(Failure) as caught:
        call(["boot"], site.desk)
    assert caught.value.code in (Exit.UNDONE, Exit.UNDO_FAILED)
    assert f"{CARD} has 0 virtual functions and not 4" in str(caught.value)
    assert "Cannot obtain unbindLock" in str(caught.value)
    assert (site.root / "sys/bus/pci/devices" / CARD / "driver").readlink().name == "nvidia"
    capsys.readouterr()


def test_a_card_that_fails_leaves_the_others_as_they_are_wanted(site: Site) -> None:
    give_sriov(site.root, OTHER, "1002", "74a1", total=2)
    spec = VENDOR.replace("{a:", "{b: {use: sriov, match: {address: '3c:00.0'}}, a:")
    started(site, spec)
    vendor = vendor_of(site)
    site.kernel.tools = Refusing(vendor.root, vendor.runs)
    kept = site.desk.keep()
    assert kept is not None
    assert [outcome.failure is None for outcome in kept.outcomes] == [True, False]
    assert (site.root / "sys/bus/pci/devices" / OTHER / "sriov_numvfs").read_text() == "2\n"


class Refusing(Vendor):
    """The tool does nothing."""

    def manage(self, what: str, address: str) -> None:
        del what, address


def test_a_type_that_is_cut_from_mig_instances_has_the_mode_switched_on_before(site: Site) -> None:
    started(site, VENDOR.replace("A40-8Q", "A40-1-5C"))
    keep(site)
    runs = [run for run in vendor_of(site).runs if "nvidia" in run]
    assert runs == [f"nvidia-smi -i {CARD} -mig 1", f"/usr/lib/nvidia/sriov-manage -e {CARD}"]
    assert types_of(site)[0] == "1150"


@pytest.mark.parametrize(("said", "why"), [("[N/A]\n", "it has no MIG mode"), (None, "could not be asked")])
def test_mig_mode_that_is_not_there_or_not_known_is_named(site: Site, said: str | None, why: str) -> None:
    started(site, VENDOR.replace("A40-8Q", "A40-1-5C"))
    (site.root / "mig").unlink()
    if said is not None:
        (site.root / "mig").write_text(said)
    kept = site.desk.keep()
    assert kept is not None
    assert why in kept.missing[0]


def looks(site: Site) -> int:
    """How often a start looks at the host for the sake of its spec."""
    count = [0]

    def look() -> Host:
        count[0] += 1
        return site.host()

    keep_wanted(site.journal, site.system, look, Watch())
    return count[0]


@pytest.mark.parametrize(
    ("mode", "spec", "is_awaited"),
    [
        ("[N/A]\n", VENDOR.replace("A40-8Q", "A40-1-5C"), False),
        ("[Unknown Error]\n", VENDOR.replace("A40-8Q", "A40-1-5C"), True),
        ("Disabled\n", VENDOR.replace("A40-8Q", "A40-9Q"), False),
        ("Disabled\n", VENDOR.replace("vgpu_types", "vfs: 9, vgpu_types"), False),
    ],
)
def test_a_start_waits_for_what_can_come_alone(site: Site, mode: str, spec: str, is_awaited: bool) -> None:
    started(site, spec)
    (site.root / "mig").write_text(mode)
    assert (looks(site) > WAITS) is is_awaited
    kept = site.desk.keep()
    assert kept is not None
    assert len(kept.missing) == 1


def test_mediated_devices_have_the_same_names_after_every_start(site: Site) -> None:
    mediated(site)
    started(site, MEDIATED)
    assert keep(site) == [None]
    names = mdevs_of(site)
    assert len(names) == 3
    for name in names:
        site.kernel.remove_store(name)
    (site.root / "proc/sys/kernel/random/boot_id").write_text("a third boot\n")
    assert keep(site) == [None]
    assert mdevs_of(site) == names
    assert keep(site) == []
    assert not [run for run in vendor_of(site).runs if "sriov" in run]


def test_what_somebody_else_has_cut_counts_for_the_most(site: Site) -> None:
    mediated(site)
    started(site, MEDIATED)
    site.kernel.create_store(CARD, "nvidia-35", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")
    assert keep(site) == [None]
    assert len(mdevs_of(site)) == 3


def test_mediated_devices_are_left_to_nova_where_there_is_one(site: Site) -> None:
    mediated(site)
    started(site, "openstack: {release: '2025.1'}\n" + MEDIATED)
    assert keep(site) == []
    assert mdevs_of(site) == []


def test_undo_takes_slices_back(site: Site) -> None:
    mediated(site)
    started(site, MEDIATED)
    keep(site)
    assert site.desk.undo("2", force=False).left == ()
    assert mdevs_of(site) == []


def test_the_last_entry_is_the_last_that_somebody_applied(site: Site) -> None:
    mediated(site)
    started(site, MEDIATED)
    keep(site)
    outcome = site.desk.undo("last", force=False)
    assert outcome.entry == "0001"
    assert outcome.kept[-1].endswith(
        "(entry 0002) ends with it, or now, from the last on: gpucloud undo 0002"
    )
    assert find_standing(site.journal, "last") is None
    assert site.desk.undo("last", force=False).entry == "0002"
    assert mdevs_of(site) == []


def test_verify_names_what_a_spec_cuts_and_is_gone(site: Site) -> None:
    mediated(site)
    started(site, MEDIATED)
    keep(site)
    assert [each for each in site.desk.verify(None) if each.path == THIS_START] == []
    made = mdevs_of(site)
    site.kernel.remove_store(made[0])
    assert [made[0] in each.seen for each in site.desk.verify(None) if each.path == THIS_START] == [True]


def test_a_vgpu_of_somebody_else_is_not_taken_back(site: Site) -> None:
    started(site, VENDOR.replace("8Q}", "8Q, max_instances: 1}"))
    keep(site)
    (site.root / "sys/bus/pci/devices" / VFS[0] / "nvidia/current_vgpu_type").write_text("1150\n")
    left = site.desk.undo(site.journal.entries()[-1].id, force=False).left
    assert f"somebody else has given {VFS[0]} a vGPU of type 1150" in left[0]


def test_the_plan_shows_what_every_start_does(site: Site) -> None:
    shown = render_plan(mine(site.desk.plan_start(parse_spec(VENDOR), "gpu01", force=False)))
    assert "at every start gpucloud-boot.service then does, as far as the host shows it now:" in shown
    assert f"1. make 4 virtual functions of {CARD}\n   because pool a offers virtual functions of" in shown
    assert f"   /sys/bus/pci/devices/{CARD}/sriov_numvfs: 0 -> 4\n" in shown
    make_vfs(site.root)
    (site.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs").write_text("4\n")
    shown = render_plan(mine(site.desk.plan_start(parse_spec(VENDOR), "gpu01", force=False)))
    assert f"5. make a vGPU of type 1145 of {VFS[3]}\n" in shown
    assert "undo: gpucloud undo takes back what a start has made" in shown


def test_virtual_functions_that_are_not_seen_are_waited_for_and_not_guessed(site: Site) -> None:
    started(site, VENDOR)
    vendor_of(site)(("/usr/lib/nvidia/sriov-manage", "-e", CARD))
    take_vfs(site.root)  # as while the kernel makes or takes them: the number is there, the functions are not
    kept = site.desk.keep()
    assert kept is not None
    why = "its virtual functions are not known (4 virtual functions are on, of which 0 can be seen)"
    assert [why in missing for missing in kept.missing] == [True]
    assert kept.outcomes == ()
    shown = render_plan(mine(site.desk.plan_start(parse_spec(VENDOR), "gpu01", force=False)))
    assert why in shown


def test_mig_mode_is_not_changed_where_virtual_functions_are_not_known(site: Site) -> None:
    started(site, VENDOR.replace("A40-8Q", "A40-1-5C"))
    number = site.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs"
    number.unlink()
    number.symlink_to("sriov_numvfs")
    kept = site.desk.keep()
    assert kept is not None
    assert "its virtual functions are not known" in kept.missing[0]
    assert [run for run in vendor_of(site).runs if "nvidia" in run] == []


def test_amds_driver_that_makes_them_itself_is_named(site: Site) -> None:
    give_sriov(site.root, OTHER, "1002", "74a1", total=8)
    driver = site.root / "sys/bus/pci/devices" / OTHER / "driver"
    driver.unlink()
    driver.symlink_to("../../../bus/pci/drivers/gim")
    spec = parse_spec("pools: {a: {use: sriov, match: {ids: 1002:74a1}}}\n")
    state = plan_state(site.host(), spec, "gpu01")
    assert (
        "it has 0 virtual functions, not 8: gim makes virtual functions when it is loaded" in state.missing[0]
    )


def plan_of(*changes: Cut) -> Plan:
    steps = tuple(Step(change, "it is wanted", function_of(change.address)) for change in changes)
    return replace(Plan("this host", (function_of(changes[0].address),), False, (), ()), steps=steps)


def test_what_the_kernel_refuses_is_said_with_its_meaning(site: Site) -> None:
    mediated(site, room=0)
    card = next(unit.address for unit in site.host().units if str(unit.address) == CARD)
    change = MakeMdev(address=card, type="nvidia-35", uuid="5f3a9c1e-0000-4000-8000-00000000000a")
    outcome = apply(plan_of(change), site.system, site.journal)
    assert outcome.failure is not None
    assert os.strerror(errno.ENOSPC) in outcome.failure
    assert "the card has no room left for this type" in outcome.failure


def test_a_card_with_mig_that_offers_nothing_may_be_in_mig_mode(site: Site) -> None:
    give_sriov(site.root, CARD, "10de", "20f1", total=4)
    site.kernel.vgpu_types = ""
    started(site, VENDOR)
    vendor_of(site).manage("-e", CARD)
    for vf in VFS:
        (site.root / "sys/bus/pci/devices" / vf / "nvidia/creatable_vgpu_types").write_text("")
    kept = site.desk.keep()
    assert kept is not None
    assert "or the card is in MIG mode: /usr/lib/nvidia/sriov-manage -d" in kept.missing[0]
    assert kept.missing[0].endswith(f"nvidia-smi -i {CARD} -mig 0")
