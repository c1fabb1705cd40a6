"""An image grown: the source is only read, and the new one is there whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpucloud.cloud.boot.image import Image, inspect_image
from gpucloud.cloud.boot.qcow2 import HEADER_BYTES, parse_qcow2
from gpucloud.cloud.images.filesystem import LATER, SIGN_BYTES, Kind, grow_ext, kind_of, read_os_release
from gpucloud.cloud.images.packages import distro_of, render_user_data
from gpucloud.cloud.images.profile import Profile, render_publish, wish_of
from gpucloud.cloud.images.sparse import copy_range
from gpucloud.cloud.images.table import HEAD_BYTES, Growth, grow_table
from gpucloud.cloud.programs import Run
from gpucloud.model.failure import Exit, Failure

GIB = 1024**3
_PATIENCE_S = 3600.0
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Args:
        image: the source, raw or qcow2.
        out: the new image, qcow2; nothing is there yet.
        size_bytes: of the new disk.
        name: in glance.
        profile: what its guests are.
        distro: where the image does not say, or says wrong; None: as the image says.
        release: of nova, for the properties; None where it is not known.
    """

    image: Path
    out: Path
    size_bytes: int
    name: str
    profile: Profile
    distro: str | None = None
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made.

    Args:
        out: the image.
        publish: a spec with its properties.
        user_data: for cloud-init; None where no distribution is known, or it is Windows.
        size_bytes: of its disk.
        was_bytes: of the source's.
        partition: number of the one that grew.
        kind: what is in it.
        is_grown: its file system has grown; else the guest must do it.
        later: who grows the file system, where it is not grown yet.
        wish: its properties.
        distro: which packages are named; None where none are.
    """

    out: Path
    publish: Path
    user_data: Path | None
    size_bytes: int
    was_bytes: int
    partition: int
    kind: Kind
    is_grown: bool
    later: str | None
    wish: dict[str, object]
    distro: str | None


def prepare_image(wish: Wish, run: Run, say: Callable[[str], None]) -> Prepared:
    """Make it.

    Raises:
        Failure: the source cannot be used, a program is missing or failed, or something is there already;
            nothing is left of it then.
        OSError: the disk is full or cannot be written; nothing is left either.
    """
    image = inspect_image(wish.image, run)
    was = _disk_bytes(image)
    _check(wish, was)
    run(["e2fsck", "-V"])  # where it is missing, before the long work
    with _workshop(wish.out) as folder:
        raw = folder / "disk.raw"
        say(f"copying {image.path.name}")
        run(
            ["qemu-img", "convert", "-f", image.format, "-O", "raw", str(image.path), str(raw)],
            timeout_s=_PATIENCE_S,
        )
        growth = _plan_table(raw, was, wish)
        say(f"growing partition {growth.number}")
        kind, facts = _grow(raw, growth, wish.size_bytes, folder, run)
        distro = None if wish.profile.is_windows else wish.distro or distro_of(facts)
        entry = wish_of(wish.profile, image.firmwares)
        texts = {".publish.yaml": render_publish(wish.name, entry, wish.release)}
        if distro is not None:
            texts[".user-data"] = render_user_data(distro, facts.get("VERSION_ID"))
        say(f"writing {wish.out.name}")
        run(
            ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(folder / "new.qcow2")],
            timeout_s=_PATIENCE_S,
        )
        _put(folder / "new.qcow2", texts, wish.out)
    return Prepared(
        wish.out,
        beside(wish.out, ".publish.yaml"),
        None if distro is None else beside(wish.out, ".user-data"),
        wish.size_bytes,
        was,
        growth.number,
        kind,
        kind is Kind.EXT,
        LATER.get(kind),
        entry,
        distro,
    )


def beside(out: Path, ending: str) -> Path:
    """A file that belongs to an image."""
    return out.with_name(out.stem + ending)


def _disk_bytes(image: Image) -> int:
    with image.path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    return image.path.stat().st_size if image.format == "raw" else parse_qcow2(head).virtual_bytes


def _check(wish: Wish, was: int) -> None:
    if wish.size_bytes < was:
        what = (
            f"the image has a disk of {-(-was // GIB)} GiB, and {wish.size_bytes // GIB} GiB were asked for"
        )
        raise Failure(what, f"say --size {-(-was // GIB)}G or more: nothing is made smaller", code=Exit.USAGE)
    for path in (wish.out, beside(wish.out, ".publish.yaml"), beside(wish.out, ".user-data")):
        if os.path.lexists(path):
            raise Failure(
                f"{path} is there already", "move it away, or name another with -o", code=Exit.USAGE
            )


def _plan_table(raw: Path, was: int, wish: Wish) -> Growth:
    with raw.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(0, was - _TAIL))
        tail = file.read(_TAIL)
    try:
        return grow_table(head, tail, was, wish.size_bytes)
    except ValueError as error:
        then = "grow it by hand with virt-resize of libguestfs-tools"
        raise Failure(f"the image {wish.image} cannot be grown: {error}", then) from error


def _grow(raw: Path, growth: Growth, size: int, folder: Path, run: Run) -> tuple[Kind, dict[str, str]]:
    """What the partition holds, and what its os-release says; ext grows in a file of its own.

    All from the partition's begin on is cut off before a grown file system goes there: what it has as holes,
    as resize2fs leaves inode tables (fallocate(2), FALLOC_FL_ZERO_RANGE), must be zeros in the disk, too.
    """
    part = folder / "partition.raw"
    facts: dict[str, str] = {}
    with raw.open("r+b") as disk:
        disk.seek(growth.start)
        kind = kind_of(disk.read(SIGN_BYTES))
        if kind is Kind.EXT:
            facts = _grow_content(disk.fileno(), growth, part, run)
            disk.truncate(growth.start)
        disk.truncate(size)
        for at, data in growth.patches:
            disk.seek(at)
            disk.write(data)
        disk.flush()
        if kind is Kind.EXT:
            with part.open("rb") as file:
                copy_range(file.fileno(), 0, disk.fileno(), growth.start, growth.new_end - growth.start)
    return kind, facts


def _grow_content(disk: int, growth: Growth, part: Path, run: Run) -> dict[str, str]:
    with part.open("w+b") as file:
        copy_range(disk, growth.start, file.fileno(), 0, growth.end - growth.start)
        file.truncate(growth.new_end - growth.start)
    try:
        grow_ext(part, run)
    except Failure as failure:
        what = f"the file system in partition {growth.number} cannot be grown: {failure.what}"
        raise Failure(what, "start the image and look at its disk, or take newer e2fsprogs") from failure
    return read_os_release(part, run)


@contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """A folder beside the new image, one at a time; what a killed run left in it goes."""
    folder = out.parent / f".{out.name}.gpucloud-new"
    lock = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = f"another gpucloud image prepare is at work in {out.parent}"
            raise Failure(what, "wait for it, or name another folder with -o") from error
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _put(image: Path, texts: dict[str, str], out: Path) -> None:
    """Everything onto the disk, then to its name, the image last: where that is, all is.

    A name that was taken meanwhile is not replaced.
    """
    made: list[Path] = []
    try:
        for ending, text in texts.items():
            path = image.with_name(f"text{ending}")
            path.write_text(text)
            made.append(_link(path, beside(out, ending)))
        made.append(_link(image, out))
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    folder = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _link(path: Path, name: Path) -> Path:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    try:
        name.hardlink_to(path)
    except FileExistsError as error:
        raise Failure(f"{name} is there already", "move it away, or name another with -o") from error
    return name
