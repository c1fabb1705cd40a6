"""Where a guest's files are: its folder, its console log, and the lock that launches share."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpucloud.model.failure import Failure


@dataclass(frozen=True, slots=True)
class Places:
    """The three places, apart because different programs must reach them.

    Folders are under /var/lib/libvirt because QEMU, as its own user, must get there. Logs are under
    /var/log/libvirt because virtlogd writes them, and SELinux lets it write there. A log outlives a
    launch that failed; a folder does not.
    """

    guests: Path = Path("/var/lib/libvirt/gpucloud")
    logs: Path = Path("/var/log/libvirt/gpucloud")
    lock: Path = Path("/run/gpucloud-guests.lock")

    def folder(self, name: str) -> Path:
        return self.guests / name

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @contextmanager
    def locked(self, when_waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock under which units are chosen and names taken; the kernel frees it on death.

        Raises:
            Failure: the lock file cannot be made.
        """
        try:
            file = self.lock.open("a")
        except OSError as error:
            raise Failure(f"{self.lock} cannot be made: {error.strerror}", "run as root") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                when_waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def make_folder(self, name: str) -> Path:
        """Make a new guest's folder, which QEMU's user may enter but not list.

        Raises:
            Failure: it could not be made.
        """
        folder = self.folder(name)
        try:
            self.guests.mkdir(mode=0o711, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o711)
        except OSError as error:
            raise Failure(
                f"{folder} cannot be made: {error.strerror}", "check the disk and its rights"
            ) from error
        return folder

    def remove_folder(self, name: str) -> None:
        """Remove a guest's folder with all in it, and the folder above it if that was the last."""
        shutil.rmtree(self.folder(name), ignore_errors=False) if self.folder(name).exists() else None
        with suppress(OSError):  # another guest's folder is still there
            self.guests.rmdir()

    def remove_log(self, name: str) -> None:
        """Remove a guest's console log with the older parts that virtlogd has put aside."""
        for part in (self.log(name), *self.logs.glob(f"{name}.log.*")):
            part.unlink(missing_ok=True)
        with suppress(OSError):
            self.logs.rmdir()

    def forgotten(self, names: Collection[str]) -> tuple[str, ...]:
        """Names of folders whose guest is none of these: it ended by itself, or its host went down."""
        if not self.guests.is_dir():
            return ()
        return tuple(sorted(path.name for path in self.guests.iterdir() if path.name not in names))
