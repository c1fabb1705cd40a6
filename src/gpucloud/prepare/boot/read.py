"""Boot files read from a host, or from a capture of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.boot import UNIT_LINK
from gpucloud.inventory.system.network import read_on_link
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.medium import read_sealed, read_unwritable
from gpucloud.prepare.boot.own.paths import OWNED, PROGRAMS
from gpucloud.prepare.boot.paths import FILES, GRUB_FOLDERS, GRUB_SCRIPTS, INITRAMFS_HOOKS, PATTERNS
from gpucloud.prepare.boot.state import read_hands

Look = Callable[[str], FileState | None | Unknown]
_FILES_LIMIT = 500
"""More files in one folder than any host has boot entries or drop-ins."""


def read_boot_files(reader: Reader, look: Look | None = None) -> BootFiles:
    """Read them all.

    Args:
        reader: the host.
        look: reads one file with mode, owner and label; without it, as of a capture, these are taken to be
            what files in /etc mostly have.
    """
    folders = {folder: reader.list_dir(folder) for folder in _folders()}
    if look is None:
        folders[GRUB_SCRIPTS] = Unknown("what GRUB can do is read on the host itself only")
    look = look or (lambda path: _plain(reader, path))
    paths = dict.fromkeys((*FILES, *OWNED))
    for folder, suffix in PATTERNS:
        names = folders[folder]
        for name in (names if isinstance(names, tuple) else ())[:_FILES_LIMIT]:
            if name.endswith(suffix):
                paths[f"{folder}/{name}"] = None
    unwritable = {
        folder: read_unwritable(reader, folder) for folder in GRUB_FOLDERS if folders[folder] is not None
    }
    states = {path: look(path) for path in paths}
    sealed = read_sealed(reader, ("/etc", "/usr", "/boot"))
    return BootFiles(states, folders, unwritable, sealed, read_on_link(reader), read_hands(reader))


def _plain(reader: Reader, path: str) -> FileState | None | Unknown:
    text = reader.read_text(path)
    mode = 0o755 if path in PROGRAMS else 0o644
    return FileState(Content(text), mode) if isinstance(text, str) else text


def _folders() -> Iterator[str]:
    """Folders of patterns and hooks, and all folders above files that may have to be written."""
    seen = {GRUB_SCRIPTS, *INITRAMFS_HOOKS, *(folder for folder, _ in PATTERNS)}
    for path in (*FILES, *OWNED, UNIT_LINK):
        folder = path.rpartition("/")[0]
        while folder:
            seen.add(folder)
            folder = folder.rpartition("/")[0]
    return iter(sorted(seen))
