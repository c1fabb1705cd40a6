"""What a file has beside its bytes, mode and owner comes back with them, or the file is left alone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import SPEC, build_family, plan_for
from tests.prepare.fake_host import host_of
from tests.prepare.test_boot_apply import mine, site_of

from gpucloud.inventory.live import LiveReader
from gpucloud.model.change import Content, FileState, WriteFile
from gpucloud.model.file import ACCESS_LIST
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.reach.tree import Tree
from gpucloud.prepare.steps.file import do_write, undo_write
from gpucloud.spec import parse_spec

LIST = bytes.fromhex(
    "0200000001000600ffffffff020006000100000004000400ffffffff10000600ffffffff20000400ffffffff"
)
"""user::rw-, user:daemon:rw-, group::r--, mask::rw-, other::r-- (acl(5); <linux/posix_acl_xattr.h>)."""
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")
"""cap_net_bind_service=ep (capabilities(7); <linux/capability.h>, VFS_CAP_REVISION_2)."""
GIVEN = {ACCESS_LIST: LIST}
if os.geteuid() == 0:  # nobody else may give these; user.* is not on a tmpfs before Linux 6.6
    GIVEN |= {"security.capability": CAPABILITY, "trusted.note": b"mine"}
GRUB = "etc/default/grub"


def give(path: Path) -> None:
    for name, value in GIVEN.items():
        os.setxattr(path, name, value)


def given(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def test_a_file_is_written_with_its_attributes(tmp_path: Path) -> None:
    tree, path = Tree(tmp_path), tmp_path / "grub"
    path.write_text("GRUB_TIMEOUT=5\n")
    give(path)
    before = tree.look("/grub")
    assert isinstance(before, FileState)
    assert [each.name for each in before.attributes] == sorted(GIVEN)
    path.unlink()
    tree.put("/grub", before)
    assert given(path) == GIVEN
    assert tree.look("/grub") == before


def test_a_file_gets_no_access_list_that_its_folder_gives_to_new_ones(tmp_path: Path) -> None:
    os.setxattr(tmp_path, "system.posix_acl_default", LIST)
    tree, state = Tree(tmp_path), FileState(Content("x"), 0o640, os.getuid(), os.getgid())
    tree.put("/plain", state)
    assert tree.look("/plain") == state


def test_apply_and_undo_leave_the_attributes_of_an_administrators_file(tmp_path: Path) -> None:
    site, _ = site_of(tmp_path, "sles-15")
    path = site.root / GRUB
    give(path)
    assert apply(mine(plan_for(site.kernel)), site.system, site.journal).failure is None
    assert "iommu" in path.read_text()
    assert given(path) == GIVEN
    assert site.desk.undo("last", force=False).left == ()
    assert "iommu" not in path.read_text()
    assert given(path) == GIVEN


def test_a_file_with_further_names_is_refused_and_none_of_them_is_touched(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "sles-15")
    (kernel.root / "etc/default/grub.link").hardlink_to(kernel.root / GRUB)
    (refusal,) = (plan := plan_for(kernel)).refusals
    assert (plan.steps, refusal.cause) == ((), "file-has-links")
    assert "/etc/default/grub lies under 2 names" in refusal.why
    assert "cp -a /etc/default/grub /etc/default/grub.own" in refusal.instead


def test_an_immutable_file_is_refused(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "sles-15")
    files = read_boot_files(LiveReader(kernel.root), Tree(kernel.root).look)
    grub = files.files[f"/{GRUB}"]
    assert isinstance(grub, FileState)
    fixed = replace(files, files={**files.files, f"/{GRUB}": replace(grub, is_fixed=True)})
    plan = plan_boot(host_of(kernel), fixed, parse_spec(SPEC), "gpu01")
    assert [(each.cause, each.instead) for each in plan.refusals] == [
        ("file-immutable", "chattr -i -a /etc/default/grub, then plan again")
    ]


@pytest.mark.parametrize("is_linked_later", [False, True])
def test_a_name_that_is_given_after_apply_does_not_hold_up_the_way_back(
    tmp_path: Path, is_linked_later: bool
) -> None:
    site, _ = site_of(tmp_path, "debian-12")
    path = site.root / "etc/x"
    path.write_text("old")
    before = site.system.look("/etc/x")
    assert isinstance(before, FileState)
    change = WriteFile(path="/etc/x", before=before, after=replace(before, text=Content("new")))
    do_write(change, site.system)
    if is_linked_later:
        (site.root / "etc/y").hardlink_to(path)
    undo_write(change, site.system, force=False)
    assert path.read_text() == "old"
