"""What a file system says of itself, read by debugfs: a hostile one is not read into memory."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpucloud.cloud.images.filesystem import read_os_release
from gpucloud.cloud.programs import run

pytestmark = pytest.mark.proof
GIB = 1024**3


class Counting:
    """Runs programs, and keeps how much they printed."""

    def __init__(self) -> None:
        self.printed = 0

    def __call__(self, argv: Sequence[str], *, timeout_s: float = 60.0) -> str:
        said = run(argv, timeout_s=timeout_s)
        self.printed += len(said)
        return said


def file_system(folder: Path) -> tuple[Path, Path]:
    """An empty tree with a place for os-release, and the file that the tree goes into."""
    (folder / "tree/usr/lib").mkdir(parents=True)
    return folder / "tree", folder / "part"


def made(tree: Path, part: Path) -> Path:
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(part), "16M"], check=True)
    return part


def test_an_os_release_is_read(tmp_path: Path) -> None:
    tree, part = file_system(tmp_path)
    (tree / "usr/lib/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    assert read_os_release(made(tree, part), run) == {"ID": "debian", "VERSION_ID": "12"}


@pytest.mark.parametrize("size", [64 * 1024 + 1, 8 * GIB])
def test_one_that_is_larger_than_any_is_none_and_is_not_read(size: int, tmp_path: Path) -> None:
    tree, part = file_system(tmp_path)
    with (tree / "usr/lib/os-release").open("wb") as file:
        file.write(b"ID=debian\n")
        file.truncate(size)
    counting = Counting()
    assert read_os_release(made(tree, part), counting) == {}
    assert counting.printed < 4096


def test_one_that_is_a_link_or_is_not_there_is_none(tmp_path: Path) -> None:
    tree, part = file_system(tmp_path)
    assert read_os_release(made(tree, part), run) == {}
    (tree / "usr/lib/os-release").symlink_to("/etc/shadow")
    part.unlink()
    assert read_os_release(made(tree, part), run) == {}
