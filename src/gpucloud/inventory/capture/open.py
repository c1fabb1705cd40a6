"""Any capture, by its path: a directory or an archive."""

from __future__ import annotations

from pathlib import Path

from gpucloud.inventory.capture.absences import ByManifest, ByRule
from gpucloud.inventory.capture.allowlist import MANIFEST, PACKED
from gpucloud.inventory.capture.archives.bounds import refuse
from gpucloud.inventory.capture.reader import CaptureReader, Files
from gpucloud.inventory.capture.top import captures_in, is_top, no_host, several_hosts
from gpucloud.inventory.folder import Folder
from gpucloud.inventory.reader import FILE_LIMIT, reason
from gpucloud.model.failure import Failure, code_of

_MANIFEST_LIMIT = 4 * 1024 * 1024


def open_capture(path: Path) -> CaptureReader:
    """Open a directory or an archive that holds ``sys/``, ``proc/`` or ``etc/`` as on the host.

    They may lie in one folder of any name at the top, as archives often have it.

    Raises:
        Failure: there is no such path, no host in it, or it is damaged or refused.
    """
    try:
        if path.is_dir():
            return _reader(str(path), Folder(_top_of(path), has_text_links=True))
        path.stat()
    except OSError as error:
        raise Failure(
            f"there is no capture at {path} ({reason(error)})",
            "give a directory, or an archive made by: gpucloud capture",
            code=code_of(error),
        ) from None
    from gpucloud.inventory.capture.archives.read import read_archive

    return _reader(str(path), read_archive(path))


def _top_of(path: Path) -> Path:
    if is_top(path):
        return path
    found = captures_in(path)
    if found != (path,):
        raise several_hosts(path, found)
    tops = [child for child in path.iterdir() if is_top(child) and not child.is_symlink()]
    if len(tops) != 1:
        raise no_host(str(path))
    return tops[0]


def _reader(label: str, files: Files) -> CaptureReader:
    packed, data = _own(label, files, PACKED, FILE_LIMIT), _own(label, files, MANIFEST, _MANIFEST_LIMIT)
    if packed is not None:
        from gpucloud.inventory.capture.packed import parse_packed

        files = parse_packed(packed, label)
    if data is None:
        return CaptureReader(label, files, ByRule(), has_manifest=False)
    from gpucloud.inventory.capture.manifest import parse_manifest

    manifest = parse_manifest(data, label)
    absences = ByManifest(manifest.collected, manifest.unread)
    return CaptureReader(label, files, absences, has_manifest=True)


def _own(label: str, files: Files, path: str, limit: int) -> bytes | None:
    """A file of gpucloud's own; captures made by hand or by another tool have none."""
    try:
        return files.read(path, limit)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refuse(label, f"its {path[1:]} cannot be read ({reason(error)})") from None
