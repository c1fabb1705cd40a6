"""A whole image prepared with the real programs: content kept, file system grown, source untouched.

Killed at any step nothing is there, and the next run makes it whole.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.images.disks import (
    DISK_MIB,
    ESP,
    LAYOUT,
    LINUX,
    MIB,
    fill_with_ext4,
    gpt_disk,
    listed,
    make_tree,
)

from gpucloud.cli.main import run as command
from gpucloud.cloud.images.filesystem import Kind
from gpucloud.cloud.images.prepare import Prepared, Wish, prepare_image
from gpucloud.cloud.images.profile import Profile
from gpucloud.cloud.programs import run
from gpucloud.model.failure import Failure
from gpucloud.spec import parse_spec

pytestmark = pytest.mark.proof
NEW_MIB = 96


def told(*words: str | Path) -> str:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True).stdout


def sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def source(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A qcow2 with an ESP that has bytes of its own, and an ext4 of 43 MiB."""
    folder = tmp_path_factory.mktemp("image")
    disk = gpt_disk()
    disk[1 * MIB : 1 * MIB + 512] = bytes(range(256)) * 2
    fill_with_ext4(disk, tree, folder / "part")
    (folder / "raw").write_bytes(disk)
    image = folder / "debian.qcow2"
    told("qemu-img", "convert", "-O", "qcow2", folder / "raw", image)
    (folder / "raw").unlink()
    (folder / "part").unlink()
    return image


def wish(source: Path, folder: Path, size_mib: int = NEW_MIB) -> Wish:
    return Wish(source, folder / "gpu.qcow2", size_mib * MIB, "gpu", Profile.LINUX)


def prepared(asked: Wish, programs: Callable[..., str] = run) -> Prepared:
    return prepare_image(asked, programs, lambda line: None)


def partition_of(image: Path, folder: Path) -> tuple[Path, dict[int, tuple[int, int]], Path]:
    raw, part = folder / "raw", folder / "part"
    told("qemu-img", "convert", "-O", "raw", image, raw)
    places = listed(raw)
    begin, end = places[1]
    with raw.open("rb") as file:
        file.seek(begin)
        part.write_bytes(file.read(end - begin))
    return part, places, raw


def contents(part: Path, folder: Path) -> dict[str, bytes | str]:
    """Every file with its bytes, links with where they lead, and modes of all."""
    folder.mkdir()
    told("debugfs", "-R", f"rdump / {folder}", part)
    return {
        f"{path.relative_to(folder)} {path.lstat().st_mode:o}": str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
        if path.name != "lost+found"
    }


def test_content_is_kept_the_file_system_grown_and_the_source_untouched(
    source: Path, tree: Path, tmp_path: Path
) -> None:
    before, status = sum_of(source), source.stat()
    made = prepared(wish(source, tmp_path))
    assert (sum_of(source), source.stat().st_mtime_ns) == (before, status.st_mtime_ns)
    assert (made.kind, made.is_grown, made.later, made.partition) == (Kind.EXT, True, None, 1)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "gpu.publish.yaml",
        "gpu.qcow2",
        "gpu.user-data",
    ]

    new, old = tmp_path / "new", tmp_path / "old"
    new.mkdir()
    old.mkdir()
    part, places, raw = partition_of(made.out, new)
    assert places == {1: (4 * MIB, 95 * MIB), 15: (1 * MIB, 4 * MIB)}
    assert raw.stat().st_size == NEW_MIB * MIB
    told("e2fsck", "-f", "-n", part)
    said = dict(line.split(":", 1) for line in told("dumpe2fs", "-h", part).splitlines() if ":" in line)
    assert int(said["Block count"]) * int(said["Block size"]) == 91 * MIB
    source_part, _, source_raw = partition_of(source, old)
    kept = contents(part, new / "files")
    assert kept == contents(source_part, old / "files")
    assert kept["boot/large 100644"] == (tree / "boot" / "large").read_bytes()
    assert "home/empty 100640" in kept
    with raw.open("rb") as one, source_raw.open("rb") as other:
        one.seek(MIB)
        other.seek(MIB)
        assert one.read(3 * MIB) == other.read(3 * MIB), "the other partition has changed"


def test_what_lay_behind_the_partition_comes_into_no_inode_table(tree: Path, tmp_path: Path) -> None:
    layout = ((1, LINUX, 4, 24), (15, ESP, 1, 4))
    disk = gpt_disk(layout)
    old = ("-b", "1024", "-O", "^metadata_csum,^uninit_bg,^flex_bg")
    fill_with_ext4(disk, tree, tmp_path / "part", layout, old)
    disk[24 * MIB : 47 * MIB] = b"\xa5" * (23 * MIB)
    (tmp_path / "old.raw").write_bytes(disk)
    made = prepared(wish(tmp_path / "old.raw", tmp_path))
    part, places, _ = partition_of(made.out, tmp_path)
    assert places[1] == (4 * MIB, 95 * MIB)
    told("e2fsck", "-f", "-n", part)
    kept = contents(part, tmp_path / "files")
    assert kept["boot/large 100644"] == (tree / "boot" / "large").read_bytes()


def test_what_comes_beside_it_is_read_by_publish_and_cloud_init(source: Path, tmp_path: Path) -> None:
    made = prepared(replace(wish(source, tmp_path), release="34"))
    spec = parse_spec(made.publish.read_text(), "gpu.publish.yaml")
    assert [(each.name, each.is_for_gpus) for each in spec.publish.images] == [("gpu", True)]
    assert spec.openstack is not None
    assert made.distro == "debian"
    assert made.user_data is not None
    assert made.user_data.read_text().startswith("#cloud-config\n{")
    assert "nvidia-driver" in made.user_data.read_text()


def test_a_raw_image_and_one_of_the_size_that_is_asked_for_are_taken(source: Path, tmp_path: Path) -> None:
    raw = tmp_path / "image.raw"
    told("qemu-img", "convert", "-O", "raw", source, raw)
    before = sum_of(raw)
    made = prepared(wish(raw, tmp_path, DISK_MIB))
    assert made.is_grown
    assert sum_of(raw) == before


def test_a_file_system_that_grows_only_where_it_is_mounted_is_left_to_the_guest(tmp_path: Path) -> None:
    disk = gpt_disk()
    begin = LAYOUT[0][2] * MIB
    disk[begin : begin + 4] = b"XFSB"
    disk[begin + 4096 : begin + 4100] = b"kept"
    raw = tmp_path / "rocky.raw"
    raw.write_bytes(disk)
    made = prepared(replace(wish(raw, tmp_path), distro="rhel"))
    assert (made.kind, made.is_grown) == (Kind.XFS, False)
    assert "cloud-init" in (made.later or "")
    told("qemu-img", "convert", "-O", "raw", made.out, tmp_path / "raw")
    assert listed(tmp_path / "raw")[1] == (4 * MIB, 95 * MIB)
    assert (tmp_path / "raw").read_bytes()[begin : begin + 4100] == disk[begin : begin + 4100]


def test_a_damaged_file_system_is_refused_and_nothing_is_left(source: Path, tmp_path: Path) -> None:
    raw = tmp_path / "image.raw"
    told("qemu-img", "convert", "-O", "raw", source, raw)
    with raw.open("r+b") as file:
        file.seek(4 * MIB + 1024)
        file.write(b"\xff" * 32)
    with pytest.raises(Failure, match="partition 1 cannot be grown"):
        prepared(wish(raw, tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == ["image.raw"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size_bytes": 8 * MIB}, "nothing is made smaller"),
        ({"image": Path("/nowhere")}, "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    change: dict[str, object], said: str, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(Failure, match=said):
        prepared(replace(wish(source, tmp_path), **change))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["gpu.qcow2", "gpu.publish.yaml", "gpu.user-data"])
def test_nothing_that_is_there_is_replaced(name: str, source: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(Failure, match="is there already"):
        prepared(wish(source, tmp_path))
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(name, "mine")]


class _At:
    """Runs programs until that many have run; then something else happens, before or after the next."""

    def __init__(self, left: int, happens: Callable[[], None], *, is_after: bool) -> None:
        self.left, self._happens, self._is_after = left, happens, is_after

    def __call__(self, argv: Sequence[str], *, timeout_s: float = 60.0) -> str:
        self.left -= 1
        if self.left >= 0:
            return run(argv, timeout_s=timeout_s)
        said = run(argv, timeout_s=timeout_s) if self._is_after else ""
        self._happens()
        return said


STEPS = 8
"""qemu-img dd, e2fsck -V, qemu-img convert, e2fsck, resize2fs, debugfs twice, qemu-img convert."""


def test_there_are_so_many_steps(source: Path, tmp_path: Path) -> None:
    counted = _At(1000, lambda: None, is_after=False)
    prepared(wish(source, tmp_path), counted)
    assert 1000 - counted.left == STEPS


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", range(STEPS))
def test_an_interrupt_at_any_step_leaves_nothing(step: int, source: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepared(wish(source, tmp_path), _At(step, _interrupt, is_after=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [2, 4, 7])
def test_a_killed_run_leaves_no_image_and_the_next_one_clears_up(
    step: int, source: Path, tmp_path: Path
) -> None:
    child = os.fork()
    if not child:
        try:
            prepared(wish(source, tmp_path), _At(step, lambda: os._exit(9), is_after=True))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert [each.name for each in tmp_path.iterdir()] == [".gpu.qcow2.gpucloud-new"]
    prepared(wish(source, tmp_path))
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "gpu.publish.yaml",
        "gpu.qcow2",
        "gpu.user-data",
    ]


SPEC = """
openstack: {release: "34"}
pools: {v100: {use: passthrough, match: {ids: 10de:1db4}}}
publish:
  flavors:
    small: {vcpus: 1, ram_mib: 512, disk_gib: 1, gpus: {v100: 1}}
    same: {vcpus: 1, ram_mib: 512, disk_gib: 2, gpus: {v100: 1}}
    cpu: {vcpus: 1, ram_mib: 512, disk_gib: 1}
"""


def test_the_verb_names_flavors_whose_disk_is_too_small(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gpucloud.yaml").write_text(SPEC)
    out = tmp_path / "gpu.qcow2"
    words = ["image", "prepare", str(source), "-o", str(out), "--size", "1G"]
    assert command([*words, "--spec", str(tmp_path / "gpucloud.yaml")]) == 0
    assert "partition 1 (ext) has grown with its file system" in capsys.readouterr().out
    for each in tmp_path.glob("gpu.*"):
        each.unlink()
    assert command([*words[:-1], "2G", "--spec", str(tmp_path / "gpucloud.yaml")]) == 3
    assert "flavor small has a smaller disk" in capsys.readouterr().out
    assert command(words) == 2
    assert "is there already" in capsys.readouterr().err
