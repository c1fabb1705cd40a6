"""``gpucloud vgpu apply``, ``create``, ``delete`` and ``undo`` on hosts whose kernel answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.hosts.catalogue import host_of
from tests.prepare.doom import dies
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine
from tests.prepare.test_slices import (
    CARD,
    MEDIATED,
    TYPES,
    VFS,
    make_vfs,
    mdevs_of,
    mediated,
    types_of,
    vendor_site,
)

from gpucloud.cli.main import call
from gpucloud.model.change import RemoveMdev, SetVfs, SetVgpuType, SwitchVfs
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Layout
from gpucloud.prepare.layout.plan import without
from gpucloud.prepare.steps import StepError, do, undo
from gpucloud.prepare.takeback import Watch
from gpucloud.slices import offers_of
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
OTHER_UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A card that offers mediated devices of one type, four at most."""
    found = vendor_site(tmp_path)
    mediated(found)
    return found


@pytest.fixture
def vendor(tmp_path: Path) -> Site:
    """A card with four virtual functions, each of which takes a type; three at most."""
    found = vendor_site(tmp_path)
    found.kernel.vgpu_types = TYPES + "1160  : NVIDIA A40-48Q\n"
    make_vfs(found.root, found.kernel.vgpu_types)
    (found.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs").write_text("4\n")
    return found


def vgpu(site: Site, *words: str) -> Exit | int:
    return call(["vgpu", *words], site.desk)


def open_by_guest(site: Site, uuid: str) -> None:
    """QEMU has the device's group open."""
    open_node(site, f"/dev/vfio/{int(uuid[-4:], 16)}")


def open_node(site: Site, node: str) -> None:
    """QEMU, for the guest desk, has it open."""
    process = site.root / "proc/4711"
    (process / "fd").mkdir(parents=True)
    (process / "fd/7").symlink_to(node)
    (process / "comm").write_text("qemu-system-x86\n")
    (process / "cmdline").write_text("qemu-system-x86\0-name\0guest=desk\0")


def test_a_layout_is_applied_and_taken_back_exactly(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.kernel.create_store(CARD, "nvidia-35", UUID)
    before = site.picture()
    assert vgpu(site, "apply", "3b:00.0: 3 x nvidia-35", "--name", "gpu01", "--yes") == Exit.FINE
    out = capsys.readouterr()
    assert "cut GPU 3b:00.0; 2 changes" in out.out + out.err
    assert "done and read back: journal entry 0001; back with: gpucloud vgpu undo" in out.out
    made = mdevs_of(site)
    assert len(made) == 3
    assert UUID in made
    assert vgpu(site, "undo") == Exit.FINE
    assert site.picture() == before
    vgpu(site, "apply", "3b:00.0: 3 x nvidia-35", "--name", "gpu01", "--yes")
    assert mdevs_of(site) == made


def test_what_is_there_already_needs_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    vgpu(site, "apply", "3b:00.0: 2 x nvidia-35", "--yes")
    capsys.readouterr()
    assert vgpu(site, "apply", "3b:00.0: 2 x nvidia-35", "--yes") == Exit.FINE
    assert capsys.readouterr().out == "nothing to do: it is cut as wanted\n"


def test_a_dry_run_changes_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    before = site.picture()
    assert vgpu(site, "apply", "3b:00.0: 2 x nvidia-35", "--dry-run") == Exit.FINE
    assert "1. make the mediated device" in capsys.readouterr().out
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--dry-run", "--format", "json")
    shown = json.loads(capsys.readouterr().out)
    assert [step["change"]["kind"] for step in shown["steps"]] == ["make-mdev"]
    assert site.picture() == before
    assert site.journal.entries() == ()


def test_nothing_is_done_without_a_yes(site: Site) -> None:
    before = site.picture()
    with pytest.raises(Failure, match="nothing was changed"):
        vgpu(site, "create", "nvidia-35", "--on", "3b:00.0")
    assert site.picture() == before


def test_a_slice_is_created_with_its_uuid_deleted_and_made_again(site: Site) -> None:
    for name in (UUID, OTHER_UUID):
        vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", name.upper(), "--yes")
    assert mdevs_of(site) == [UUID, OTHER_UUID]
    vgpu(site, "delete", OTHER_UUID, "--yes")
    assert mdevs_of(site) == [UUID]
    vgpu(site, "undo")
    assert mdevs_of(site) == [UUID, OTHER_UUID]


def test_a_uuid_is_given_once(site: Site) -> None:
    site.kernel.create_store(CARD, "nvidia-35", UUID)
    with pytest.raises(Failure, match=f"a mediated device {UUID} is there already"):
        vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    assert mdevs_of(site) == [UUID]


def test_a_slice_that_a_guest_uses_is_neither_deleted_nor_undone(site: Site) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    open_by_guest(site, UUID)
    with pytest.raises(Failure, match=f"{UUID} would go, and guest desk uses it"):
        vgpu(site, "delete", UUID, "--yes")
    with pytest.raises(Failure, match=f"entry 0001 stays for now: guest desk uses {UUID}"):
        vgpu(site, "undo")
    assert mdevs_of(site) == [UUID]


def define(site: Site, source: str) -> Path:
    """A guest of libvirt that is off and has one device."""
    guest = site.root / "etc/libvirt/qemu/desk.xml"
    guest.parent.mkdir(parents=True, exist_ok=True)
    device = f"<hostdev><source><address {source}/></source></hostdev>"
    guest.write_text(f"<!-- by libvirt --><domain><devices>{device}</devices></domain>")
    return guest


FUNCTION = "domain='0x0000' bus='0x3b' slot='0x00' function='0x4'"


def test_a_slice_that_a_guest_which_is_off_is_defined_with_is_kept(site: Site) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    guest = define(site, f"uuid='{UUID.upper()}'")
    for words in (("delete", UUID, "--yes"), ("apply", "3b:00.0: none", "--yes"), ("undo",)):
        with pytest.raises(Failure, match=f"guest desk is defined with mediated device {UUID}") as caught:
            vgpu(site, *words)
        assert f"gpucloud vgpu detach desk {UUID}" in caught.value.then
    assert UUID in mdevs_of(site)
    guest.write_text("<domain")
    assert "desk.xml cannot be read" in site.desk.plan_cut(Layout(("3b:00.0: none",), "gpu01")).notes[0]
    guest.unlink()
    vgpu(site, "delete", UUID, "--yes")
    assert UUID not in mdevs_of(site)


def listed(site: Site, capsys: pytest.CaptureFixture[str]) -> tuple[str, list[dict[str, object]]]:
    """The table of slices, and what JSON has of the guests that are defined with the first of them."""
    capsys.readouterr()
    assert call(["vgpu", "list", "--from", str(site.root)]) == Exit.FINE
    table = capsys.readouterr().out
    assert call(["vgpu", "list", "--from", str(site.root), "--format", "json"]) == Exit.FINE
    cards = json.loads(capsys.readouterr().out)["cards"]
    return table, next(each["defined_with"] for card in cards for each in card["slices"])


def test_a_guest_that_is_off_is_listed_with_the_slice_that_it_is_defined_with(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    table, guests = listed(site, capsys)
    assert "desk" not in table
    assert "not all known: etc/libvirt/qemu is not in the capture" in table
    assert guests == []
    guest = define(site, f"uuid='{UUID.upper()}'")
    table, guests = listed(site, capsys)
    assert "desk (off)" in table
    assert "not all known" not in table
    assert guests == [{"guest": "desk", "state": "off", "has_it": False}]
    open_node(site, "/dev/null")
    table, guests = listed(site, capsys)
    assert "desk (runs without it)" in table
    assert guests == [{"guest": "desk", "state": "running", "has_it": False}]
    guest.write_text("<domain")
    assert "desk.xml cannot be read: it is no definition of a guest" in listed(site, capsys)[0]


def test_a_guest_that_has_its_slice_open_is_listed_once(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    define(site, f"uuid='{UUID}'")
    open_by_guest(site, UUID)
    table, guests = listed(site, capsys)
    assert table.count("desk") == 1
    assert "(off)" not in table
    assert guests == [{"guest": "desk", "state": "running", "has_it": True}]


def test_a_vgpu_of_a_function_is_listed_with_the_guest_that_is_off(
    vendor: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    vgpu(vendor, "apply", "3b:00.0: 2 x A40-8Q", "--yes")
    define(vendor, FUNCTION)
    table, guests = listed(vendor, capsys)
    assert "desk (off)" in table
    assert guests == [{"guest": "desk", "state": "off", "has_it": False}]


def test_a_vgpu_of_a_function_that_a_guest_is_defined_with_is_kept(vendor: Site) -> None:
    vgpu(vendor, "apply", "3b:00.0: 2 x A40-8Q", "--yes")
    define(vendor, FUNCTION)
    for words in (("delete", VFS[0], "--yes"), ("apply", "3b:00.0: none", "--yes"), ("undo",)):
        with pytest.raises(Failure, match=f"guest desk is defined with the vGPU of {VFS[0]}"):
            vgpu(vendor, *words)
    current = vendor.root / "sys/bus/pci/devices" / VFS[0] / "nvidia/current_vgpu_type"
    assert current.read_text().strip() != "0"
    vendor.desk.undo("0001", force=True)
    assert current.read_text().strip() == "0"


def test_a_guest_that_came_after_the_plan_was_shown_is_seen(site: Site) -> None:
    site.kernel.create_store(CARD, "nvidia-35", UUID)
    shown = site.desk.plan_cut(Layout(("3b:00.0: none",), "gpu01"))
    assert len(shown.steps) == 1
    open_by_guest(site, UUID)
    with pytest.raises(Failure, match="guest desk uses it"):
        site.desk.apply(shown)
    assert mdevs_of(site) == [UUID]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("apply", "3b:00.0: 9 x nvidia-35"), "9 more of GRID T4-4Q are wanted, and 4 fit"),
        (("apply", "99:00.0: none"), "is for no card that was seen"),
        (("create", "nvidia-35", "--on", "99:00.0"), "99:00.0 is no GPU of this host"),
        (("create", "nvidia-35", "--on", "3b:00.0", "--uuid", "x"), "'x' is no UUID"),
        (("create", "nvidia-36", "--on", "3b:00.0"), "nvidia-36 is none of the types"),
        (("delete", UUID), "is no slice of a card of this host"),
        (("undo",), "no layout is applied here"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_done(site: Site, words: tuple[str, ...], why: str) -> None:
    before = site.picture()
    with pytest.raises(Failure, match=why):
        vgpu(site, *words)
    assert site.picture() == before


def test_types_of_virtual_functions_are_set_and_cleared(vendor: Site) -> None:
    before = vendor.picture()
    vgpu(vendor, "apply", "3b:00.0: 2 x A40-8Q", "--yes")
    assert types_of(vendor) == ["1145", "1145", "0", "0"]
    vgpu(vendor, "delete", VFS[0].removeprefix("0000:"), "--yes")
    assert types_of(vendor) == ["0", "1145", "0", "0"]
    vgpu(vendor, "undo")
    assert types_of(vendor) == ["1145", "1145", "0", "0"]
    vgpu(vendor, "undo")
    assert vendor.picture() == before


def test_of_several_devices_of_a_card_none_is_taken_for_the_one_that_is_meant(site: Site) -> None:
    for name in (UUID, OTHER_UUID):
        site.kernel.create_store(CARD, "nvidia-35", name)
    for said in ("3b:00.0", CARD):
        with pytest.raises(Failure, match="has 2 slices: ") as refused:
            vgpu(site, "delete", said, "--yes")
        assert UUID in refused.value.what
    site.kernel.remove_store(UUID)
    assert vgpu(site, "delete", CARD, "--yes") == Exit.FINE


def test_a_full_card_is_known_by_the_names_that_it_had_listed(
    vendor: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = vendor.picture()
    vgpu(vendor, "apply", "3b:00.0: 3 x A40-8Q", "--yes")
    cut = vendor.picture()
    listed = vendor.root / "sys/bus/pci/devices" / VFS[0] / "nvidia/creatable_vgpu_types"
    assert "A40-8Q" not in listed.read_text(), "there is room for three"
    vgpu(vendor, "apply", "3b:00.0: 3 x A40-8Q", "--yes")
    assert vendor.picture() == cut
    assert len(vendor.journal.entries()) == 1
    vgpu(vendor, "apply", "3b:00.0: 2 x A40-8Q", "--yes")
    assert types_of(vendor).count("1145") == 2
    vgpu(vendor, "undo")
    vgpu(vendor, "undo")
    assert vendor.picture() == before


def test_a_layout_that_was_cut_off_anywhere_is_taken_back_and_leaves_no_slice_behind(site: Site) -> None:
    for name in (UUID, OTHER_UUID):
        site.kernel.create_store(CARD, "nvidia-35", name)
    other = site.root / "sys/bus/pci/devices" / CARD / "mdev_supported_types/nvidia-36"
    other.mkdir()
    for name, text in {"name": "GRID T4-4A\n", "available_instances": "4\n", "create": ""}.items():
        (other / name).write_text(text)
    before = site.picture()
    plan = site.desk.plan_cut(Layout(("3b:00.0: nvidia-35, 2 x nvidia-36",), "gpu01"))
    assert sorted(step.change.kind for step in plan.steps) == ["make-mdev", "make-mdev", "remove-mdev"]
    moment = 0
    while dies(site, moment, lambda doomed: doomed.desk.apply(plan)):
        if site.journal.unfinished():
            site.desk.undo("last", force=False)
            assert site.picture() == before, moment
        elif site.picture() != before:
            site.desk.undo("last", force=False)
        assert site.picture() == before, moment
        moment += 3
    assert moment >= 30
    assert len(mdevs_of(site)) == 3


def test_one_of_many_virtual_functions_cannot_be_deleted_alone() -> None:
    offers = offers_of(host_of("built-amd-s7150-mxgpu"))
    slices = offers[0].slices
    assert isinstance(slices, tuple)
    with pytest.raises(Failure, match=r"those of a card go together; say how many stay: .* N x vf"):
        without(offers, slices[0].name)


def restart(site: Site) -> None:
    """What the kernel had of slices is gone, and it is another boot."""
    for name in mdevs_of(site):
        site.kernel.remove_store(name)
    boot = site.root / "proc/sys/kernel/random/boot_id"
    boot.write_text(f"after {boot.read_text()}")


def test_what_layouts_have_cut_is_there_again_after_a_restart_and_can_be_taken_back(site: Site) -> None:
    before = mdevs_of(site)
    vgpu(site, "apply", "3b:00.0: 3 x nvidia-35", "--name", "gpu01", "--yes")
    first = mdevs_of(site)
    vgpu(site, "delete", first[0], "--yes")
    for _ in range(2):
        restart(site)
        assert call(["boot"], site.desk) == Exit.FINE
        assert mdevs_of(site) == first[1:]
        assert call(["boot"], site.desk) == Exit.FINE
    assert call(["verify", "0002"], site.desk) == Exit.FINE
    vgpu(site, "undo")
    assert mdevs_of(site) == first
    vgpu(site, "undo")
    assert mdevs_of(site) == before


def test_what_a_start_made_again_is_not_missed_once_its_layout_is_taken_back(site: Site) -> None:
    vgpu(site, "apply", "3b:00.0: 2 x nvidia-35", "--name", "gpu01", "--yes")
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--yes")
    restart(site)
    assert call(["boot"], site.desk) == Exit.FINE
    assert call(["verify"], site.desk) == Exit.FINE
    vgpu(site, "undo")
    assert call(["verify"], site.desk) == Exit.FINE


def test_a_layout_that_the_power_cut_off_is_given_up_at_the_next_start(site: Site) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--uuid", UUID, "--yes")
    plan = site.desk.plan_cut(Layout(("3b:00.0: 3 x nvidia-35",), "gpu01"))
    assert dies(site, 22, lambda doomed: doomed.desk.apply(plan))
    assert site.journal.unfinished()
    restart(site)
    assert call(["boot"], site.desk) == Exit.FINE
    assert mdevs_of(site) == [UUID]


def test_types_of_virtual_functions_are_there_again_after_a_restart(vendor: Site) -> None:
    vgpu(vendor, "apply", "3b:00.0: 2 x A40-8Q", "--yes")
    for vf in VFS:
        place = vendor.root / "sys/bus/pci/devices" / vf / "nvidia/current_vgpu_type"
        vendor.kernel.vgpu_type_store(place, 0)
    restart(vendor)
    assert call(["boot"], vendor.desk) == Exit.FINE
    assert types_of(vendor) == ["1145", "1145", "0", "0"]


def test_a_card_that_is_not_there_after_a_restart_is_named(site: Site) -> None:
    vgpu(site, "create", "nvidia-35", "--on", "3b:00.0", "--yes")
    restart(site)
    types = site.root / "sys/bus/pci/devices" / CARD / "mdev_supported_types"
    types.rename(types.with_name("gone"))
    with pytest.raises(Failure, match="mdev_supported_types/nvidia-35 is not there"):
        call(["boot"], site.desk)


def test_a_function_that_is_not_there_holds_up_no_other_of_its_card(vendor: Site) -> None:
    vgpu(vendor, "apply", "3b:00.0: 2 x A40-8Q", "--yes")
    for vf in VFS:
        place = vendor.root / "sys/bus/pci/devices" / vf / "nvidia/current_vgpu_type"
        vendor.kernel.vgpu_type_store(place, 0)
    restart(vendor)
    lost = vendor.root / "sys/bus/pci/devices" / VFS[0] / "nvidia"
    lost.rename(lost.with_name("gone"))
    with pytest.raises(Failure, match=f"{VFS[0]}/nvidia/current_vgpu_type is not there"):
        call(["boot"], vendor.desk)
    lost.with_name("gone").rename(lost)
    assert types_of(vendor) == ["0", "1145", "0", "0"]


def test_what_carries_on_with_a_layout_takes_no_slice_from_a_guest(site: Site) -> None:
    for name in (UUID, OTHER_UUID):
        site.kernel.create_store(CARD, "nvidia-35", name)
    plan = site.desk.plan_cut(Layout(("3b:00.0: none",), "gpu01"))
    assert dies(site, 10, lambda doomed: doomed.desk.apply(plan))
    assert site.journal.unfinished()
    open_by_guest(site, OTHER_UUID)
    failure = site.desk.resume().failure
    assert failure is not None
    assert f"guest desk uses {OTHER_UUID}, so it stays" in failure
    assert mdevs_of(site) == [UUID, OTHER_UUID]


def test_a_roll_back_takes_no_slice_from_a_guest_that_has_come(site: Site) -> None:
    plan = site.desk.plan_cut(Layout(("3b:00.0: 2 x nvidia-35",), "gpu01"))
    outcome = site.desk.apply(plan, Watch(is_stopped=lambda: has_come(site)))
    assert outcome is not None
    assert outcome.failure == "interrupted"
    assert f"guest desk uses {mdevs_of(site)[0]}, so it stays" in outcome.left[0]
    assert len(mdevs_of(site)) == 1


def has_come(site: Site) -> bool:
    """Once a slice is there, a guest opens it."""
    for name in mdevs_of(site):
        open_by_guest(site, name)
    return bool(mdevs_of(site))


def change_of_vfs(before: int, after: int) -> SetVfs:
    return SetVfs(address=PciAddress.parse(CARD), before=before, after=after)


@pytest.mark.parametrize("after", [0, 2])
def test_no_virtual_function_goes_while_a_guest_has_one_not_even_for_a_moment(
    vendor: Site, after: int
) -> None:
    open_node(vendor, f"/dev/vfio/{group_of(vendor, VFS[0])}")
    with pytest.raises(StepError, match=f"guest desk uses {VFS[0]}, so it stays"):
        do(change_of_vfs(4, after), vendor.system)
    with pytest.raises(StepError, match="guest desk uses"):
        undo(change_of_vfs(after, 4), vendor.system)
    with pytest.raises(StepError, match="guest desk uses"):
        do(SwitchVfs(address=PciAddress.parse(CARD), before=4, after=0), vendor.system)
    assert (vendor.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs").read_text() == "4\n"


def test_a_type_stays_with_the_guest_that_has_the_function(vendor: Site) -> None:
    make = SetVgpuType(address=PciAddress.parse(VFS[0]), before=0, after=1145)
    do(make, vendor.system)
    open_node(vendor, f"/dev/vfio/{group_of(vendor, VFS[0])}")
    with pytest.raises(StepError, match=f"guest desk uses {VFS[0]}, so it stays"):
        undo(make, vendor.system)
    assert types_of(vendor)[0] == "1145"


def test_a_slice_stays_where_nobody_can_say_who_uses_it(site: Site) -> None:
    site.kernel.create_store(CARD, "nvidia-35", UUID)
    (site.root / "proc/4711").mkdir()
    (site.root / "proc/4711/fd").symlink_to("fd")  # a folder that cannot be listed
    gone = RemoveMdev(address=PciAddress.parse(CARD), type="nvidia-35", uuid=UUID)
    with pytest.raises(StepError, match=f"who uses {UUID} could not be seen"):
        do(gone, site.system)
    assert mdevs_of(site) == [UUID]


def group_of(site: Site, function: str) -> str:
    return (site.root / "sys/bus/pci/devices" / function / "iommu_group").readlink().name


def test_what_an_applied_spec_cuts_is_no_layouts(site: Site) -> None:
    site.desk.apply(mine(site.desk.plan_start(parse_spec(MEDIATED), "gpu01", force=False)))
    before = site.picture()
    with pytest.raises(Failure, match=r"3b:00\.0 is in pool a of the applied spec, which cuts it"):
        vgpu(site, "apply", "3b:00.0: 3 x nvidia-35", "--name", "gpu01", "--yes")
    assert site.picture() == before


def test_what_a_layout_has_cut_is_no_specs(site: Site) -> None:
    vgpu(site, "apply", "3b:00.0: 3 x nvidia-35", "--name", "gpu01", "--yes")
    with pytest.raises(Failure, match=r"3b:00\.0 of pool a is cut by an applied layout"):
        site.desk.plan_start(parse_spec(MEDIATED), "gpu01", force=False)
    vgpu(site, "undo")
    assert site.desk.plan_start(parse_spec(MEDIATED), "gpu01", force=False).steps
