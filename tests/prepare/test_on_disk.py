"""Files and tools: the tree is as before or as planned, byte for byte, wherever an apply or undo was cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.prepare.doom import Ends
from tests.prepare.fake_host import card, picture
from tests.prepare.site import Site, site_in

from gpucloud.model.change import Content, EnableUnit, FileState, RemoveFile, RunTool, WriteFile
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plan import Plan, Step
from gpucloud.prepare.apply import apply, resume
from gpucloud.prepare.desk import conclude
from gpucloud.prepare.journal import Status
from gpucloud.prepare.reach.tree import Tree
from gpucloud.prepare.stored import parse_stored, render_stored
from gpucloud.prepare.takeback import Outcome

pytestmark = pytest.mark.proof

GRUB, DROP_IN, OLD = (
    "/etc/default/grub",
    "/etc/default/grub.d/zz-gpucloud.cfg",
    "/etc/modprobe.d/gpucloud.conf",
)
WANTS = "/etc/systemd/system/multi-user.target.wants"
LINK = f"{WANTS}/a.service"
ME = (os.getuid(), os.getgid())
MAKE = ("update-initramfs", "-u")


@dataclass
class Making:
    """A tool that makes one file of all that lies in /etc, as mkinitramfs does: beside it, then renamed."""

    root: Path
    fails: int = 0
    """So many runs end with an error."""
    runs: int = 0

    def __call__(self, argv: Sequence[str]) -> None:
        assert tuple(argv) == MAKE
        self.runs += 1
        if self.runs <= self.fails:
            raise OSError("'update-initramfs -u' ended with 1: no space left on device")
        make_image(self.root)


def make_image(root: Path) -> None:
    sources = {name: text for name, text in picture(root / "etc").items() if "gpucloud-new" not in name}
    made = root / "boot/initrd.img.new"
    made.write_text(repr(sorted(sources.items())))
    made.rename(root / "boot/initrd.img")


def state(text: str, mode: int = 0o644) -> FileState:
    return FileState(Content(text), mode, *ME)


def steps() -> tuple[Step, ...]:
    changes = (
        RunTool(argv=MAKE, when="undo", makes="the initramfs"),
        WriteFile(path=GRUB, before=state("A=1\n", 0o600), after=state("A=1\nB=2\n", 0o600)),
        WriteFile(path=DROP_IN, before=None, after=state("C=\t3\n"), folders=("/etc/default/grub.d",)),
        RemoveFile(path=OLD, before=state("blacklist x\n", 0o640)),
        EnableUnit(
            path=LINK,
            unit="/etc/systemd/system/a.service",
            folders=("/etc/systemd", "/etc/systemd/system", WANTS),
        ),
        RunTool(argv=MAKE, when="apply", makes="the initramfs"),
    )
    return tuple(Step(change, "it is wanted", None) for change in changes)


PLAN = Plan("this host", (), False, (), steps(), needs_reboot=True)


@pytest.fixture
def disk_site(tmp_path: Path) -> Site:
    site = site_in(tmp_path, card(0x3B, 11))
    tree = Tree(site.root)
    for folder in ("/etc", "/etc/default", "/etc/modprobe.d", "/boot"):
        (site.root / folder[1:]).mkdir(exist_ok=True)
    tree.put(GRUB, state("A=1\n", 0o600))
    tree.put(OLD, state("blacklist x\n", 0o640))
    make_image(site.root)
    site.kernel.tools = Making(site.root)
    return site


def whole(site: Site) -> dict[str, str]:
    """Every file with its content, mode and owner."""
    seen = site.picture()
    for name in [name for name in seen if name.startswith(("etc", "boot"))]:
        facts = (site.root / name).lstat()
        seen[name] += f" {facts.st_mode:o} {facts.st_uid} {facts.st_gid}"
    return seen


def carry_out(site: Site) -> Outcome:
    return apply(PLAN, site.system, site.journal)


def take_back(site: Site) -> Outcome:
    return site.desk.undo("last", force=False)


def go_on(site: Site) -> None:
    for entry in site.journal.unfinished():
        resume(entry, site.system)


def moments(site: Site, old: dict[str, str]) -> Iterator[int]:
    moment = 0
    while True:
        shutil.rmtree(site.state, ignore_errors=True)
        assert whole(site) == old
        yield moment
        moment += 1


def test_files_come_back_with_bytes_mode_and_owner(disk_site: Site) -> None:
    old = whole(disk_site)
    assert carry_out(disk_site).failure is None
    new = whole(disk_site)
    assert new["etc/default/grub"].startswith("A=1\nB=2\n 100600 ")
    assert "etc/modprobe.d/gpucloud.conf" not in new
    assert "zz-gpucloud" in new["boot/initrd.img"]
    assert take_back(disk_site).left == ()
    assert whole(disk_site) == old


def test_an_apply_that_was_cut_off_is_taken_back_byte_for_byte(disk_site: Site, ends: Ends) -> None:
    old = whole(disk_site)
    for moment in moments(disk_site, old):
        if not ends(disk_site, moment, carry_out):
            assert moment > 30
            break
        if disk_site.journal.entries():
            take_back(disk_site)
        assert whole(disk_site) == old, moment


@pytest.mark.proof
def test_an_apply_that_was_cut_off_is_carried_on_with_also_after_a_restart(
    disk_site: Site, ends: Ends
) -> None:
    old = whole(disk_site)
    carry_out(disk_site)
    new = whole(disk_site)
    take_back(disk_site)
    boot = disk_site.root / "proc/sys/kernel/random/boot_id"
    for moment in moments(disk_site, old):
        if not ends(disk_site, moment, carry_out):
            break
        before = boot.read_text()
        boot.write_text("another boot\n")
        go_on(disk_site)
        boot.write_text(before)
        if disk_site.journal.entries():
            assert whole(disk_site) == new, moment
            take_back(disk_site)


@pytest.mark.proof
def test_an_undo_that_was_cut_off_is_repeated(disk_site: Site, ends: Ends) -> None:
    old = whole(disk_site)
    for moment in moments(disk_site, old):
        carry_out(disk_site)
        if not ends(disk_site, moment, take_back):
            assert moment > 20
            break
        if disk_site.journal.entry("1").read_progress().status != Status.UNDONE:
            take_back(disk_site)
        assert whole(disk_site) == old, moment


def test_each_tool_runs_once_for_an_apply_and_once_for_an_undo(disk_site: Site) -> None:
    making = disk_site.kernel.tools = Making(disk_site.root)
    carry_out(disk_site)
    assert making.runs == 1
    take_back(disk_site)
    assert making.runs == 2


def test_undo_after_a_restart_brings_the_files_back(disk_site: Site) -> None:
    old = whole(disk_site)
    carry_out(disk_site)
    boot = disk_site.root / "proc/sys/kernel/random/boot_id"
    before = boot.read_text()
    boot.write_text("another boot\n")
    take_back(disk_site)
    boot.write_text(before)
    assert whole(disk_site) == old


def test_a_file_that_somebody_changed_since_stops_undo_before_anything_is_touched(disk_site: Site) -> None:
    carry_out(disk_site)
    Tree(disk_site.root).put(GRUB, state("mine\n"))
    changed = whole(disk_site)
    with pytest.raises(
        Failure, match=r"somebody else has changed what journal entry 0001 wrote: /etc/default/grub"
    ):
        take_back(disk_site)
    assert whole(disk_site) == changed
    disk_site.desk.undo("last", force=True)
    assert (disk_site.root / GRUB[1:]).read_text() == "A=1\n"


def test_a_file_that_is_not_as_planned_is_not_touched_and_the_rest_is_taken_back(disk_site: Site) -> None:
    Tree(disk_site.root).put(OLD, state("mine\n"))
    make_image(disk_site.root)
    old = whole(disk_site)
    outcome = carry_out(disk_site)
    assert "/etc/modprobe.d/gpucloud.conf is not as it was" in str(outcome.failure)
    with pytest.raises(Failure) as caught:
        conclude(outcome)
    assert caught.value.code is Exit.UNDONE
    assert whole(disk_site) == old


def test_a_tool_that_fails_takes_all_back(disk_site: Site) -> None:
    old = whole(disk_site)

    disk_site.kernel.tools = Making(disk_site.root, fails=1)
    outcome = carry_out(disk_site)
    assert "the initramfs could not be made" in str(outcome.failure)
    assert "no space left on device" in str(outcome.failure)
    assert outcome.left == ()
    assert whole(disk_site) == old


def test_what_lies_in_a_folder_that_was_made_keeps_it(disk_site: Site) -> None:
    carry_out(disk_site)
    theirs = disk_site.root / "etc/default/grub.d/50-theirs.cfg"
    theirs.write_text("D=4\n")
    assert take_back(disk_site).left == ()
    assert theirs.read_text() == "D=4\n"


def test_a_link_is_followed_and_stays_a_link(disk_site: Site) -> None:
    place = disk_site.root / GRUB[1:]
    target = place.rename(disk_site.root / "etc/grub-real")
    place.symlink_to("../grub-real")
    carry_out(disk_site)
    assert place.is_symlink()
    assert target.read_text() == "A=1\nB=2\n"
    take_back(disk_site)
    assert target.read_text() == "A=1\n"


def test_verify_says_which_file_is_not_as_it_was_written(disk_site: Site) -> None:
    carry_out(disk_site)
    assert disk_site.desk.verify(None) == ()
    Tree(disk_site.root).put(DROP_IN, state("mine\n"))
    Tree(disk_site.root).put(OLD, state("again\n"))
    assert [(m.path, m.seen) for m in disk_site.desk.verify(None)] == [
        (DROP_IN, "with other content"),
        (OLD, "there again"),
    ]


def test_a_plan_with_whole_files_is_stored_and_read_back() -> None:
    assert parse_stored(render_stored(PLAN, "boot"), "plan").plan == PLAN


def test_a_label_stays_with_its_file_where_the_system_has_labels(disk_site: Site) -> None:
    label = "system_u:object_r:etc_t:s0"
    place = disk_site.root / GRUB[1:]
    try:
        os.setxattr(place, "security.selinux", label.encode() + b"\0")
    except OSError:  # labels may not be set here: then there are none to keep
        label = ""
    tree = Tree(disk_site.root)
    before = tree.look(GRUB)
    assert isinstance(before, FileState)
    assert before.label == (label or None)
    tree.put(GRUB, replace(before, text=Content("B=2\n")))
    assert tree.look(GRUB) == replace(before, text=Content("B=2\n"))
