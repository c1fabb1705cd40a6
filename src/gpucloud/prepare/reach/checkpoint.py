"""What was written, brought to where a boot loader finds it: boot loaders do not replay a journal.

After ``fsync`` the name and the place of a file may stand in the journal of its file system alone. The kernel
reads that at the next mount; GRUB reads the file system as it lies there (grub-core/fs/ext2.c, xfs.c), so
after a power cut it may find the files of before, or their blocks with something else in them. To freeze a
file system writes its journal out (fs/super.c: freeze_super; ext4_freeze, xfs_fs_freeze); thawed at once,
nobody notices. It is what ostree and dracut do for the same reason.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from pathlib import Path

from gpucloud.inventory.collect.envoy import Child

LOADER_FOLDERS = ("/boot", "/boot/efi", "/efi")
"""Where boot loaders read; those that are not there are passed over."""

TIMEOUT_S = 600.0
"""A slow disk may have gigabytes to write before."""

_FIFREEZE, _FITHAW = 0xC0045877, 0xC0045878
"""_IOWR('X', 119, int) and _IOWR('X', 120, int) of include/uapi/linux/fs.h."""
_HAS_NO_JOURNAL = (errno.EOPNOTSUPP, errno.ENOTTY)
_MAY_NOT = (errno.EPERM, errno.EBUSY)
"""In a container; or somebody else has frozen it just now, and so written its journal out."""


def checkpoint(root: Path, timeout_s: float = TIMEOUT_S) -> None:
    """Write out the journals of the file systems that boot loaders read.

    A process of its own does it, out of reach of Ctrl-C: nothing stays frozen where this one is killed.

    Raises:
        OSError: the disk failed, or had not taken all in time.
    """
    folders = one_of_each_file_system(root)
    child = Child(_write_out)
    child.ask([os.fsencode(folder) for folder in folders])
    for _ in folders:
        answer = child.hear(timeout_s)
        if isinstance(answer, OSError):
            raise answer
    child.let_go()
    os.waitpid(child.pid, 0)


def one_of_each_file_system(root: Path) -> tuple[Path, ...]:
    """A folder on each file system that a boot loader reads."""
    folders: dict[int, Path] = {}
    for place in (root / each.lstrip("/") for each in LOADER_FOLDERS):
        if place.is_dir():
            folders.setdefault(place.stat().st_dev, place)
    return tuple(folders.values())


def _write_out(folder: bytes) -> bytes:
    """Sync first, while everybody may still write, so that it is frozen for a moment only."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        fcntl.ioctl(descriptor, _FIFREEZE, 0)
        fcntl.ioctl(descriptor, _FITHAW, 0)
    except OSError as error:
        if error.errno not in (*_HAS_NO_JOURNAL, *_MAY_NOT):
            raise
    finally:
        os.close(descriptor)
    return b""
