"""The one entry to a host, wherever it is: here, in a capture, or over ssh."""

from __future__ import annotations

from pathlib import Path

from gpucloud.inventory.host import read_host
from gpucloud.inventory.live import LiveReader, patient
from gpucloud.inventory.reader import HostReader
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host


def open_reader(*, capture: Path | None = None, remote: str | None = None) -> HostReader:
    """Reach a host: this one where neither argument is given.

    Args:
        capture: a directory or archive.
        remote: ``USER@HOST`` as ssh takes it.

    Raises:
        Failure: it cannot be reached or read, or both were given.
    """
    if capture is not None and remote is not None:
        raise Failure("a capture and a host were given", "give one of --from and --host", code=Exit.USAGE)
    if capture is not None:
        from gpucloud.inventory.capture.open import open_capture

        return open_capture(capture)
    if remote is not None:
        from gpucloud.inventory.remote import open_remote

        return open_remote(remote)
    return LiveReader(read_files=patient())


def open_host(*, capture: Path | None = None, remote: str | None = None) -> Host:
    """Read a host: this one where neither argument is given (``open_reader``)."""
    return read_host(open_reader(capture=capture, remote=remote))
