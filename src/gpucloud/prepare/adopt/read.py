"""Files read in which a host may have been set up by hand, beside those that decide how it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system import by_hand
from gpucloud.inventory.system.boot import OWN
from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import read_boot_files
from gpucloud.prepare.boot.read import Look

_UNIT_NAME = re.compile(r"[\w@.:-]+\.service")
_FILES_LIMIT = 500
_CALLERS_LIMIT = 65536
"""Bytes of a file that may run a script: programs are longer, and name none as text."""
_OF_CRON = tuple(f"/etc/cron.{when}" for when in ("d", "hourly", "daily", "weekly", "monthly"))
_OF_CALLERS = (
    *(
        "/etc/libvirt/hooks",
        *(f"/etc/libvirt/hooks/{what}.d" for what in ("qemu", "lxc", "network", "daemon")),
    ),
    *(*_OF_CRON, "/var/spool/cron", "/var/spool/cron/crontabs", "/var/spool/cron/tabs"),
    *("/usr/local/bin", "/usr/local/sbin", "/etc/NetworkManager/dispatcher.d", "/etc/network/if-up.d"),
)
"""Folders of what runs scripts, at its time: cron(8), libvirt's hooks, an administrator's own programs."""
_NOT_TEXT = ".gpucloud-new"


@dataclass(frozen=True, slots=True)
class FilesByHand:
    """The files of a host, and what enables its units."""

    files: BootFiles
    """All boot files, and of the others those that may set something up; what could not be read, too."""
    links: tuple[tuple[str, str], ...]
    """Links that enable units, with where each leads."""
    named: Mapping[str, frozenset[str]]
    """Units that files name, with the paths of these files: of all that were looked at."""
    unread: tuple[Unknown, ...]
    """Why files or folders could not be looked at."""
    callers: Mapping[str, str]
    """Files that may run a script and set nothing up themselves, with what they say."""


def read_files_by_hand(reader: Reader, look: Look | None = None) -> FilesByHand:
    """Read them all; arguments as of ``read_boot_files``."""
    boot = read_boot_files(reader, look)
    look = look or (lambda path: _plain(reader, path))
    wanted = {folder: reader.list_dir(folder) for folder, _ in by_hand.PATTERNS}
    found = {path: look(path) for path in _paths(reader, wanted) if path not in boot.files}
    if found.get(by_hand.RC_LOCAL[0]) == found.get(by_hand.RC_LOCAL[1]):  # a link, in a capture a copy
        found.pop(by_hand.RC_LOCAL[0], None)
    kept = {path: state for path, state in found.items() if _is_kept(path, state)}
    unknown = (*wanted.values(), *found.values())
    return FilesByHand(
        replace(boot, files={**boot.files, **kept}, folders={**boot.folders, **wanted}),
        tuple(_links(reader)),
        _names_of_units({**_texts_of(found), **_texts_of(_beside(reader, look)), **_dependencies(reader)}),
        tuple(each for each in unknown if isinstance(each, Unknown)),
        dict(_callers(reader)),
    )


def _callers(reader: Reader) -> Iterator[tuple[str, str]]:
    listed = (f"{folder}/{name}" for folder in _OF_CALLERS for name in _listed(reader, folder))
    for path in ("/etc/crontab", *listed):
        text = reader.read_text(path, _CALLERS_LIMIT)
        if isinstance(text, str):
            yield path, text


def _paths(reader: Reader, folders: dict[str, tuple[str, ...] | None | Unknown]) -> Iterator[str]:
    """Paths of plain files: a link's file is read where it lies, so that nothing is changed twice."""
    for path in by_hand.FILES:
        if not isinstance(reader.read_link(path), str):
            yield path
    for folder, pattern in by_hand.PATTERNS:
        names = folders[folder]
        for name in (names if isinstance(names, tuple) else ())[:_FILES_LIMIT]:
            path = f"{folder}/{name}"
            is_named = fnmatchcase(name, pattern) and name.isprintable() and not name.endswith(_NOT_TEXT)
            if is_named and path not in OWN and not isinstance(reader.read_link(path), str):
                yield path


def _is_kept(path: str, state: FileState | None | Unknown) -> bool:
    """Of foreign files only those that may matter: a change of any other is no change of the plan."""
    if isinstance(state, FileState):
        return path.startswith("/etc/modprobe.d/") or by_hand.has_sign(state.text) or path in by_hand.MISNAMED
    return False


def _texts_of(states: Mapping[str, FileState | None | Unknown]) -> dict[str, str]:
    return {path: state.text for path, state in states.items() if isinstance(state, FileState)}


def _beside(reader: Reader, look: Look) -> dict[str, FileState | None | Unknown]:
    """What may require a unit and is looked at for that alone: drop-ins, and units of packages."""
    found = {}
    for folder in (*_folders(reader, (".service.d", ".target.d")), by_hand.PACKAGED_UNITS):
        for name in _listed(reader, folder):
            if name.endswith((".conf", ".service", ".target")):
                found[f"{folder}/{name}"] = look(f"{folder}/{name}")
    return found


def _dependencies(reader: Reader) -> dict[str, str]:
    """Links that let something else want or require a unit (systemd.unit(5)), each as a text that names it.

    Those that are taken away with their unit are in ``_links``.
    """
    folders = (each for each in _folders(reader, (".wants", ".requires")) if each not in by_hand.WANTS)
    return {f"{folder}/{name}": name for folder in folders for name in _listed(reader, folder)}


def _folders(reader: Reader, endings: tuple[str, ...]) -> Iterator[str]:
    return (f"{by_hand.UNITS}/{name}" for name in _listed(reader, by_hand.UNITS) if name.endswith(endings))


def _listed(reader: Reader, folder: str) -> tuple[str, ...]:
    names = reader.list_dir(folder)
    return (
        tuple(each for each in names if each.isprintable())[:_FILES_LIMIT] if isinstance(names, tuple) else ()
    )


def _names_of_units(texts: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for path, text in texts.items():
        for name in frozenset(_UNIT_NAME.findall(text)):
            found[name] = found.get(name, frozenset()) | {path}
    return found


def _links(reader: Reader) -> Iterator[tuple[str, str]]:
    for folder in by_hand.WANTS:
        names = reader.list_dir(folder)
        for name in (names if isinstance(names, tuple) else ())[:_FILES_LIMIT]:
            target = reader.read_link(f"{folder}/{name}") if name.isprintable() else None
            if isinstance(target, str):
                yield f"{folder}/{name}", target


def _plain(reader: Reader, path: str) -> FileState | None | Unknown:
    text = reader.read_text(path)
    return FileState(Content(text)) if isinstance(text, str) else text
