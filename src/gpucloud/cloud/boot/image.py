"""Disk images that users bring: looked at before anything opens them as disks.

The file is never written to, and its name is never believed: format and firmware come from its content.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gpucloud.cloud.boot import partitions, qcow2
from gpucloud.cloud.definition.parts import Backing, Firmware
from gpucloud.cloud.programs import Run
from gpucloud.model.failure import Exit, Failure, code_of

_OTHER_FORMATS = {
    b"KDMV": "a VMware disk",
    b"COWD": "a VMware disk",
    b"# Disk DescriptorFile": "a VMware disk",
    b"<<< ": "a VirtualBox disk",
    b"vhdxfile": "a Hyper-V disk",
    b"conectix": "a Virtual PC disk",
    b"QED\0": "a QED disk",
    b"\x1f\x8b": "compressed with gzip",
    b"\xfd7zXZ\0": "compressed with xz",
    b"BZh": "compressed with bzip2",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a zip archive",
}
"""How formats begin that are neither raw nor qcow2. A raw disk begins with a boot sector."""


@dataclass(frozen=True, slots=True)
class Image:
    """A disk image that can be started."""

    path: Path
    format: str
    firmwares: tuple[Firmware, ...]
    """What can start it, the better one first."""
    is_readable_by_all: bool
    """QEMU runs as a user of its own: it reads the file in place only if everyone may."""


def inspect_image(path: Path, run: Run) -> Image:
    """Look at an image without trusting it.

    Raises:
        Failure: it is not there, of a format that is not taken, leans on other files, or cannot boot.
    """
    path = Path(os.path.realpath(path))
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Failure(f"{path} is no file", "give a disk image: raw or qcow2", code=Exit.USAGE)
        with path.open("rb") as file:
            head = file.read(partitions.HEAD_BYTES)
    except OSError as error:
        what = f"the image {path} cannot be read: {error.strerror}"
        raise Failure(what, "check its path", code=code_of(error)) from error
    header = _header_of(path, head)
    first = head if header is None else _first_sectors(path, run)
    size_bytes = facts.st_size if header is None else header.virtual_bytes
    return Image(
        path,
        "raw" if header is None else "qcow2",
        _firmwares_of(path, first, size_bytes),
        _is_readable_by_all(path),
    )


def _firmwares_of(path: Path, head: bytes, size_bytes: int) -> tuple[Firmware, ...]:
    try:
        firmwares = partitions.find_firmwares(head)
    except ValueError as error:
        raise Failure(
            f"the image {path} does not boot: {error}",
            "give an image of a whole disk with an operating system",
        ) from error
    end = partitions.find_end(head)
    if end > size_bytes:
        what = f"the image {path} is cut short: its partitions take {end} bytes, and it has {size_bytes}"
        raise Failure(what, "fetch it again")
    return firmwares


def _header_of(path: Path, head: bytes) -> qcow2.Qcow2 | None:
    """The header of a qcow2 image; None for a raw one."""
    for start, what in _OTHER_FORMATS.items():
        if head.startswith(start):
            raise Failure(
                f"{path} is {what}, and only raw and qcow2 images are taken",
                f"unpack it, or convert it: qemu-img convert -O qcow2 {path} {path.with_suffix('.qcow2')}",
            )
    if not head.startswith(qcow2.MAGIC):
        return None
    try:
        header = qcow2.parse_qcow2(head)
    except ValueError as error:
        raise Failure(f"{path} is a damaged qcow2 image: {error}", "fetch it again") from error
    for is_so, what in (
        (header.has_backing_file, "stands on another file, which could be any file of this host"),
        (header.has_external_data, "keeps its data in another file, which could be any file of this host"),
        (header.is_encrypted, "is encrypted"),
    ):
        if is_so:
            raise Failure(
                f"the image {path} {what}",
                f"if you made it, flatten it: qemu-img convert -O qcow2 {path} flat.qcow2",
            )
    return header


def _first_sectors(path: Path, run: Run) -> bytes:
    with tempfile.TemporaryDirectory(prefix="gpucloud-") as folder:
        first = Path(folder, "first")
        size = str(partitions.HEAD_BYTES)
        how = ["-U", "-f", "qcow2", "-O", "raw", f"bs={size}", "count=1"]
        run(["qemu-img", "dd", *how, f"if={path}", f"of={first}"])
        with first.open("rb") as file:
            return file.read(partitions.HEAD_BYTES)


def _is_readable_by_all(path: Path) -> bool:
    """Claims that every user can reach and read the file: ``r`` on it and ``x`` on all its folders."""
    is_reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return is_reachable and bool(path.stat().st_mode & stat.S_IROTH)


def make_disk(image: Image, disk: Path, run: Run) -> Backing | None:
    """Make a guest's own disk, which starts as the image; gives what it stands on.

    A thin layer over the image where QEMU's user can read that, else a whole copy (None).

    Raises:
        Failure: the disk could not be made.
    """
    if image.is_readable_by_all:
        backing = ["-F", image.format, "-b", str(image.path)]
        run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(disk)])
        return Backing(image.path, image.format)
    source = ["-U", "-f", image.format, str(image.path)]
    run(["qemu-img", "convert", "-O", "qcow2", *source, str(disk)], timeout_s=3600.0)
    return None
