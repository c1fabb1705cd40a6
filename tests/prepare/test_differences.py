"""A host that changed since it was prepared: the plan is the difference, and apply touches nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import DRACUT, ENTRY, INITRAMFS_TOOLS, Tools, build_family, plan_for
from tests.prepare.fake_kernel import FakeKernel
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.change import KeepOldStart, RemoveFile, RunTool, WriteFile
from gpucloud.model.failure import Failure
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

ALL = "pools:\n  a: {use: passthrough, match: {ids: 10de:20b5}}\n"
SCRIPT = "etc/initramfs-tools/scripts/init-top/00gpucloud"
CLAIM = "usr/lib/dracut/modules.d/90gpucloud/claim"
FIRST, SECOND = "0000:3b:00", "0000:3c:00"


class Bus:
    """The host's PCI bus, out of which cards are taken and into which they are put."""

    def __init__(self, root: Path) -> None:
        self._root, self._away = root, root.with_name("away")

    def take(self, slot: str) -> None:
        for path in self._paths(slot):
            place = self._away / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self._root / path, place)

    def put(self, slot: str) -> None:
        for path in self._paths(slot):
            shutil.move(self._away / path, self._root / path)

    def _paths(self, slot: str) -> Sequence[str]:
        group = {FIRST: 11, SECOND: 12}[slot]
        functions = [f"sys/bus/pci/devices/{slot}.{number}" for number in (0, 1)]
        return [*functions, f"sys/kernel/iommu_groups/{group}"]


def prepared(folder: Path, name: str, *, without: str | None = None) -> tuple[Site, Bus]:
    """A host of a family, prepared and confirmed, perhaps while one of its cards was not there."""
    kernel = build_family(folder / "root", name)
    bus = Bus(kernel.root)
    if without is not None:
        bus.take(without)
    site = Site(kernel, folder / "state")
    done(site)
    return site, bus


def done(site: Site) -> None:
    """Carry out what is to be planned now, and have it confirmed."""
    outcome = apply(mine(plan_for(site.kernel, ALL)), site.system, site.journal)
    assert outcome.failure is None
    site.desk.confirm()


def planned(kernel: FakeKernel) -> dict[str, str]:
    """Files that a plan changes, and tools that it runs."""
    found: dict[str, str] = {}
    for step in plan_for(kernel, ALL).steps:
        change = step.change
        if isinstance(change, WriteFile | RemoveFile):
            found[change.path.lstrip("/")] = change.kind
        elif isinstance(change, RunTool) and change.when == "apply":
            found[change.argv[0]] = change.kind
        elif isinstance(change, KeepOldStart):
            found[change.config.lstrip("/")] = change.kind
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    paths = before.keys() | after.keys()
    return {path for path in paths if before.get(path) != after.get(path)}


MADE = {"boot/made-by-update-initramfs", "boot/grub/custom.cfg"}
SAME_CARDS = {SCRIPT: "write-file", "update-initramfs": "run-tool", "boot/grub/custom.cfg": "keep-old-start"}


@pytest.mark.parametrize("name", ["debian-12", "debian-dracut", "centos-7", "alma-9", "sles-15"])
def test_a_capture_of_a_prepared_host_shows_nothing_to_do(name: str, tmp_path: Path) -> None:
    site, _ = prepared(tmp_path, name)
    link = site.root / "etc/systemd/system/multi-user.target.wants/gpucloud-boot.service"
    link.unlink()
    link.symlink_to("../gpucloud-boot.service")  # as it leads on a real host, whose root is this tree's
    archive = tmp_path / "gpu01.tar.gz"
    archive.write_bytes(render_capture(collect_here(str(site.root))))
    reader = open_capture(archive)
    plan = plan_boot(read_host(reader), read_boot_files(reader), parse_spec(ALL), "gpu01")
    assert plan.refusals == ()
    assert plan.steps == ()


def test_a_new_card_changes_the_script_and_nothing_else(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=SECOND)
    bus.put(SECOND)
    assert planned(site.kernel) == SAME_CARDS
    before = site.picture()
    done(site)
    after = site.picture()
    assert changed(before, after) - MADE == {SCRIPT}
    lines = set(after[SCRIPT].splitlines()) - set(before[SCRIPT].splitlines())
    assert lines == {f"claim {SECOND}.0 0x10de 0x20b5", f"claim {SECOND}.1 0x10de 0x1aef"}
    assert planned(site.kernel) == {}


def test_a_card_that_was_moved_is_known_at_its_new_place_only(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=SECOND)
    bus.take(FIRST)
    bus.put(SECOND)
    assert planned(site.kernel) == SAME_CARDS
    done(site)
    script = (site.root / SCRIPT).read_text()
    assert f"claim {SECOND}.0 " in script
    assert FIRST not in script


def test_a_card_that_was_taken_out_leaves_the_script_and_nothing_else_changes(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12")
    bus.take(SECOND)
    assert planned(site.kernel) == SAME_CARDS
    before = site.picture()
    done(site)
    assert changed(before, site.picture()) - MADE == {SCRIPT}
    assert SECOND not in (site.root / SCRIPT).read_text()


def test_a_pool_that_loses_its_last_card_is_named_before_the_start_forgets_it(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=SECOND)
    assert not plan_for(site.kernel, ALL).notes
    bus.take(FIRST)
    plan = plan_for(site.kernel, ALL)
    assert any(isinstance(step.change, RemoveFile) for step in plan.steps)
    assert [note.partition(",")[0] for note in plan.notes] == ["pool a has no card on this host now"]


def test_a_card_that_is_looked_for_at_its_old_address_is_named_where_it_is_now(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=SECOND)
    by_address = "pools:\n  a: {use: passthrough, match: {address: '3b:00.0'}}\n"
    assert apply(mine(plan_for(site.kernel, by_address)), site.system, site.journal).failure is None
    bus.take(FIRST)
    bus.put(SECOND)
    gone, where = plan_for(site.kernel, by_address).notes
    assert gone.startswith("pool a has no card on this host now, so this takes away")
    assert where.startswith("pool a names 0000:3b:00.0, where this host has no GPU; it has 3c:00.0")


def test_undo_of_the_difference_leaves_what_was_there_before_it(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=SECOND)
    bus.put(SECOND)
    before = site.picture()
    done(site)
    assert site.desk.undo("last", force=False).left == ()
    assert changed(before, site.picture()) == set()


@pytest.mark.parametrize("goes", [False, True])
def test_a_host_that_was_changed_twice_is_as_planned_by_what_was_written_last(
    goes: bool, tmp_path: Path
) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=None if goes else SECOND)
    (bus.take if goes else bus.put)(SECOND)
    done(site)
    assert site.desk.verify(None) == ()
    (site.root / SCRIPT).write_text("somebody else's\n")
    assert [each.path for each in site.desk.verify(None)] == [f"/{SCRIPT}"]


def test_undo_out_of_order_names_the_entry_that_comes_first(tmp_path: Path) -> None:
    site, bus = prepared(tmp_path, "debian-12", without=SECOND)
    bus.put(SECOND)
    done(site)
    before = site.picture()
    with pytest.raises(Failure, match=rf"^/{SCRIPT}, which .* was changed by entry 0002") as caught:
        site.desk.undo("0001", force=False)
    assert caught.value.then.endswith("gpucloud undo 0002")
    assert changed(before, site.picture()) == set()


def test_an_entry_that_a_later_one_took_out_again_is_not_taken_back_before_it(tmp_path: Path) -> None:
    """All is as before it: but the later one's undo would bring half of it back, for nobody to take back."""
    site, _ = prepared(tmp_path, "debian-12")
    host = "pools:\n  a: {use: host, match: {ids: 10de:20b5}}\n"
    assert apply(mine(plan_for(site.kernel, host)), site.system, site.journal).failure is None
    with pytest.raises(Failure, match=r"was changed by entry 0002 after it"):
        site.desk.undo("0001", force=False)
    for entry in ("0002", "0001"):
        assert site.desk.undo(entry, force=False).left == ()
    assert plan_for(site.kernel, host).is_empty


@pytest.mark.parametrize("name", ["debian-12", "ubuntu-24.04-cloud", "sles-15", "alma-9"])
def test_a_new_kernel_needs_nothing(name: str, tmp_path: Path) -> None:
    site, _ = prepared(tmp_path, name)
    (site.root / "lib/modules/6.1.0-42-amd64").rename(site.root / "lib/modules/6.1.0-43-amd64")
    (site.root / "proc/sys/kernel/osrelease").write_text("6.1.0-43-amd64\n")
    assert planned(site.kernel) == {}


def test_an_entry_of_a_new_kernel_without_the_arguments_gets_them_and_the_others_stay(tmp_path: Path) -> None:
    site, _ = prepared(tmp_path, "alma-9")
    entry = "boot/loader/entries/a-5.15.conf"
    (site.root / entry).write_text(ENTRY.replace("5.14", "5.15"))
    assert planned(site.kernel) == {entry: "write-file", "boot/grub2/custom.cfg": "keep-old-start"}


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("debian-12", "ID=debian\nVERSION_ID=13\n"),
        ("alma-9", "ID=almalinux\nID_LIKE='rhel centos fedora'\nVERSION_ID=10.0\n"),
        ("sles-15", "ID=sles\nID_LIKE='suse'\nVERSION_ID=15.7\n"),
    ],
)
def test_another_release_that_starts_in_the_same_way_needs_nothing(
    name: str, release: str, tmp_path: Path
) -> None:
    site, _ = prepared(tmp_path, name)
    (site.root / "etc/os-release").write_text(release)
    assert planned(site.kernel) == {}


def test_a_release_that_comes_with_dracut_has_the_script_there_and_no_longer_where_it_was(
    tmp_path: Path,
) -> None:
    site, _ = prepared(tmp_path, "debian-12")
    (site.root / "etc/os-release").write_text("ID=debian\nVERSION_ID=14\n")
    for path in INITRAMFS_TOOLS:
        (site.root / path).unlink()
    for path, text in DRACUT.items():
        (site.root / path).parent.mkdir(parents=True, exist_ok=True)
        (site.root / path).write_text(text)
    plan = planned(site.kernel)
    assert plan.pop("dracut") == "run-tool"
    assert plan.pop("boot/grub/custom.cfg") == "keep-old-start"
    assert plan.pop(SCRIPT) == plan.pop("etc/initramfs-tools/hooks/gpucloud") == "remove-file"
    assert set(plan.values()) == {"write-file"}
    assert all("dracut" in path for path in plan)
    assert CLAIM in plan
    assert isinstance(site.kernel.tools, Tools)
    done(site)
    assert planned(site.kernel) == {}
