"""The old start kept as GRUB's entry: tried, trusted, taken again, and whole wherever it is cut off."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeGuard

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.boot_hosts import BLOCK, RELEASE, SPEC, Tools, build_family, plan_for
from tests.prepare.doom import Doom, DoomedSystem, dies
from tests.prepare.grub import Menu
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine, site_of
from tests.prepare.test_guard import prepared, restart, same_files, set_route

from gpucloud.cli.main import call
from gpucloud.model.change import FileState, KeepOldStart, TryNewStart
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.plan import Plan
from gpucloud.prepare.apply import apply, resume
from gpucloud.prepare.journal import Status
from gpucloud.prepare.steps.fallback.environment import read_variable, with_variable
from gpucloud.prepare.steps.fallback.variable import set_variable
from gpucloud.prepare.takeback import Watch
from gpucloud.prepare.trial import on_trial, turn_back
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof

OPTS = "saved_entry=a\nkernelopts=root=/dev/mapper/rl-root ro quiet{}\n"
LINE = st.from_regex(r"[a-z_]{1,8}=[ -~]{0,20}", fullmatch=True).filter(
    lambda line: not line.startswith("gpucloud_tries=")
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_of(tmp_path, "debian-12")[0]


BLOCK_FILE = "boot/grub/grubenv"


def tries_of(view: Mapping[str, bytes]) -> str | None:
    return read_variable(view[BLOCK_FILE].decode())


def kept(plan: Plan) -> KeepOldStart:
    (change,) = (step.change for step in plan.steps if isinstance(step.change, KeepOldStart))
    return change


def risks(plan: Plan) -> str:
    return "; ".join(step.risk for step in plan.steps)


@given(st.lists(LINE, max_size=6), st.sampled_from(["0", "1", "2"]))
def test_a_variable_set_and_taken_away_leaves_the_block_as_it_was(lines: list[str], value: str) -> None:
    block = "\n".join(["# GRUB Environment Block", *lines, ""]).ljust(1024, "#")
    said = with_variable(block, value)
    assert read_variable(said) == value
    assert len(said) == 1024
    assert with_variable(said, None) == block


@pytest.mark.parametrize("name", ["debian-12", "rocky-8", "sles-15"])
def test_grub_finds_all_of_a_change_and_of_its_undo_when_the_power_goes_right_after(
    name: str, tmp_path: Path
) -> None:
    site, plan = site_of(tmp_path, name)
    apply(plan, site.system, site.journal)
    assert site.kernel.written_out[-1] == site.kernel.boot_files()
    site.desk.undo("last", force=False)
    assert site.kernel.boot_files().items() <= site.kernel.written_out[-1].items()


def test_grub_counts_tries_of_the_new_start_only_where_it_finds_all_of_it(site: Site) -> None:
    apply(mine(plan_for(site.kernel)), site.system, site.journal)
    views = site.kernel.written_out
    counting = [view for view in views if tries_of(view) == "2"]
    (before, last) = (views[-2], views[-1])
    assert counting == [last]
    assert {**before, BLOCK_FILE: b""} == {**last, BLOCK_FILE: b""}


def test_grubs_own_editor_reads_and_writes_the_same_block(tmp_path: Path) -> None:
    block = tmp_path / "grubenv"
    block.write_text(with_variable(BLOCK, "2"))
    assert editenv(block, "list") == "gpucloud_tries=2\n"
    editenv(block, "set", "saved_entry=a", "gpucloud_tries=1")
    assert read_variable(block.read_text()) == "1"
    block.write_text(with_variable(block.read_text(), None))
    assert editenv(block, "list") == "saved_entry=a\n"


def editenv(block: Path, *words: str) -> str:
    argv = ["grub-editenv", str(block), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout


def test_a_block_without_room_is_left_alone(site: Site) -> None:
    block = site.root / "boot/grub/grubenv"
    full = "# GRUB Environment Block\nsaved_entry=".ljust(1023, "a") + "\n"
    block.write_text(full)
    outcome = apply(mine(plan_for(site.kernel)), site.system, site.journal)
    assert outcome.failure is not None
    assert "no room left in the environment block" in outcome.failure
    assert block.read_text() == full


@pytest.mark.parametrize("name", ["debian-12", "centos-7", "rocky-8", "alma-9", "sles-15"])
def test_the_entry_is_written_in_grubs_language(name: str, tmp_path: Path) -> None:
    change = kept(plan_for(build_family(tmp_path, name)))
    script = tmp_path / "custom.cfg"
    script.write_text(change.after.text)
    subprocess.run(["grub-script-check", str(script)], check=True, timeout=30)


def test_the_entry_starts_the_running_kernel_as_it_was_started(tmp_path: Path) -> None:
    change = kept(plan_for(build_family(tmp_path, "debian-12")))
    assert change.initramfs == f"/boot/initrd.img-{RELEASE}"
    assert (
        f"    linux '/boot/vmlinuz-{RELEASE}' 'root=UUID=1' 'ro' 'quiet' 'gpucloud=old'\n"
        in change.after.text
    )
    assert f"    initrd '{change.copy}'\n" in change.after.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("BOOT_IMAGE=(hd0,gpt2)/vmlinuz-{} ro", "linux '/vmlinuz-{}' 'ro' 'gpucloud=old'"),
        (
            'BOOT_IMAGE=/boot/vmlinuz-{} "dyndbg=file a +p" b',
            "linux '/boot/vmlinuz-{}' 'dyndbg=file a +p' 'b' ",
        ),
        (
            "BOOT_IMAGE=/vmlinuz-{} ro gpucloud=try panic=30 rd.shell=0 rd.emergency=reboot quiet",
            "linux '/vmlinuz-{}' 'ro' 'quiet' 'gpucloud=old'",
        ),
        (
            "BOOT_IMAGE=/vmlinuz-{} ro gpucloud=old panic=30",
            "linux '/vmlinuz-{}' 'ro' 'panic=30' 'gpucloud=old'",
        ),
    ],
)
def test_arguments_are_said_to_grub_as_the_kernel_had_them(line: str, words: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-12")
    (tmp_path / "proc/cmdline").write_text(line.format(RELEASE) + "\n")
    assert words.format(RELEASE) in kept(plan_for(kernel)).after.text


def break_(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def say_(path: str, text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / path).write_text(text)

    return write


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (break_("etc/grub.d/41_custom"), "there is no /etc/grub.d/41_custom"),
        (break_("boot/grub/grubenv"), "there is no /boot/grub/grubenv"),
        (break_("boot/grub/grub.cfg"), "there is no /boot/grub/grub.cfg"),
        (break_(f"boot/initrd.img-{RELEASE}"), "not one that GRUB has started"),
        (say_("proc/cmdline", "ro quiet\n"), "not one that GRUB has started"),
        (say_("proc/cmdline", f"BOOT_IMAGE=/vmlinuz-{RELEASE} a='b\n"), "cannot be said to GRUB again"),
    ],
)
def test_where_grub_cannot_the_plan_says_so(spoil: Callable[[Path], None], why: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-12")
    spoil(tmp_path)
    plan = plan_for(kernel)
    assert not [step for step in plan.steps if isinstance(step.change, KeepOldStart | TryNewStart)]
    assert "a start that hangs before systemd runs may need a hand at the boot menu: " in risks(plan)
    assert why in risks(plan)


@pytest.mark.parametrize("name", ["debian-systemd-boot", "pop-22.04", "proxmox-8", "centos-7-uefi"])
def test_other_boot_loaders_are_said_to_have_no_such_entry(name: str, tmp_path: Path) -> None:
    assert "may need a hand at the boot menu" in risks(plan_for(build_family(tmp_path, name)))


def test_what_stands_in_grubs_drop_in_file_already_stays(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-12")
    (tmp_path / "boot/grub/custom.cfg").write_text("menuentry 'mine' { true }")
    change = kept(plan_for(kernel))
    assert change.after.text.startswith("menuentry 'mine' { true }\n# BEGIN gpucloud\n")
    (tmp_path / "boot/grub/custom.cfg").write_text(change.after.text)
    assert kept(plan_for(kernel)).after == change.after


def test_what_only_the_running_system_reads_puts_nothing_on_trial(site: Site) -> None:
    prepared(site)
    restart(site)
    site.desk.look_at_start()
    (site.root / "etc/modules-load.d/gpucloud.conf").write_text("vfio\n")
    assert [step.change.kind for step in plan_for(site.kernel).steps] == ["write-file"]


def test_the_entry_goes_with_the_last_pool(site: Site) -> None:
    prepared(site)
    restart(site)
    site.desk.look_at_start()
    plan = mine(site.desk.plan_start(parse_spec("pools: {}\n"), "gpu01", force=False))
    assert apply(plan, site.system, site.journal).failure is None
    assert not (site.root / "boot/grub/custom.cfg").exists()


# How it ends


def test_a_right_start_ends_the_count_and_the_copy_goes(site: Site) -> None:
    prepared(site)
    menu = Menu(site.root)
    assert menu.start() == "new"
    restart(site)
    site.desk.look_at_start()
    assert [menu.start() for _ in range(4)] == ["usual"] * 4
    assert not list(site.root.glob("boot/gpucloud-old-*"))
    assert site.desk.verify(None) == ()


def test_a_start_that_never_comes_up_is_tried_twice_and_then_the_old_one_taken(site: Site) -> None:
    old = prepared(site)
    menu = Menu(site.root)
    assert [menu.start() for _ in range(4)] == ["new", "new", "old", "old"]
    restart(site, binds=False)
    menu.tell(site.root)
    with pytest.raises(Failure, match="has started the old entry") as caught:
        call(["boot"], site.desk)
    assert caught.value.code is Exit.UNDONE
    assert same_files(site, old)
    assert menu.start() == "usual"
    assert call(["boot"], site.desk) == Exit.FINE


@pytest.mark.proof
def test_a_way_back_that_was_cut_off_is_gone_on_with_at_the_next_start(site: Site) -> None:
    old = prepared(site)
    restart(site, binds=False)
    moment = 0
    while dies(site, moment, begin_the_way_back):
        assert whole(site), moment
        if not same_files(site, old):
            (site.root / "proc/sys/kernel/random/boot_id").write_text(f"boot {moment}\n")
            if site.desk.turn_back() is None:
                begin_the_way_back(site)
        assert same_files(site, old), moment
        again(site)
        moment += 1
    assert moment > 40
    assert same_files(site, old)


def begin_the_way_back(site: Site) -> None:
    """What the unit does when a start was wrong, without waiting for it to become right."""
    turn_back(on_trial(site.journal), "a card is not bound", site.system, site.host, Watch())


def again(site: Site) -> None:
    """The same host prepared and restarted once more."""
    shutil.rmtree(site.state)
    (site.root / "proc/sys/kernel/random/boot_id").write_text("first\n")
    set_route(site.root, "")
    prepared(site)
    restart(site, binds=False)


class Broken(Tools):
    """The initramfs cannot be made any more."""

    def __call__(self, argv: object) -> None:
        raise OSError("no space left on device")


def test_a_way_back_that_has_to_leave_something_keeps_the_old_entry(site: Site) -> None:
    old = prepared(site)
    restart(site, binds=False)
    good = site.kernel.tools
    site.kernel.tools = Broken(site.root, [])
    found = site.desk.look_at_start()
    assert found is not None
    assert found[1] is not None
    assert "no space left on device" in found[1].left[0]
    assert "stays, and is what starts, until all else is taken back" in found[1].left[-1]
    assert Menu(site.root).start() == "old"
    site.kernel.tools = good
    (site.root / "proc/sys/kernel/random/boot_id").write_text("third boot\n")
    assert site.desk.turn_back() is not None
    assert same_files(site, old)
    assert Menu(site.root).start() == "usual"


def test_two_changes_before_one_restart_are_taken_back_together(site: Site) -> None:
    old = prepared(site)
    set_route(site.root, "")
    more = SPEC.replace("3b:00.0", "3?:00.0")
    plan = mine(site.desk.plan_start(parse_spec(more), "gpu01", force=False))
    assert not [step for step in plan.steps if isinstance(step.change, KeepOldStart)]
    assert apply(plan, site.system, site.journal).failure is None
    restart(site, binds=False)
    found = site.desk.look_at_start()
    assert found is not None
    assert same_files(site, old)
    assert [entry.read_progress().status for entry in site.journal.entries()] == [Status.UNDONE] * 2


@pytest.mark.proof
def test_a_change_that_is_cut_off_upon_one_on_trial_is_taken_back_with_it_though_nobody_comes(
    tmp_path: Path,
) -> None:
    more, moment = SPEC.replace("3b:00.0", "3?:00.0"), 0
    while True:
        site = site_of(tmp_path / str(moment), "debian-12")[0]
        old, menu = prepared(site), Menu(site.root)
        set_route(site.root, "")
        plan = mine(site.desk.plan_start(parse_spec(more), "gpu01", force=False))
        if not dies(site, moment, lambda doomed, plan=plan: apply(plan, doomed.system, doomed.journal)):  # type: ignore[misc]
            break
        for number in range(4):
            menu.tell(site.root, menu.start())
            (site.root / "proc/sys/kernel/random/boot_id").write_text(f"boot {number}\n")
            with suppress(Failure):
                call(["boot"], site.desk)
        assert same_files(site, old), moment
        assert {entry.read_progress().status for entry in site.journal.entries()} == {Status.UNDONE}, moment
        moment += 4
    assert moment > 30


def test_while_another_change_is_on_trial_the_old_start_is_taken_until_all_is_made(site: Site) -> None:
    prepared(site)
    set_route(site.root, "")
    menu = Menu(site.root)
    more = SPEC.replace("3b:00.0", "3?:00.0")
    plan = mine(site.desk.plan_start(parse_spec(more), "gpu01", force=False))
    tried = [(step.change.before, step.change.tries) for step in plan.steps if is_try(step.change)]
    assert tried == [(2, 0), (0, 2)]
    assert apply(plan, site.system, site.journal).failure is None
    assert menu.look() == "new"
    site.desk.undo("last", force=False)
    assert menu.look() == "new"
    assert call(["verify"], site.desk) == Exit.FINE


def test_what_is_gone_on_with_after_a_power_cut_waits_for_the_start_after_that(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, menu = mine(plan_for(site.kernel)), Menu(site.root)
    assert dies(site, 40, lambda doomed: apply(plan, doomed.system, doomed.journal))
    menu.tell(site.root, menu.start())
    (site.root / "proc/sys/kernel/random/boot_id").write_text("second boot\n")
    with pytest.raises(Failure, match="is unfinished"):
        call(["boot"], site.desk)
    assert "grub-editenv" not in capsys.readouterr().err
    assert site.desk.resume().failure is None
    assert (menu.look(), site.desk.verify(None)) == ("new", ())
    assert site.desk.look_at_start() is None
    (entry,) = site.journal.entries()
    assert entry.read_stored().boot == "second boot"
    with suppress(Failure):
        call(["boot"], site.desk)
    assert entry.read_progress().status is Status.APPLIED
    assert "grub-editenv" not in capsys.readouterr().err


def is_try(change: object) -> TypeGuard[TryNewStart]:
    return isinstance(change, TryNewStart)


def test_a_full_boot_partition_is_said_and_nothing_stays(site: Site) -> None:
    old = site.picture()
    full = Site(site.kernel, site.state, wrap=lambda system: Full(system, Doom(-1)))
    outcome = apply(mine(plan_for(site.kernel)), full.system, full.journal)
    assert outcome.failure is not None
    assert outcome.failure.endswith("No space left on device; make room there, then apply again")
    assert outcome.left == ()
    assert site.picture() == old


class Full(DoomedSystem):
    """No copy finds room."""

    def copy(self, source: str, path: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class NoRoom(DoomedSystem):
    """No new file finds room."""

    def put(self, path: str, state: FileState) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_the_block_is_set_where_it_lies(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "debian-12")
    apply(plan, site.system, site.journal)
    block = site.root / "boot/grub/grubenv"
    inode = block.stat().st_ino
    set_variable("/boot/grub/grubenv", "gpucloud_tries", None, NoRoom(site.system, Doom(-1)))
    assert "gpucloud_tries" not in block.read_text()
    assert (block.stat().st_ino, block.stat().st_size) == (inode, 1024)


def test_what_grub_notes_in_its_block_meanwhile_is_nobodys_change_of_ours(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "rocky-8")
    block = site.root / "boot/grub2/grubenv"
    old = block.read_text()
    apply(plan, site.system, site.journal)
    editenv(block, "set", "boot_success=1", "gpucloud_tries=1")
    assert site.desk.verify(None) == ()
    assert site.desk.undo("last", force=False).left == ()
    assert editenv(block, "list") == f"{OPTS.format('')}boot_success=1\n"
    editenv(block, "unset", "boot_success")
    assert block.read_text() == old


def test_arguments_that_somebody_else_changed_in_the_block_are_left(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "rocky-8")
    apply(plan, site.system, site.journal)
    editenv(site.root / "boot/grub2/grubenv", "set", "kernelopts=ro mine")
    (left, *_) = site.desk.undo("last", force=False).left
    assert "somebody else has changed kernelopts in /boot/grub2/grubenv since" in left
    assert site.desk.undo("last", force=True).left == ()
    assert OPTS.format("") in editenv(site.root / "boot/grub2/grubenv", "list")


def test_a_start_that_is_right_while_the_boot_loader_cannot_be_told_is_said(site: Site) -> None:
    prepared(site)
    restart(site)
    (site.root / "boot/grub/grubenv").unlink()
    with pytest.raises(Failure, match="the boot loader still counts"):
        site.desk.look_at_start()
    assert not site.journal.entry("1").read_progress().is_confirmed


def test_an_old_entry_that_was_chosen_with_nothing_on_trial_is_a_start_like_any_other(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(site)
    restart(site)
    site.desk.look_at_start()
    Menu(site.root).tell(site.root, "old")
    assert site.desk.turn_back() is None
    assert call(["boot"], site.desk) == Exit.FINE
    assert (
        "has started the entry of an old start, and no applied plan waits for one" in capsys.readouterr().err
    )


# Cuts


def whole(site: Site) -> bool:
    """Claims that what GRUB would start now is all there: the old one untouched, or the new one finished."""
    menu = Menu(site.root)
    started = menu.look()
    made = site.root / "boot/made-by-update-initramfs"
    if started == "old":
        return menu.initramfs() == "the initramfs of before\n"
    return "half" not in made.read_text()


@pytest.mark.proof
def test_a_cut_of_apply_or_undo_leaves_a_host_that_starts(site: Site) -> None:
    plan = mine(plan_for(site.kernel))
    old = site.picture()
    half = site.kernel.tools
    assert isinstance(half, Tools)
    site.kernel.tools = HalfMade(half.root, [])
    for act in (lambda doomed: apply(plan, doomed.system, doomed.journal), undo):
        moment = 0
        while dies(site, moment, act):
            assert whole(site), moment
            if act is undo:
                back(site)
                apply(plan, site.system, site.journal)
            else:
                back(site)
                assert site.picture() == old, moment
            moment += 1
        assert moment > 50
    assert site.picture() == old


class HalfMade(Tools):
    """An initramfs that is written in place, as a tool might, so that a cut leaves half of it."""

    def make(self, program: str) -> None:
        (self.root / f"boot/made-by-{program}").write_text("half")
        super().make(program)


def undo(site: Site) -> None:
    site.desk.undo("last", force=False)


def back(site: Site) -> None:
    if site.journal.entries() and site.journal.entries()[-1].read_progress().status is not Status.UNDONE:
        undo(site)
    shutil.rmtree(site.state, ignore_errors=True)


def test_an_apply_that_was_cut_off_and_carried_on_with_is_tried_like_any_other(site: Site) -> None:
    plan = mine(plan_for(site.kernel))
    for moment in range(10, 100, 9):
        assert dies(site, moment, lambda doomed: apply(plan, doomed.system, doomed.journal))
        for entry in site.journal.unfinished():
            resume(entry, site.system)
        if site.journal.entries():
            assert Menu(site.root).start() == "new"
        back(site)
