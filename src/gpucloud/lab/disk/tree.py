"""What is on a server's disk, file by file: read while the server does not run, without mounting anything."""

from __future__ import annotations

import hashlib
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.disk.recipe import ROOT_START_SECTOR
from gpucloud.lab.process import run


@dataclass(frozen=True, slots=True)
class Node:
    """A file, folder or link.

    Attributes:
        mode: type and permissions, as in ``st_mode``.
        owner: user and group.
        content: SHA-256 of a file, target of a link, empty for a folder.
    """

    mode: int
    owner: tuple[int, int]
    content: str


def read_tree(disk: Path, unpacked: Path) -> dict[str, Node]:
    """All that the root file system of a disk holds, by path.

    Args:
        disk: in qcow2; its file system was unmounted in good order.
        unpacked: folder, which must not be there yet; the file system is unpacked into it and left there.
    """
    unpack(disk, "/", unpacked)
    return {f"/{path.relative_to(unpacked)}": _node(path) for path in _below(unpacked)}


def unpack(disk: Path, path: str, folder: Path) -> None:
    """Write what a disk has below a path into a folder, with modes and owners.

    While the server runs it is what has reached the disk by then.

    Raises:
        Failure: the disk cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        raw = Path(beside) / "root"
        where = f"driver=raw,offset={ROOT_START_SECTOR * 512},file.driver=qcow2,file.file.filename={disk}"
        run(["qemu-img", "convert", "-U", "--image-opts", where, "-O", "raw", str(raw)], timeout_s=600)
        run(["debugfs", "-R", f'rdump {path} "{folder}"', str(raw)], timeout_s=600)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)


def _node(path: Path) -> Node:
    facts = path.lstat()
    return Node(facts.st_mode, (facts.st_uid, facts.st_gid), _content(path, facts.st_mode))


def _content(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return str(path.readlink())
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return ""
