"""A file is replaced by one that the same people may read, and no name that somebody lays out is followed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpucloud.cli.nova.below import Place, write_below
from gpucloud.cli.writing import keep_copy, replace_whole
from gpucloud.model.failure import Exit, Failure

THEIRS = "[keystone_authtoken]\nauth_type = password\n"
OWNER = (1, 12) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
"""Somebody else where this may give files away."""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "nova.conf"
    path.write_text(THEIRS)
    os.chown(path, *OWNER)
    path.chmod(0o640)
    with suppress(OSError):  # a file system in memory has them since Linux 6.6
        os.setxattr(path, "user.note", b"kept")
    return path


def whose(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid, status.st_mode & 0o7777


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def test_the_list_that_a_folder_gives_new_files_lets_nobody_in(conf: Path) -> None:
    """Read, write and execute for user 7 (acl(5); the layout is that of linux/posix_acl_xattr.h)."""
    nobody = 0xFFFFFFFF
    entries = ((1, 7, nobody), (2, 7, 7), (4, 7, nobody), (16, 7, nobody), (32, 0, nobody))
    wide = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    with suppress(OSError):  # not every file system has such lists
        os.setxattr(conf.parent, "system.posix_acl_default", wide)
    assert "system.posix_acl_access" not in os.listxattr(keep_copy(conf))
    replace_whole(conf, b"new")
    assert "system.posix_acl_access" not in os.listxattr(conf)
    assert whose(conf) == (*OWNER, 0o640)


def test_a_merged_nova_conf_and_its_copy_are_for_those_who_could_read_it_before(conf: Path) -> None:
    noted = attributes(conf)
    place = Place(conf, THEIRS, f"{THEIRS}[pci]\n", (), is_ours=False)
    kept = conf.with_name("nova.conf.before-gpucloud")
    assert write_below((place,)) == [str(kept), str(conf)]
    assert (kept.read_text(), conf.read_text()) == (THEIRS, place.text)
    assert whose(kept) == whose(conf) == (*OWNER, 0o640)
    assert attributes(kept) == attributes(conf) == noted
    assert sorted(one.name for one in conf.parent.iterdir()) == [conf.name, kept.name]


def test_links_with_the_names_of_new_files_are_not_followed(conf: Path, tmp_path: Path) -> None:
    prey = tmp_path / "prey"
    prey.write_text("as before")
    conf.with_name(f".{conf.name}.gpucloud-new").symlink_to(prey)
    conf.with_name(f"{conf.name}.before-gpucloud").symlink_to(tmp_path / "not-there")
    assert keep_copy(conf).name == "nova.conf.before-gpucloud.2"
    replace_whole(conf, b"new")
    assert (prey.read_text(), conf.read_bytes()) == ("as before", b"new")
    assert not (tmp_path / "not-there").exists()


def test_a_new_file_is_as_the_user_makes_files(tmp_path: Path) -> None:
    replace_whole(tmp_path / "new", b"text")
    (tmp_path / "made").write_text("")
    assert whose(tmp_path / "new") == whose(tmp_path / "made")


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(Failure, match="/dev/null is no file that can be replaced") as caught:
        replace_whole(Path("/dev/null"), b"text")
    assert caught.value.code is Exit.USAGE
    assert Path("/dev/null").is_char_device()


@contextmanager
def somebody() -> Iterator[Path]:
    """A folder of somebody's who is not root, and cannot give files away."""
    own = os.geteuid()
    with TemporaryDirectory() as folder:
        os.chown(folder, own or 2, -1)
        os.seteuid(own or 2)
        try:
            yield Path(folder)
        finally:
            os.seteuid(own)


def test_who_cannot_give_a_file_to_its_owner_is_told_what_to_do() -> None:
    with somebody() as folder:
        (folder / "conf").symlink_to("/etc/passwd")
        with pytest.raises(Failure, match=r"/passwd belongs to user 0 and group 0, .*: it is left") as caught:
            keep_copy(folder / "conf")
        assert caught.value.then.startswith("run it as root, or first take the file: sudo chown ")
        assert [one.name for one in folder.iterdir()] == ["conf"]
