"""What was written, brought to where a boot loader finds it: boot loaders do not replay a journal.

After ``fsync`` the name and the place of a file may stand in the journal of its file system alone. The kernel
reads that at the next mount; GRUB reads the file system as it lies there (grub-core/fs/ext2.c, xfs.c), so
after a power cut it may find the files of before, or their blocks with something else in them. To freeze a
file system writes its journal out (fs/super.c: freeze_super; ext4_freeze, xfs_fs_freeze); thawed at once,
nobody notices. It is what ostree and dracut do for the same reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from gpucloud.inventory.collect.envoy import Answer, Child, LostError

LOADER_FOLDERS = ("/boot", "/boot/efi", "/efi")
"""Where boot loaders read; those that are not there are passed over."""

TIMEOUT_S = 600.0
"""A slow disk may have gigabytes to write before."""

_FIFREEZE, _FITHAW = 0xC0045877, 0xC0045878
"""_IOWR('X', 119, int) and _IOWR('X', 120, int) of include/uapi/linux/fs.h."""
_HAS_NO_JOURNAL = (errno.EOPNOTSUPP, errno.ENOTTY)
_MAY_NOT = (errno.EPERM, errno.EBUSY)
"""In a container; or somebody else has frozen it just now, and so written its journal out."""

Act = Callable[[Path], None]


def write_out(root: Path) -> None:
    """Sync first, while everybody may still write, so that each is frozen for a moment only.

    Raises:
        OSError: the disk failed.
    """
    for folder in one_of_each_file_system(root):
        with _opened(folder) as descriptor:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            try:
                fcntl.ioctl(descriptor, _FIFREEZE, 0)
            except OSError as error:
                if error.errno not in (*_HAS_NO_JOURNAL, *_MAY_NOT):
                    raise
            else:
                fcntl.ioctl(descriptor, _FITHAW, 0)


def thaw(root: Path) -> None:
    """Let everybody write again; a file system that is not frozen says EINVAL (fs/super.c, thaw_super)."""
    for folder in one_of_each_file_system(root):
        with _opened(folder) as descriptor, contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, _FITHAW, 0)


def checkpoint(
    root: Path, timeout_s: float = TIMEOUT_S, *, write: Act = write_out, release: Act = thaw
) -> None:
    """Write out the journals of the file systems that boot loaders read.

    A process of its own does it, which no signal but SIGKILL ends; where one does, what it may have left
    frozen is thawed. Only if both are killed in the same few milliseconds does it stay so.

    Raises:
        OSError: the disk failed, or had not taken all in time.
    """
    answer = _elsewhere(lambda: write(root), timeout_s)
    if isinstance(answer, LostError) and answer.errno == errno.EIO:
        _elsewhere(lambda: release(root), timeout_s)
    if isinstance(answer, OSError):
        raise answer


def one_of_each_file_system(root: Path) -> tuple[Path, ...]:
    """A folder on each file system that a boot loader reads; what cannot be looked at was not written to."""
    folders: dict[int, Path] = {}
    for place in (root / each.lstrip("/") for each in LOADER_FOLDERS):
        with contextlib.suppress(OSError):
            facts = place.stat()
            if stat.S_ISDIR(facts.st_mode):
                folders.setdefault(facts.st_dev, place)
    return tuple(folders.values())


def _elsewhere(act: Callable[[], None], timeout_s: float) -> Answer:
    """Let another process do it; its answer, or that there is none."""

    def answer(_question: bytes) -> bytes:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        act()
        return b""

    child = Child(answer)
    child.ask([b""])
    heard = child.hear(timeout_s)
    if not isinstance(heard, LostError):
        child.let_go()
        os.waitpid(child.pid, 0)
    return heard


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
