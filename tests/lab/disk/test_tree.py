from __future__ import annotations

import hashlib
from pathlib import Path

from gpucloud.lab.disk.recipe import ROOT_START_SECTOR
from gpucloud.lab.disk.tree import Node, read_tree
from gpucloud.lab.image.build import make_ext4
from gpucloud.lab.process import run


def test_every_file_folder_and_link_of_a_disk_is_read(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / "etc").mkdir(parents=True, mode=0o755)
    (made / "etc/one").write_bytes(b"1\0\n")
    (made / "etc/one").chmod(0o600)
    (made / "link").symlink_to("/etc/one")
    raw, disk = tmp_path / "raw", tmp_path / "disk.qcow2"
    raw.write_bytes(b"")
    make_ext4(made, raw, 4 << 20, start_bytes=ROOT_START_SECTOR * 512)
    run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(disk)], timeout_s=60)
    tree = read_tree(disk, tmp_path / "read")
    owner = ((made / "link").lstat().st_uid, (made / "link").lstat().st_gid)
    assert tree["/etc/one"] == Node(0o100600, owner, hashlib.sha256(b"1\0\n").hexdigest())
    assert tree["/link"] == Node(0o120777, owner, "/etc/one")
    assert sorted(tree) == ["/etc", "/etc/one", "/link", "/lost+found"]
